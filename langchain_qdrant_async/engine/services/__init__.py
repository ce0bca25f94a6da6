"""Qdrant's gRPC services."""
