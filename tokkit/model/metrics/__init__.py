"""Scores of predictions: pure functions over arrays, without tasks or models."""
