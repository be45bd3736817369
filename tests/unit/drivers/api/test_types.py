"""The vocabulary: tags are values, frames are columns."""

import dataclasses

import pytest
from pydantic import ValidationError

from drivers.api import (
    HOST_KEYS,
    Browses,
    ClockSource,
    DataType,
    DeviceConfig,
    Frame,
    Identifies,
    Polls,
    Port,
    Quality,
    Seconds,
    Subscribes,
    Tag,
    Writes,
)
from drivers.testing.scripted import PollingSession, PushingSession, ScriptedSession


def test_tags_are_values():
    """Equal tags are one key; a tag never changes."""
    tag = Tag("spindle.speed", "40001", DataType.UINT16)
    assert {tag: 1}[Tag("spindle.speed", "40001", DataType.UINT16)] == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        tag.name = "other"


def test_plain_frame_is_good_and_stamped_by_the_agent():
    """A frame with nothing but values is all good."""
    frame = Frame("lathe-1", "fast", 1, (1, 2.0, None))
    assert frame.good
    assert (frame.columns, frame.times_ns, frame.clock) == (None, None, ClockSource.AGENT)


def test_frame_with_qualities_is_not_good():
    """A frame says by its qualities that something deviates."""
    frame = Frame("m", "g", 1, (None,), qualities=bytes([Quality.BAD]), reasons={0: "timeout"})
    assert not frame.good


def test_frames_have_identity():
    """Two frames of equal content are two frames."""
    one, two = (Frame("m", "g", 1, (1,)) for _ in range(2))
    assert one != two


def test_qualities_are_opc_codes():
    """Qualities fit a byte and order by trust."""
    assert sorted(Quality) == [0, 64, 192]
    assert Quality.BAD < Quality.UNCERTAIN < Quality.GOOD


class ToolConfig(DeviceConfig):
    """A driver's model."""

    port: Port = 502
    timeout_s: Seconds = 1.0


@pytest.mark.parametrize(
    "wrong",
    [
        {"port": 0},
        {"port": 65536},
        {"timeout_s": 0},
        {"timeout_s": float("inf")},
        {"timeout_s": float("nan")},
        {"timeout_s": 3601},
        {"timeot_s": 1},
    ],
)
def test_config_refuses_nonsense(wrong):
    """Ports, time spans and keys out of range are refused when loading."""
    with pytest.raises(ValidationError):
        ToolConfig(driver="tool", **wrong)


def test_config_never_changes():
    """A loaded config is frozen and can be a key."""
    config = ToolConfig(driver="tool")
    with pytest.raises(ValidationError):
        config.port = 1
    assert hash(config) == hash(ToolConfig(driver="tool"))


def test_host_keys_leave_the_wire_to_drivers():
    """What reaches a device is no key of the host."""
    assert not HOST_KEYS & {"driver", "host", "port", "url", "unit", "timeout_s"}


@pytest.mark.parametrize(
    ("session", "capabilities"),
    [
        (PollingSession, {Polls, Identifies, Browses, Writes}),
        (PushingSession, {Subscribes, Identifies, Browses, Writes}),
        (ScriptedSession, {Polls, Subscribes, Identifies, Browses, Writes}),
        (object, set()),
    ],
)
def test_capabilities_are_told_by_the_class(session, capabilities):
    """What sessions can do is seen without opening one."""
    found = {c for c in (Polls, Subscribes, Identifies, Browses, Writes) if issubclass(session, c)}
    assert found == capabilities
