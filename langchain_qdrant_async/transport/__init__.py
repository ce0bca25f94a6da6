"""How every RPC reaches Qdrant."""
