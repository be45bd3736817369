"""Northbound: rows of the store become MQTT messages and leave on an acknowledgement."""
