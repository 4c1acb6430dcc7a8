"""What `stats` is made of: additive figures of the rows of a data set, gathered in one pass by threads."""
