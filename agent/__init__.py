"""The Chulian agent: collects, stores, forwards and shows."""
