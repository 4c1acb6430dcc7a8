"""Domain words worth a token of their own."""
