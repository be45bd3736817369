"""What a server kept of the past: which points it keeps, and their values of a span."""
