"""What the agent says of itself: status, last values, metrics, logs."""
