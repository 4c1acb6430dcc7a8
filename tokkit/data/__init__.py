"""Labelled rows: loaded without damage, searched for duplicates, split, rebalanced, saved."""
