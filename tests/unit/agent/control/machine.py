"""One scripted device whose points may be written, a session a test spoils, and a desk."""

from __future__ import annotations

import orjson
from jsonschema import Draft202012Validator

from agent.config.model import DeviceEntry, Group, TagEntry
from agent.config.plan import DevicePlan, GroupPlan, tag_of
from agent.control.desk import Desk
from agent.control.history import History
from agent.control.outcome import Order
from drivers.api import Frame, Quality, WriteResult
from drivers.testing.scripted import ScriptedConfig, ScriptedDriver
from simulators.platform.checks import load_schema

TAGS = (
    TagEntry(
        name="setpoint", address="sp", type="int16", unit="Cel", scale=0.1, description="设定温度",
        write={"min": 10, "max": 40, "step": 0.5, "min_interval_s": 0},
    ),
    TagEntry(name="run", address="run", type="bool", write={"min_interval_s": 60}),
    TagEntry(
        name="reset", address="reset", type="uint16",
        write={"min": 0, "max": 1, "confirm": "none", "min_interval_s": 0},
    ),
    TagEntry(name="temp", address="temp", type="int16", scale=0.1),
)  # fmt: skip


class Session:
    """Reads and writes a dictionary; `fails` and `says` let a test spoil it."""

    def __init__(self, values=None):
        self.values = {"sp": 205, "run": False, "reset": 0, "temp": 198} | (values or {})
        self.bad = {}
        self.read_error = None
        self.write_error = None
        self.says = None
        """What a write is answered with instead of success: a reason, or a function of the tag."""
        self.takes = True
        self.reads = 0
        self.sent = []

    async def read(self, plan):
        self.reads += 1
        if self.read_error is not None:
            raise self.read_error
        (tag,) = plan.tags
        if tag.address in self.bad:
            return Frame(plan.device, plan.group, 1, (None,), qualities=bytes([Quality.BAD]),
                         reasons={0: self.bad[tag.address]})  # fmt: skip
        return Frame(plan.device, plan.group, 1, (self.values[tag.address],))

    async def write(self, plan, values):
        ((tag, value),) = values.items()
        self.sent.append((tag.name, value))
        if self.write_error is not None:
            raise self.write_error
        if self.takes:
            self.values[tag.address] = value
        reason = self.says or ""
        return (WriteResult(tag, written=not reason, reason=reason),)


class Bench:
    """A desk over one device; `session` None is a device that is not connected."""

    def __init__(self, folder, *, tags=TAGS):
        self.session = Session()
        self.events = []
        self.again = []
        driver, settings = ScriptedDriver(), ScriptedConfig()
        plan = driver.plan(settings, [tag_of(tag) for tag in tags], device="oven", group="g")
        entry = DeviceEntry(id="oven", driver="scripted", tags=tags)
        group = GroupPlan("g", Group(), tags, plan)
        self.devices = (DevicePlan(entry, driver, settings, driver.link(settings), (group,)),)
        self.folder = folder
        self.desk = self.new_desk()

    def new_desk(self):
        """Give a desk as after a restart."""
        history = History(self.folder / "store.writes")
        return Desk(self.devices, reach=self.reach, record=self.record, history=history)

    async def reach(self, device, *, again):
        assert device == "oven"
        self.again.append(again)
        return self.session

    def record(self, t_ms, body):
        """Take an event row, which must be one the platform knows."""
        event = orjson.loads(b'{"n":1,' + body)
        schema = load_schema()
        Draft202012Validator({"$ref": "#/$defs/record", "$defs": schema["$defs"]}).validate(event)
        assert event["t"] == t_ms
        self.events.append({key: value for key, value in event.items() if key not in {"n", "t"}})

    async def write(self, tag, text, *, device="oven"):
        return await self.desk.write(Order(device, tag, text, "zhang"))

    async def preview(self, tag, text, *, device="oven"):
        return await self.desk.preview(Order(device, tag, text, "zhang"))
