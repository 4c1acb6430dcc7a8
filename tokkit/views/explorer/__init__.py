"""The page of `explore`: its columns, its scripts, and the libraries that are part of it."""
