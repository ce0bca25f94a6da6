"""What is asked of the engine, composed of its own operations."""
