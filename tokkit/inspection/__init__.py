"""What joins the rooms to look at things: statistics of a data set as a tokenizer sees it."""
