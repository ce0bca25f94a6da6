"""A document as a point and back. Pure: no I/O, no clock, no loop."""
