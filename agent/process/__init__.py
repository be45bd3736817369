"""The agent as a process: told to stop, watched, kept within its memory, given new settings."""
