"""The model folder: classifier, tokenizer, receipt, predictions, and folders of folds."""
