"""Machines, brokers and a platform to try Chulian on; they import neither agent nor drivers."""
