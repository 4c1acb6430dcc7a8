"""SentencePiece's `.model` files as tokenizers of the `tokenizers` package, with the same ids."""
