"""The tables of each result, a module a kind. They are made from the very object that ``--json`` prints."""
