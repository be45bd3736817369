"""The wire of OPC UA: our own transport and decoder, strict and bounded in memory and time.

Every byte a server sends is judged here before anything else sees it. asyncua gives the data
types, encodes what we send, and holds the cryptography of the policies; it decodes nothing.
"""
