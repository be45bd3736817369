from __future__ import annotations

import asyncio
import json

import pytest

from agent.config.load import load
from agent.process.reload import Reloader, compare

TAG = {"name": "a", "address": "hr:0", "type": "uint16"}


class File:
    """A configuration of two devices that a person edits."""

    def __init__(self, folder):
        self.path = folder / "agent.yaml"
        self.document = {
            "gateway": {"id": "gw"},
            "enterprise": {"id": "ent"},
            "publish": [{"url": "mqtt://h"}],
            "devices": [
                {"id": id_, "driver": "modbus", "host": host, "tags": [dict(TAG)]}
                for id_, host in (("d1", "10.0.0.1"), ("d2", "10.0.0.2"))
            ],
        }

    @property
    def first(self):
        """The first device's entry."""
        return self.document["devices"][0]

    def read(self):
        """Write the file and load it."""
        self.path.write_text(json.dumps(self.document), "utf-8")
        return load(self.path)


@pytest.fixture
def file(tmp_path):
    """Give the file."""
    return File(tmp_path)


def changed(file, edit):
    """Give what changes by an edit: devices that go on anew, and what needs a restart."""
    changes = difference(file, edit)
    return [p.id for p in changes.devices], {n: w and w.en for n, w in changes.restart}


def difference(file, edit):
    """Give the whole difference that an edit makes."""
    before = file.read()
    edit(file)
    return compare(before, file.read())


def test_the_same_file_changes_nothing(file):
    """Read twice, nothing differs: plans are compared by what they say."""
    assert changed(file, lambda _: None) == ([], {})


@pytest.mark.parametrize(
    "edit",
    [
        lambda f: f.first.update(host="10.0.0.9"),
        lambda f: f.first.update(timeout_s=7),
        lambda f: f.first["tags"][0].update(address="hr:5"),
        lambda f: f.first["tags"][0].update(scale=0.1),
        lambda f: f.first.update(history={"fill": False}),
    ],
    ids=["host", "timeout", "address", "scale", "history"],
)
def test_what_the_platform_was_not_told_changes_on_the_way(file, edit):
    """Where and how a device is read changes at once, and for that device alone."""
    assert changed(file, edit) == (["d1"], {})


@pytest.mark.parametrize(
    ("edit", "name", "word"),
    [
        (lambda f: f.first["tags"][0].update(name="b"), "d1", "points"),
        (lambda f: f.first["tags"][0].update(unit="kW"), "d1", "points"),
        (lambda f: f.first.update(groups={"default": {"interval_s": 9}}), "d1", "groups"),
        (lambda f: f.first.update(name="铣床"), "d1", "names"),
    ],
    ids=["point", "unit", "interval", "name"],
)
def test_what_the_platform_was_told_needs_a_restart(file, edit, name, word):
    """Such a device is named with the reason, and nothing of it is changed."""
    devices, restart = changed(file, edit)
    assert devices == []
    assert list(restart) == [name]
    assert word in restart[name]


def test_a_writable_point_needs_a_restart(file):
    """What may be written is not changed behind the back of who may write."""
    file.first["tags"][0]["write"] = {"min": 0, "max": 9}
    assert changed(file, lambda f: f.first.update(host="10.0.0.9"))[1].keys() == {"d1"}


def test_sections_are_named(file):
    """Other sections need a restart, each by its name."""

    def edit(file):
        file.document["store"] = {"max_mb": 5}
        file.document["gateway"]["name"] = "x"

    assert changed(file, edit) == ([], {"store": None, "gateway": None})


@pytest.mark.parametrize(
    ("edit", "come", "gone", "running"),
    [
        (lambda f: f.document["devices"].pop(), [], ["d2"], ["d1"]),
        (lambda f: f.first.update(enabled=False), [], ["d1"], ["d2"]),
        (
            lambda f: f.document["devices"].append(f.first | {"id": "d3", "unit": 3}),
            ["d3"],
            [],
            ["d1", "d2", "d3"],
        ),
    ],
    ids=["gone", "disabled", "new"],
)
def test_devices_come_and_go_on_the_way(file, edit, come, gone, running):
    """A new device begins at once, one that is taken out ends, and nobody has to restart."""
    found = difference(file, edit)
    assert ([p.id for p in found.devices], list(found.gone)) == (come, gone)
    assert [p.id for p in found.running] == running
    assert (found.restart, found.publish) == ((), None)


def test_a_device_that_may_be_written_comes_and_goes_with_a_restart(file):
    """Who may write is settled at the start: such a device stays as it is until then."""
    writable = file.first | {"id": "d3", "unit": 3}
    writable["tags"] = [TAG | {"write": {"min": 0, "max": 9}}]
    found = difference(file, lambda f: f.document["devices"].append(writable))
    assert [name for name, _ in found.restart] == ["d3"]
    assert [p.id for p in found.running] == ["d1", "d2"]
    found = difference(file, lambda f: f.document["devices"].pop())
    assert (found.gone, [name for name, _ in found.restart]) == ((), ["d3"])
    assert [p.id for p in found.running] == ["d1", "d2", "d3"]


def test_a_device_that_comes_back_as_another_needs_a_restart(file):
    """What the platform was told of an id holds until the next start, also in its absence."""
    whole = file.read()
    known = {plan.id: plan for plan in whole.devices}
    second = file.document["devices"].pop()
    without = file.read()
    file.document["devices"].append(second | {"host": "10.0.0.7"})
    found = compare(without, file.read(), known=known)
    assert ([p.id for p in found.devices], found.restart) == (["d2"], ())
    file.document["devices"][-1]["tags"] = [TAG | {"unit": "kW"}]
    found = compare(without, file.read(), known=known)
    assert ([p.id for p in found.devices], [n for n, _ in found.restart]) == ([], ["d2"])


@pytest.mark.parametrize(
    "edit",
    [
        lambda f: f.document["publish"][0].update(keepalive_s=60),
        lambda f: f.document["publish"].append({"name": "cloud", "url": "mqtt://c"}),
    ],
    ids=["changed", "new"],
)
def test_destinations_come_and_change_on_the_way(file, edit):
    """Where data are sent is no reason for a restart."""
    found = difference(file, edit)
    assert found.publish is not None
    assert found.publish[0][0].name == "platform"
    assert (found.devices, found.gone, found.restart) == ((), (), ())


class Systemd:
    """What the supervisor would be told."""

    def __init__(self):
        self.told = []
        self.is_ready = asyncio.Event()

    def reloading(self):
        self.told.append("reloading")

    def ready(self):
        self.told.append("ready")
        self.is_ready.set()


SECOND = TimeoutError("of the destinations")
"""Raised where destinations change; devices do."""


async def reloaded(file, running, applied, *, fails=None):
    """Have a running configuration read again, twice; give the remarks and what systemd heard."""
    systemd = Systemd()

    async def apply(changes):
        applied.extend(plan.id for plan in changes.devices)
        if fails and not (changes.publish is None and fails is SECOND):
            raise fails

    reloader = Reloader(running, notifier=systemd, apply=apply)
    task = asyncio.create_task(reloader.run())
    for _ in range(2):
        systemd.is_ready.clear()
        reloader.ask()
        async with asyncio.timeout(30):
            await systemd.is_ready.wait()
    task.cancel()
    return reloader.remarks, systemd.told


async def test_a_bad_file_leaves_everything_in_force(file):
    """Its first error is told in both languages, and nothing is applied."""
    running, applied = file.read(), []
    file.path.write_text('{"gateway": {"id": "gw"}, "devices": "none"}')
    (remark,), told = await reloaded(file, running, applied)
    assert applied == []
    assert "agent.yaml:1" in remark.en
    assert "未生效" in remark.zh
    assert told[:2] == ["reloading", "ready"]


async def test_a_change_is_applied_once(file):
    """The second time the file is read nothing has changed any more."""
    running, applied = file.read(), []
    file.first["host"] = "10.0.0.9"
    file.read()
    remarks, _ = await reloaded(file, running, applied)
    assert (remarks, applied) == ((), ["d1"])


async def test_a_line_that_cannot_be_closed_is_told(file):
    """A driver that does not let go is named, with what to do."""
    running, applied = file.read(), []
    file.first["host"] = "10.0.0.9"
    file.read()
    (remark,), _ = await reloaded(file, running, applied, fails=TimeoutError())
    assert "d1" in remark.en
    assert "重启" in remark.zh


async def test_devices_that_changed_are_known_though_destinations_did_not(file):
    """What failed is named alone, and what is in force is not begun anew the next time."""
    running, applied = file.read(), []
    file.first["host"] = "10.0.0.9"
    file.document["publish"][0]["keepalive_s"] = 77
    file.read()
    (remark,), _ = await reloaded(file, running, applied, fails=SECOND)
    assert applied == ["d1"]
    assert "d1" not in remark.en
    assert "publish" in remark.zh


LEDGER = {
    "processes": [{"id": "turn"}],
    "equipment": [{"id": "L1", "control_type": "CNC", "processes": ["turn"]}],
}


def test_the_ledger_changes_on_the_way_section_by_section(file):
    """What differs of ledger and rate is to be in force at once; nothing else is touched."""
    found = difference(file, lambda f: f.document.update(LEDGER, rate={"method": "all"}))
    assert list(found.ledger) == ["processes", "equipment", "rate"]
    assert (found.devices, found.gone, found.publish, found.restart) == ((), (), None, ())
    assert found.names == "processes, equipment, rate"


def test_a_longer_period_waits_for_the_days_in_the_store(file):
    """Its days are not in memory; a shorter period, and the ledger beside it, do not wait."""
    file.document["rate"] = {"period_days": 30}
    longer = difference(file, lambda f: f.document.update(LEDGER, rate={"period_days": 31}))
    assert [name for name, _ in longer.restart] == ["rate"]
    assert list(longer.ledger) == ["processes", "equipment"]
    shorter = difference(file, lambda f: f.document.update(rate={"period_days": 29}))
    assert (list(shorter.ledger), shorter.restart) == (["rate"], ())


def test_the_ledger_of_another_enterprise_waits_whole(file):
    """Half of one ledger and half of another was never declared by anybody."""
    found = difference(file, lambda f: f.document.update(LEDGER, enterprise={"id": "other"}))
    assert found.ledger == {}
    assert [name for name, _ in found.restart] == ["enterprise", "processes", "equipment"]


async def test_who_waits_is_told_what_is_not_in_force(file):
    """Two who ask at once both get the answer; one who has gone away stops nobody."""
    running, applied = file.read(), []

    async def apply(changes):
        applied.append(list(changes.ledger))

    reloader = Reloader(running, notifier=Systemd(), apply=apply)
    file.document.update(LEDGER, store={"max_mb": 5})
    file.read()
    gone = asyncio.create_task(reloader.renew())
    await asyncio.sleep(0)
    gone.cancel()
    asked = [asyncio.create_task(reloader.renew()) for _ in range(2)]
    task = asyncio.create_task(reloader.run())
    async with asyncio.timeout(30):
        remarks = await asyncio.gather(*asked)
    task.cancel()
    assert applied == [["processes", "equipment"]]
    assert remarks[0] == remarks[1] == reloader.remarks
    assert "store" in remarks[0][0].en


async def test_who_waits_for_an_agent_that_ends_is_let_go(file):
    """The end of the reloader ends the wait."""
    reloader = Reloader(file.read(), notifier=Systemd(), apply=None)
    asked = asyncio.create_task(reloader.renew())
    task = asyncio.create_task(reloader.run())
    await asyncio.sleep(0)
    task.cancel()
    async with asyncio.timeout(30):
        await asyncio.wait([asked])
    assert asked.cancelled()
