"""Tokenizers: blocks and recipes, training, the folder they are kept in, and what texts cost in tokens."""
