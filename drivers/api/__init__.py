"""The whole public surface for a driver author; nothing else of this project is to be imported.

`contract` says what a driver is, `types` the words it speaks in, `errors` what it may raise,
`config` the base of its settings. A driver that passes `drivers.testing.conformance` runs.
"""

from drivers.api.config import HOST_KEYS, DeviceConfig, Port, Seconds
from drivers.api.contract import (
    API_VERSION,
    Browses,
    Driver,
    Identifies,
    Plan,
    Polls,
    Subscribes,
    Writes,
)
from drivers.api.errors import (
    AccessError,
    AddressError,
    AddressProblem,
    Busy,
    ConnectError,
    DriverError,
    NoReply,
    SessionLost,
)
from drivers.api.types import (
    Access,
    ClockSource,
    DataType,
    FoundPoint,
    Frame,
    Identity,
    Quality,
    Tag,
    Value,
    WriteResult,
)

__all__ = [
    "API_VERSION",
    "HOST_KEYS",
    "Access",
    "AccessError",
    "AddressError",
    "AddressProblem",
    "Browses",
    "Busy",
    "ClockSource",
    "ConnectError",
    "DataType",
    "DeviceConfig",
    "Driver",
    "DriverError",
    "FoundPoint",
    "Frame",
    "Identifies",
    "Identity",
    "NoReply",
    "Plan",
    "Polls",
    "Port",
    "Quality",
    "Seconds",
    "SessionLost",
    "Subscribes",
    "Tag",
    "Value",
    "WriteResult",
    "Writes",
]
