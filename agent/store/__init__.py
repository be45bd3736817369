"""The outbox on disk: what was collected and is not yet acknowledged."""
