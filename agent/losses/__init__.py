"""What is missing: one vocabulary of causes, and the spans in which each took something."""
