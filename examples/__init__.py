"""Complete programs, each run by the tests."""
