"""Several tokenizers measured on the same rows."""
