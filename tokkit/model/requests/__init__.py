"""Calls as they are checked before they are carried out."""
