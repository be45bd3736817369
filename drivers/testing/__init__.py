"""What a driver author tests with: the conformance battery, and a driver made of a script.

`conformance` is the battery any driver must pass, `case` what the driver gives it, `wire` a TCP
link that freezes and breaks on demand, `scripted` a driver without a machine.
Nothing here runs in production; the battery needs pytest (extra `testing`).
"""
