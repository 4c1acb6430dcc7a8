"""What `wrap` does to a tokenizer on the way into its folder: roles, template, proof."""
