"""The command line: one file per command, each a thin shell over the function of the same name."""
