"""From the bytes of a message to columns of values; no input or output.

`binary` steps over what the standard encodes, `values` says what a variant becomes, `items` reads
lists of data values, `shape` the same by what was learned of messages before, `status` names codes.
"""
