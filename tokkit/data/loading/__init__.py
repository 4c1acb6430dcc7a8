"""Labelled rows from files, folders, addresses and the hub: without damage, and counted."""
