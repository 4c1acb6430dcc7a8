"""What looks back at outputs that were written: whether the same command writes the same again."""
