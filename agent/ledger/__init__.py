"""The declared ledger (台账): its document, its history, its spreadsheet, its editing.

`records` gives the ledger as plain data, `journal` keeps every change under a chain of hashes,
`history` answers what was declared on a day, `findings` names what an assessor will ask about,
`edit` changes records in the configuration file, `typed` takes one from a form, `sheets` and
`naming` say what each field is called.
"""
