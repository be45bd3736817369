"""Finding out what is wrong with a gateway: the box, the store, the platform, the machines."""
