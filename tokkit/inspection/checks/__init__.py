"""The contract between tokenizer, model and data, as rules: what `doctor` looks for, a group a module."""
