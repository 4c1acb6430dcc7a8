"""Where shards are computed: in this process, in several on this machine, or as tasks of Ray."""
