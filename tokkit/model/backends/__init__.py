"""Which library computes a model folder: torch, or the runtime of an exported one."""
