"""Drivers of the Chulian agent; `drivers.api` is all a driver author needs."""
