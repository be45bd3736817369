"""OPC UA machines, sane or misbehaving: companion models, limits, history and faults on demand."""
