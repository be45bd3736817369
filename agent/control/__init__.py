"""Writing to machines: only by a person at the box, only to points a person has enabled."""
