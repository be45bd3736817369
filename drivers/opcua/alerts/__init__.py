"""Alarms and events of an OPC UA server: asked for, decoded within bounds, told as alerts."""
