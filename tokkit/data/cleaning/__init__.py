"""Texts repaired and rows dropped, each with its reason."""
