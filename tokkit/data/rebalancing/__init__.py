"""Rows drawn so that classes come near to balance."""
