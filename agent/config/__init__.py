"""The configuration: its models, its loader, point tables and every problem's text."""
