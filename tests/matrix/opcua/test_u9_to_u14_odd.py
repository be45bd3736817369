"""U9 to U14: servers that name themselves wrongly, have small buffers, and send what is allowed."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest
from matrix.opcua.listening import Listener, count

from agent.publish.payload import GroupCodec
from simulators.opcua.access import Access
from simulators.opcua.device import Device
from simulators.opcua.limits import Limits
from simulators.opcua.odd import KINDS
from simulators.opcua.plain import Plain

NUMBER = 12
FAIR = 5
"""Points beside the odd ones, that have to be right."""
DOUBTED = ("UncertainLastUsableValue", "UncertainSubNormal")
BAD_KINDS = {
    "nan": "BadNotANumber",
    "inf": "BadNotANumber",
    "minus-inf": "BadNotANumber",
    "long": "BadEncodingLimitsExceeded",
    "array": "BadResponseTooLarge",
    "matrix": "BadTypeMismatch",
    "empty": "BadNoData",
    "null-text": "BadNoData",
    "0x80000000": "Bad",
    "0xC0000000": "Bad0xC0000000",
    "0xFFFFFFFF": "Bad0xFFFF0000",
    "BadSensorFailure": "BadSensorFailure",
}
"""What is no value -> the reason it must come with."""
TEXTS = {
    "gbk": "主轴过载",
    "markup": '<script>alert("1")</script>',
    "topic": "+/#/$SYS",
    "nul": "O\x000001",
}
"""Text that must come as what it means."""


def names(number=NUMBER):
    return [f"V{n}" for n in range(number)]


def encoded(listener):
    """Encode every frame as the agent does; give the rows, parsed by another library."""
    codec = GroupCodec("d", "g", listener.names, max_row_bytes=200_000)
    rows = codec.encode(listener.frames)
    return [json.loads(b"{" + row.body, parse_constant=pytest.fail) for row in rows]


class Trap:
    """Listens where nobody has any business, and counts who comes."""

    def __init__(self):
        self.visitors = 0

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._met, "127.0.0.1", 0)
        self.url = f"opc.tcp://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/elsewhere"
        return self

    async def __aexit__(self, *_):
        self._server.close()
        await self._server.wait_closed()

    async def _met(self, reader, writer):
        self.visitors += 1
        writer.close()


@pytest.mark.parametrize(
    "policies",
    [("None",), pytest.param(("None", "Basic256Sha256"), marks=pytest.mark.long)],
)
async def test_u9_foreign_endpoint(policies, tmp_path, report):
    """U9: a server that says it lives elsewhere is met where it was configured, and only there."""
    content = Plain(NUMBER)
    access = Access(policies=policies, pki=tmp_path / "server")
    async with Trap() as trap, Device(content, endpoint=trap.url, access=access) as device:
        listener = Listener(device, names(), pki=tmp_path / "ours")
        async with listener.listening():
            await listener.all_came()
            await listener.all_came(await count(device, content))
    assert trap.visitors == 0
    report(f"{NUMBER} points, {trap.visitors} connections elsewhere")


async def test_u10_small_buffers(report):
    """U10: buffers of 8,192 bytes carry a thousand points and a text of 60 kB in chunks."""
    content = Plain(1000)
    async with Device(content, limits=Limits(buffer_bytes=8_192)) as device:
        await count(device, content)
        listener = Listener(device, names(1000))
        async with listener.listening() as session:
            await listener.all_came()
            await listener.all_came(await count(device, content))
            frame = await session.read(listener.plan)
    assert frame.good
    report("1,000 points subscribed to and read through buffers of 8,192 bytes")


async def test_u12_to_u14_all_at_once(report, caplog):
    """U12 to U14: every oddity at once costs its own point at most, and every row is JSON.

    Odd statuses, numbers that are none, text of other encodings, 1 MB of text, 1e6 numbers.
    """
    kinds = [*KINDS, *(kind for kind in (*BAD_KINDS, *DOUBTED) if kind not in KINDS)]
    odd = {f"V{n}": kind for n, kind in enumerate(kinds)}
    content = Plain(len(kinds) + FAIR, types=("String",))
    async with Device(content) as device:
        await count(device, content)
        listener = Listener(device, names(len(kinds) + FAIR))
        async with listener.listening() as session:
            await listener.all_came()
            device.faults.odd |= odd
            for _ in range(3):
                expected = await count(device, content)
                wanted = {name: value for name, value in expected.items() if name not in odd}
                wanted |= {name: None for name, kind in odd.items() if kind in BAD_KINDS}
                await listener.all_came(wanted, within_s=60)
            found = {kind: listener.last[name] for name, kind in odd.items()}
            assert session.alive
            device.faults.recover()
            await listener.all_came(await count(device, content), within_s=60)
    judge(found)
    assert len(encoded(listener)) > 3
    assert not [one for one in caplog.records if one.levelno >= logging.ERROR]
    report(f"{len(kinds)} oddities, 3 times, {len(listener.frames)} frames, 0 sessions ended")


async def test_odd_values_are_read_too(report):
    """U14: the same holds of points that are read in rounds instead of being monitored."""
    content = Plain(4)
    async with Device(content) as device:
        device.faults.refused.add("V")
        device.faults.odd |= {"V0": "nan", "V1": "array"}
        await count(device, content)
        listener = Listener(device, names(4))
        async with listener.listening():
            expected = await count(device, content)
            await listener.all_came(expected | {"V0": None, "V1": None}, within_s=60)
            assert listener.remark("polled_instead").tags == tuple(names(4))
    assert listener.bad() == {"V0": "BadNotANumber", "V1": "BadResponseTooLarge"}
    assert encoded(listener)
    report("4 points read in rounds, 2 of them bad with their reasons")


def judge(found):
    """Compare what came of each oddity with what it must come to."""
    for kind, (value, reason) in found.items():
        if kind in BAD_KINDS:
            assert (value, reason) == (None, BAD_KINDS[kind]), kind
        elif kind in TEXTS:
            assert (value, reason) == (TEXTS[kind], ""), kind
        elif kind in DOUBTED:
            assert value is not None, kind
            assert reason == kind
        else:  # bytes that are no text of ours: none, or text that is valid Unicode
            assert (value is None) == bool(reason), kind
            assert value is None or value.encode().decode() == value
