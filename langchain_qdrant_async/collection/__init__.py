"""A Qdrant's collections: what one is to be, what it is, and what a store knows of it."""
