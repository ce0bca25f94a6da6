"""The embedded Qdrant: one process per folder that serves Qdrant's gRPC API over the `qdrant-edge-py` engine.

It is reached only as a process (`python -m langchain_qdrant_async.engine FOLDER`), never by import: every call into
the engine holds the interpreter's lock, so it may not live in an application's own interpreter.

    process      lock, sockets, signals, the order of starting and stopping
    leases       who still uses the engine
    points, collections, health, snapshots    the four gRPC services
    catalog      names and aliases -> shards;  registry keeps what it knows on disk
    shard        one collection's data in the engine
    optimiser    when a shard is indexed and quantised;  backlog says what there is to do
    optimisation how: on a copy (copies), in a child process (indexer), following the shard's journal
    writes, queries, filters, vectors, values, ids, indexes, hits    wire <-> engine, pure
    status, rpc  how a failure becomes a gRPC status
"""
