"""The wire's messages <-> what the engine takes. Pure."""
