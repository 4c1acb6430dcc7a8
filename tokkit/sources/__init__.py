"""Where text comes from: paths, compression, encodings and formats; streams of lines, tables of rows."""
