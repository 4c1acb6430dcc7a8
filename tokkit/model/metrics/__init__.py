"""Scores of predictions: pure functions over arrays, which know no task and no model."""
