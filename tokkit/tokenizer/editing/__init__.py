"""Tokenizers made larger or smaller, and the embeddings of their models with them."""
