"""Models that turn texts into vectors, shared by all their callers."""
