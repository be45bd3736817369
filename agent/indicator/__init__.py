"""The rate of every shop day that was sealed: told to the platform, kept, and compared.

Guarantees: what is told of a day is computed by the ledger as it was declared then. Never decides
a standing: `agent.kpi` does.
"""
