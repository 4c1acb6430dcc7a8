"""What kernels stand on: compile cache, worker threads, child processes, tables of strings."""
