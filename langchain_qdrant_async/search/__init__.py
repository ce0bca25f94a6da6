"""What is asked and what comes back. Pure: no I/O, no clock, no loop."""
