"""Rows of text as token ids, exact and fast."""
