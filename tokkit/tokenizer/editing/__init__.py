"""Edit existing tokenizers: add tokens, trim to a corpus, wrap for transformers."""
