"""Whatever the columns, series are those that a loop over single values would gather."""

from __future__ import annotations

import orjson
from hypothesis import given
from hypothesis import strategies as st

from agent.publish.own_times import OwnTimes
from agent.publish.tags import LEAST_ROOM, MOST_SAMPLES, TagsOf
from drivers.api import Frame

NAMES = ("a", "b", "c", "d")
T0_NS = 1_750_000_000_000_000_000
MS = 1_000_000


@st.composite
def runs(draw):
    """Frames of the same columns, each value with a time of its own."""
    columns = draw(st.lists(st.integers(0, 3), min_size=1, max_size=9))
    if draw(st.booleans()):
        columns.sort()
    times = st.lists(st.integers(0, 3), min_size=len(columns), max_size=len(columns))
    return [
        Frame(
            "d", "g", T0_NS,
            tuple(range(number * 100, number * 100 + len(columns))), tuple(columns),
            times_ns=tuple(T0_NS + at * MS for at in draw(times)),
        )
        for number in range(draw(st.integers(1, 3)))
    ]  # fmt: skip


@given(runs())
def test_series_are_those_of_single_values(run):
    """Every value stands under its own name beside its own time, in the order of the frames."""
    expected = {}
    for frame in run:
        for column, value, time_ns in zip(frame.columns, frame.values, frame.times_ns, strict=True):
            times, values = expected.setdefault(NAMES[column], [[], []])
            times.append((time_ns - T0_NS) // MS)
            values.append(value)
    series = OwnTimes(run, TagsOf(NAMES)(run[0].columns), t0_ms=T0_NS // MS)
    found = series([frame.values for frame in run])
    assert orjson.loads(orjson.dumps(dict(found))) == expected


def test_times_that_all_metrics_share_stand_beside_each():
    """What is encoded once for all is what each metric's own times would be."""
    times_ns = tuple(T0_NS + at * MS for at in (0, 100, 200)) * 2
    frame = Frame("d", "g", T0_NS, (1, 2, 3, 4, 5, 6), (3, 3, 3, 1, 1, 1), times_ns=times_ns)
    series = OwnTimes([frame], TagsOf(NAMES)(frame.columns), t0_ms=T0_NS // MS)
    found = orjson.loads(orjson.dumps(dict(series([frame.values]))))
    assert found == {"d": [[0, 100, 200], [1, 2, 3]], "b": [[0, 100, 200], [4, 5, 6]]}


def test_one_scan_holds_this_scan_only():
    """Columns that are kept give each time the values of the frame that is asked of."""
    tags = TagsOf(NAMES)((2, 0))
    for values in ((1, 2), (3.5, None), ("x", True)):
        found = tags.one_scan(values)
        assert {name: list(column) for name, column in found.items()} == {
            "c": [values[0]], "a": [values[1]],
        }  # fmt: skip


def test_columns_that_never_come_again_are_forgotten():
    """What is remembered is bounded, and a remembered answer belongs to these very columns."""
    tags_of = TagsOf(NAMES)
    for number in range(5_000):
        columns = (number % 4, (number + 1) % 4, 0)
        assert tags_of(columns).names == tuple(NAMES[column] for column in columns)
    assert tags_of._held <= LEAST_ROOM + MOST_SAMPLES * len(NAMES)
