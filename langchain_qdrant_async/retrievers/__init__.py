"""Retrievers for LangChain over a store, each asynchronous to the bottom."""
