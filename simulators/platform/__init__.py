"""The platform stand-in: receives, checks and counts; `Platform` is the way in."""

from simulators.platform.platform import Platform, PlatformError
from simulators.platform.receiver import Receiver
from simulators.platform.rows import Point, Row

__all__ = ["Platform", "PlatformError", "Point", "Receiver", "Row"]
