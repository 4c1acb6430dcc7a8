"""What a page of `explore` knows of each row: copies, tokens, predictions, its place on a map, suspicion."""
