"""Texts that stand more than once: exact copies by key, near ones by clusters."""
