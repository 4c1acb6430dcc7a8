"""The blocks tokenizers are built of, by name, and recipes: named sets of them."""
