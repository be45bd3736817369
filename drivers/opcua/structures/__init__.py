"""Parts of a value: elements of arrays, fields of structures, decoded from the server's own types.

`part` is what an address says; `layout` how a structure lies on the wire; `extract` takes the part
out of the bytes; `definitions` asks the server, once per session, how its structures are made.
Nothing a server sends is ever run, and no XML is read.
"""
