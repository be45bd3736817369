"""The key-process CNC rate (关键工序数控化率): declared by a ledger, proven by data.

`ledger` knows processes and machines as of a day, `observe` counts what devices delivered as
`deviceday` records, `digest` seals them, `findings`, `copies`, `identity` and `sources` tell what
speaks against them, `judge` gives each machine its standing, `rates` holds the formulas, `result`
puts them together, `report` gives the outcome to the page, the platform and other programs.
"""
