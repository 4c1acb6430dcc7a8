"""Options of the model commands; nothing here imports a heavy library."""
