"""The ledger edited on the local page: who may, what was typed, what it would change, and saving.

Nothing here is open to anybody without a session, and a session begins with a code that only who
administers this gateway can ask for. `door` and `gate` are there from the start; everything else
is imported at the first login, so that a gateway where nobody edits pays nothing for it.
"""
