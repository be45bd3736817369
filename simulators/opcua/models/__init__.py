"""Machines shaped as the companion specifications shape them, one module of facts per document."""
