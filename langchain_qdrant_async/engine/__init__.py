"""The embedded Qdrant: one process per folder that serves Qdrant's gRPC API over the `qdrant-edge-py` engine.

It is reached only as a process (`python -m langchain_qdrant_async.engine FOLDER`), never by import: every call into
the engine holds the interpreter's lock, so it may not live in an application's own interpreter.

Imports go one way, down this list:

    process      the process: its options, the folder it locks, its gRPC servers and keys, who uses it, how it ends
    services     Qdrant's four gRPC services: which RPCs there are, and what they have in common
    optimise     indexing and quantising: when (optimiser), and how (optimisation) on a copy in a child process
    operations   what requests ask for: queries and how they score, groups, writes, a collection's configuration
    shards       the collections as they are kept: by name (catalog), on the disk (registry), in the engine (shard)
    convert      messages <-> the engine's values, pure: filters, vectors, payloads, ids, indexes, hits
    status       how a failure becomes a gRPC status
"""
