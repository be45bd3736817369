"""The points of the conformance battery, by theme; `drivers.testing.conformance` joins them."""
