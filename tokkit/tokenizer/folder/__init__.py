"""Tokenizers and checkpoints on disk: read, checked, written, and guarded against what is in them."""
