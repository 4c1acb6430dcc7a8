"""Predictions: of texts in memory, and of the rows of a file, which keep their place and their columns."""
