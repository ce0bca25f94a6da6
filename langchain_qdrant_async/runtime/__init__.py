"""The loop, the threads and the process that we live in."""
