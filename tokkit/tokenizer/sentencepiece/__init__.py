"""SentencePiece `.model` files: read, and converted to tokenizers of the `tokenizers` package."""
