"""Data sets as token ids in files: one row each, or packed into sequences of one length."""
