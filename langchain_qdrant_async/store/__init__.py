"""LangChain's face: documents in, documents found."""
