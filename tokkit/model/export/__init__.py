"""Export of classifiers: to a graph, to 8 bits, checked on rows, as a folder that needs no torch."""
