"""Benchmarks: scripts that are run by hand, `python -m tests.benchmark.<name>`. They print what they measured."""
