"""What a tag's address and type mean: where a value stands and how its bytes become a value."""
