"""Vectors of many numbers brought to the few that a collection holds."""
