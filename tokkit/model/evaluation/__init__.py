"""Evaluation: models scored on labeled rows, with intervals, label issues and comparisons."""
