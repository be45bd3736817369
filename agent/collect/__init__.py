"""Southbound: links, devices, poll groups and subscriptions."""
