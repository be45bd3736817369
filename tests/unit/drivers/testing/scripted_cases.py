"""Cases of the scripted driver, one for each kind of session."""

from types import MappingProxyType

from drivers.api import Access, DataType, Identity, Tag
from drivers.testing.case import Case
from drivers.testing.script import Script
from drivers.testing.scripted import (
    DRIVER,
    PollingSession,
    PushingSession,
    ScriptedConfig,
    ScriptedDriver,
)

SPEED = Tag("spindle.speed", "speed", DataType.FLOAT64)
COUNT = Tag("part.count", "count", DataType.UINT32, access=Access.READ_WRITE)
STATE = Tag("machine.state", "state", DataType.STRING)
DOOR = Tag("door.open", "door", DataType.BOOL)
POLLING = ScriptedDriver(session=PollingSession)
PUSHING = ScriptedDriver(session=PushingSession)


class ScriptedCase(Case):
    """The scripted driver, its script in place of a server."""

    driver = DRIVER
    reference = "drivers.testing.scripted:DRIVER"
    installed = False
    shipped = False
    expected = MappingProxyType({SPEED: 1200.0, COUNT: 7, STATE: "running", DOOR: False})
    change = (COUNT, 8)
    malformed = (Tag("a", "no spaces"), Tag("b", ""))
    refused = Tag("coolant", "coolant")
    writable = (COUNT, 9)
    timeout_s = 0.2
    burst = 100

    async def start(self):
        values = {tag.address: value for tag, value in self.expected.items()}
        self.script = Script(values, identity=Identity(maker="Script"))
        self.driver.scripts = {"device-1": self.script}
        self.driver.wires = {}
        return ScriptedConfig(timeout_s=self.timeout_s, alerts=True)

    async def stop(self):
        wire = self.driver.wire()
        wire.down = True
        wire.drop()

    async def freeze(self):
        self.driver.wire().freeze()

    async def thaw(self):
        self.driver.wire().thaw()

    async def drop(self):
        self.driver.wire().drop()

    async def set(self, tag, value):
        self.script.set(tag.address, value)


class PollingCase(ScriptedCase):
    """Sessions that only read."""

    driver = POLLING
    reference = "unit.drivers.testing.scripted_cases:POLLING"


class PushingCase(ScriptedCase):
    """Sessions that only subscribe."""

    driver = PUSHING
    reference = "unit.drivers.testing.scripted_cases:PUSHING"
