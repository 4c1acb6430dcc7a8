"""The functions of `import tokkit`: data in memory, keywords one by one, results that a notebook displays."""
