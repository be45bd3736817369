"""What a device can bear, found out while it is read: addresses and lengths it refuses."""
