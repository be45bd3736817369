"""What the tests of the configuration share: a file on disk, looked at."""

import textwrap

import pytest

from agent.config.load import examine
from agent.registry import Registry
from drivers.modbus import DRIVER as MODBUS
from drivers.testing.scripted import ScriptedDriver

BASE = """\
gateway: {id: gw-1}
enterprise: {id: ent-1}
publish: [{url: "mqtts://broker:8883"}]
"""


@pytest.fixture
def registry():
    """The real Modbus driver beside a scripted one, without entry points."""
    return Registry(extra={"modbus": MODBUS, "scripted": ScriptedDriver()})


@pytest.fixture
def look(tmp_path, registry):
    """Write `agent.yaml` (behind a valid head unless told) and examine it."""

    def look_at(text, *, head=True, environ=None, files=()):
        for name, content in dict(files).items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        body = text if isinstance(text, bytes) else textwrap.dedent(text).encode()
        path = tmp_path / "agent.yaml"
        path.write_bytes(BASE.encode() + body if head else body)
        return examine(path, registry=registry, environ=environ or {})

    return look_at


@pytest.fixture
def codes():
    """Give the problems of a look as (code, line) pairs, lines counted from the head's end."""

    def pairs(examined):
        return [(one.code, one.line - BASE.count("\n")) for one in examined.problems]

    return pairs
