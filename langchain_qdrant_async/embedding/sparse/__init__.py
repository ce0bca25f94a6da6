"""Sparse vectors: a weight for each word that matters."""
