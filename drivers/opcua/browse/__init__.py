"""What a server offers: its nodes by browse path, and a walk through them.

`path` is a path as an address has it, `resolve` asks the server which node it leads to; `walk`
goes through the address space within bounds, and gives every variable with what is told of it.
"""
