"""Tags, frames and groups for the tests of the way from raw to engineering values."""

from __future__ import annotations

from types import SimpleNamespace

from hypothesis import strategies as st

from agent.config.model import Group, TagEntry
from agent.config.plan import GroupPlan
from drivers.api import DataType, Frame, Quality

GOOD, UNCERTAIN, BAD = int(Quality.GOOD), int(Quality.UNCERTAIN), int(Quality.BAD)
T_NS = 1_795_400_000_000_000_000


def tag(name="x", kind=DataType.FLOAT64, **fields):
    """Make a tag."""
    return TagEntry(name=name, address=name, type=kind, **fields)


def tags(*fields):
    """Make tags `t0`, `t1`, ... each with its own fields."""
    return [tag(f"t{i}", **each) for i, each in enumerate(fields)]


def full(*values, marks=None, reasons=None, read_ns=T_NS, **fields):
    """Make a frame of all tags."""
    qualities = None if marks is None else bytes(marks)
    return Frame("d", "g", read_ns, values, None, qualities, reasons, **fields)


def part(columns, *values, marks=None, reasons=None, read_ns=T_NS, **fields):
    """Make a frame of some columns."""
    qualities = None if marks is None else bytes(marks)
    return Frame("d", "g", read_ns, values, tuple(columns), qualities, reasons, **fields)


def seen(frame):
    """Give (column, value, quality, reason, time) of every value of a frame; None for None."""
    if frame is None:
        return None
    count = len(frame.values)
    columns = range(count) if frame.columns is None else frame.columns
    marks = frame.qualities or bytes([GOOD]) * count
    times = frame.times_ns or (frame.read_ns,) * count
    reasons = frame.reasons or {}
    assert len(columns) == len(marks) == len(times) == count
    return [
        (column, frame.values[at], marks[at], reasons.get(at, ""), times[at])
        for at, column in enumerate(columns)
    ]


def check_frame(frame):
    """Hold a frame against the contract: good is never None, bad always is, and has its reason."""
    for _, value, mark, reason, _ in seen(frame):
        assert (value is None) == (mark == BAD)
        assert bool(reason) == (mark != GOOD)
    assert frame.qualities is None or frame.qualities.count(GOOD) < len(frame.qualities)


def group_plan(group_tags, **settings):
    """Make the plan of a group; the driver's half is only what is asked of it here."""
    plan = SimpleNamespace(device="d", group="g", tags=group_tags, requests=1)
    return GroupPlan("g", Group(**settings), tuple(group_tags), plan)


class FakeClock:
    """Monotonic seconds that stand still until moved."""

    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s


NUMBERS = st.one_of(
    st.integers(-(2**63), 2**64 - 1),
    st.floats(width=64, allow_nan=False, allow_infinity=False),
    st.booleans(),
)
ANYTHING = st.one_of(
    NUMBERS,
    st.floats(),
    st.text(max_size=4),
    st.binary(max_size=4),
)
