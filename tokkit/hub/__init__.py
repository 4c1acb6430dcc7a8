"""The hub: cards of models, tokenizers and data sets, uploads, and searching data sets."""
