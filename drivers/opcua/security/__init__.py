"""How a channel is protected: endpoint choice, certificates, trust, login.

Nothing is accepted unseen: a server's certificate that no person has trusted is refused, kept for
that person to look at, and named in the error with the command that trusts it.
"""
