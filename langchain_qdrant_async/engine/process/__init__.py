"""The engine's process: its options, who may start it, where it serves, who uses it, how it ends."""
