"""Time that cannot be trusted: its state, its steps, and what becomes of data stamped meanwhile.

Nothing in the program is deleted, ordered, retried or expired by the wall clock; it is data with a
flag. Spec: docs/specs/payload, section 3; for people: docs/time.
"""
