"""The proof file: one archive from which a stranger computes the rate again, number by number.

`build` makes it of ledger, settings and evidence, `verify` checks one without store or
configuration, `report` puts it on paper. The format is normative in docs/specs/proof.
"""
