"""The report of a proof file: pages for people, made of its documents alone.

`papers` gives access to the documents, `contents` says what stands on the pages as blocks without
a medium, `html` and `pdf` set them. Equal documents give equal bytes.
"""
