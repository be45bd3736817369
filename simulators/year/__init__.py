"""A year of a 30-person machining shop, day by day: what its machines would have given to read.

Shares no code with the agent; the same day always gives the same readings.
"""
