"""Servers for the live tests."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest
from asyncua import ua
from unit.drivers.opcua.opcua_server import NAMESPACE, OpcuaPeer

from drivers.api import Tag
from drivers.opcua import DRIVER
from drivers.testing.frames import assert_frame_valid, tag_positions

VARIABLES = (
    {f"V{n}": ua.Variant(n, ua.VariantType.Int32) for n in range(50)}
    | {f"W{n}": ua.Variant(n, ua.VariantType.Int32) for n in range(10)}
    | {"Text": ua.Variant("", ua.VariantType.String)}
)
"""V0 to V49 keep their values from test to test; W0 to W9 and Text are any test's to change."""


@pytest.fixture(scope="session")
def running():
    """One server for all tests: building one takes seconds."""
    peer = OpcuaPeer(VARIABLES)
    peer.start()
    yield peer
    peer.stop()


@pytest.fixture
def peer(running):
    """The server, without limits and open to all."""
    yield running
    running.most.clear()
    running.passwords.clear()
    running.declare({"MaxNodesPerRead": 0, "MaxMonitoredItemsPerCall": 0})


class Reader:
    """The driver on one server, with a plan of some of its variables."""

    def __init__(self, url, names=("V0", "V1", "V2"), *, uri=NAMESPACE, **settings):
        quick = {"timeout_s": 2, "publish_interval_s": 0.05, "keepalive_s": 0.2}
        self.config = DRIVER.config(driver="opcua", url=url, **(quick | settings))
        tags = [Tag(name, f"nsu={uri};s={name}") for name in names]
        self.plan = DRIVER.plan(self.config, tags, device="cnc", group="fast")
        self.link = DRIVER.link(self.config)

    @asynccontextmanager
    async def frames(self, session, *, interval_s=0.02):
        """Subscribe; every frame is checked."""
        stream = session.subscribe(self.plan, interval_s=interval_s)

        async def checked():
            async for frame in stream:
                assert_frame_valid(frame, self.plan)
                yield frame

        try:
            yield checked()
        finally:
            await stream.aclose()

    async def current(self, session):
        frame = await session.read(self.plan)
        assert_frame_valid(frame, self.plan, complete=True)
        return frame


async def collect(frames, names, until):
    """Take frames until `until` holds of {tag name: (last value, reason)}."""
    seen = {}
    async with asyncio.timeout(10):
        async for frame in frames:
            for position, at in enumerate(tag_positions(frame)):
                reason = (frame.reasons or {}).get(position, "")
                seen[names[at]] = (frame.values[position], reason)
            if until(seen):
                return seen
    raise AssertionError("the stream ended")
