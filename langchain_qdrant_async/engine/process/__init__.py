"""The engine's process: who may start it, who uses it, how it ends."""
