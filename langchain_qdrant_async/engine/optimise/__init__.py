"""Indexing and quantising, on a copy and in a child process."""
