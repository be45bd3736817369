"""How requests travel: framings, transports, and the one-at-a-time traffic of a line."""
