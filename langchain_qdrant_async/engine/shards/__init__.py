"""Collections as the engine keeps them: one shard each, in a folder."""
