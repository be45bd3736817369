"""Modbus devices to try a collector on: sane ones, and ones that misbehave as real ones do."""
