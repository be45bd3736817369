"""What a machine offers, as a person wants it: found, named, and made into a point table.

`target` tells which machine is meant, `gather` walks through it, `mapping` recognises companion
models, `naming` and `propose` make points of what was found, `show` lays it out.
"""
