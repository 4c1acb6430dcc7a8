"""Cards of models, tokenizers and data sets: Markdown with the metadata that the hub reads."""
