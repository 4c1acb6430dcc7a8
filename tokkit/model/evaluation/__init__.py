"""Scoring a model, and what is told of its answers."""
