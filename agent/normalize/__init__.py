"""From raw frames to engineering frames: pure column functions, compiled once per group."""
