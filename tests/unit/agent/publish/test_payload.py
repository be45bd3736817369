"""Frames to rows to messages and back: every value, its time and its quality, exactly."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from unit.agent.publish.messages import T_NS, message_of, numbered, points_of

from agent.publish.payload import (
    BACKFILL_MARK,
    ENVELOPE_BYTES,
    HEAD_BYTES,
    IDENTITY_BYTES,
    GroupCodec,
    join_rows,
)
from agent.store.outbox import Kind
from drivers.api import ClockSource, Frame, Quality

NAMES = ("spindle.speed", "part.count", "machine.state", "program.name")
GOOD, UNCERTAIN, BAD = int(Quality.GOOD), int(Quality.UNCERTAIN), int(Quality.BAD)
LETTERS = {GOOD: "g", UNCERTAIN: "u", BAD: "b"}

VALUES = st.one_of(
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.text(st.characters(codec=None), max_size=6),
    st.binary(max_size=6),
)
"""Text may hold lone surrogates: a driver may hand over what is no Unicode."""
TIMES = st.integers(-(2**60), 2**60)
MARKS = st.sampled_from([GOOD, GOOD, GOOD, UNCERTAIN, BAD])


@st.composite
def frames(draw):
    """A frame of all tags or of some, of one time or many, sampled or not, with any qualities."""
    count = len(NAMES)
    columns, samples = None, draw(st.integers(0, 3))
    if samples:
        tags = draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=4))
        columns = tuple(tag for tag in tags for _ in range(samples))
        count = len(columns)
    elif draw(st.booleans()):
        columns = tuple(draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=6)))
        count = len(columns)
    marks = draw(st.lists(MARKS, min_size=count, max_size=count))
    values = tuple(None if mark == BAD else draw(VALUES) for mark in marks)
    times = draw(st.none() | st.lists(TIMES, min_size=count, max_size=count).map(tuple))
    if times and samples and draw(st.booleans()):
        times = times[:samples] * (count // samples)
    return Frame(
        "cnc-1", "fast", draw(st.integers(0, 2**60)), values, columns,
        bytes(marks) if set(marks) != {GOOD} else None,
        {i: f"Why{i}" for i, mark in enumerate(marks) if mark != GOOD} or None,
        times, ClockSource.AGENT if times is None else ClockSource.DEVICE,
    )  # fmt: skip


RUNS = st.lists(frames(), min_size=1, max_size=6).flatmap(
    lambda some: st.lists(st.sampled_from(some), min_size=1, max_size=8)
)
"""Frames of which several have equal columns, so that they share rows."""


def as_carried(value):
    """Give a value as JSON carries it; None for what it cannot carry."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, str) and any("\ud800" <= c <= "\udfff" for c in value):
        return None
    if type(value) is int and abs(value) > 2**53 - 1:
        return str(value)
    return value


def expected(some):
    """Give every value of frames as the platform must see it, by metric, in order."""
    found = {name: [] for name in NAMES}
    for frame in some:
        columns = range(len(frame.values)) if frame.columns is None else frame.columns
        for at, column in enumerate(columns):
            time_ns = frame.read_ns if frame.times_ns is None else frame.times_ns[at]
            mark = GOOD if frame.qualities is None else frame.qualities[at]
            value, reason = as_carried(frame.values[at]), (frame.reasons or {}).get(at, "")
            if value is None and mark != BAD:
                mark, reason = BAD, "BadDecodingError"
            found[NAMES[column]].append((time_ns // 10**6, value, LETTERS[mark], reason))
    return found


def carried(points):
    """Sort what arrived by metric."""
    found = {name: [] for name in NAMES}
    for metric, *rest in points:
        found[metric].append(tuple(rest))
    return found


def typed(found):
    """Make 1, 1.0 and True differ."""
    return {m: [(t, type(v), v, *rest) for t, v, *rest in ps] for m, ps in found.items()}


BURST = Frame("cnc-1", "fast", T_NS, ("a", "\udc80", "b"), (3, 3, 3), times_ns=(1, 2, 3))


@given(RUNS)
@example([BURST, BURST])
def test_what_arrives_is_what_was_read(some):
    """Any frames, decoded by the platform's code, give exactly their values, times, qualities."""
    rows = numbered(GroupCodec("cnc-1", "fast", NAMES, max_row_bytes=10**6).encode(some))
    assert typed(carried(points_of(rows))) == typed(expected(some))
    assert sum(r.values for r in rows) == sum(len(f.values) for f in some)
    assert all((r.kind is Kind.STATE) == (b'"machine.state":' in r.body) for r in rows)
    assert all(r.kind is not Kind.EVENT and r.t_ms >= 0 for r in rows)


@settings(max_examples=50)
@given(RUNS, st.integers(60, 400))
def test_every_row_fits_or_holds_one_value_and_nothing_is_lost(some, limit):
    """Whatever the limit, rows stay below it where they can, and every value arrives in order."""
    codec = GroupCodec("cnc-1", "fast", NAMES, max_row_bytes=limit)
    for _ in range(3):  # what was learned of the size must not lose anything either
        rows = numbered(codec.encode(some))
        assert all(len(r.body) <= limit or r.values == 1 for r in rows)
        assert typed(carried(points_of(rows))) == typed(expected(some))


def scan(width, value="v", read_ns=T_NS):
    return Frame("d", "g", read_ns, (value,) * width)


def wide_codec(width, limit):
    return GroupCodec("d", "g", [f"m{i}" for i in range(width)], max_row_bytes=limit)


def test_scans_of_one_group_share_a_row():
    """Frames with the same columns are one row: names are written once."""
    (row,) = wide_codec(3, 10**5).encode([scan(3, i, T_NS + i * 10**9) for i in range(4)])
    (block,) = message_of(numbered([row]))["b"]
    assert block == {
        "n": 1, "t0": T_NS // 10**6, "d": "d", "g": "g", "t": [0, 1000, 2000, 3000],
        "s": {f"m{i}": [0, 1, 2, 3] for i in range(3)},
    }  # fmt: skip
    assert (row.values, row.t_ms) == (12, T_NS // 10**6)


def test_other_columns_begin_another_row():
    """A frame of other columns never shares a row with the one before."""
    some = [scan(2), Frame("d", "g", T_NS, (1,), (0,)), Frame("d", "g", T_NS, (2,), (1,))]
    assert [r.values for r in wide_codec(2, 10**5).encode(some)] == [2, 1, 1]


def test_own_times_are_written_per_metric():
    """Values that carry their own times have a list of times each."""
    frame = Frame("d", "g", T_NS, (1, 2, 3), (0, 1, 0), times_ns=(T_NS, T_NS + 10**6, T_NS - 10**6))
    (block,) = message_of(numbered(wide_codec(2, 10**5).encode([frame])))["b"]
    assert block["p"] == {"m0": [[0, -1], [1, 3]], "m1": [[1], [2]]}


def test_samples_at_the_same_times_are_scans():
    """What a server sampled of all tags at the same times bears these once, in one row."""
    times = tuple(T_NS + n * 100_000_000 for n in range(3))
    later = tuple(ns + 500_000_000 for ns in times)
    columns = (0, 0, 0, 1, 1, 1)
    run = [
        Frame("cnc-1", "fast", T_NS, (1, 2, 3, 4, 5, 6), columns, times_ns=times * 2),
        Frame("cnc-1", "fast", T_NS, (7, 8, 9, 10, 11, 12), columns, times_ns=later * 2),
    ]
    (row,) = GroupCodec("cnc-1", "fast", NAMES, max_row_bytes=10**6).encode(run)
    block = orjson.loads(b"{" + row.body)
    assert block["t"] == [0, 100, 200, 500, 600, 700]
    assert block["s"] == {
        "spindle.speed": [1, 2, 3, 7, 8, 9], "part.count": [4, 5, 6, 10, 11, 12],
    }  # fmt: skip


def test_samples_that_do_not_fit_are_cut_between_tags():
    """Rows that would be too large hold whole metrics, cut alike again and again."""
    codec = GroupCodec("d", "g", [f"n{n}" for n in range(40)], max_row_bytes=400)
    columns = tuple(tag for tag in range(40) for _ in range(5))
    times = tuple(T_NS + n * 100_000_000 for n in range(5))
    for _ in range(3):
        frame = Frame("d", "g", T_NS, tuple(range(200)), columns, times_ns=times * 40)
        rows = codec.encode([frame])
        assert all(len(row.body) <= 400 and row.values % 5 == 0 for row in rows)
        found = [orjson.loads(b"{" + row.body)["s"] for row in rows]
        assert {k: v for one in found for k, v in one.items()} == {
            f"n{n}": list(range(n * 5, n * 5 + 5)) for n in range(40)
        }


def test_one_device_time_for_all_is_a_scan():
    """Values of one and the same device time are a scan at that time, not at the read's."""
    frame = Frame("d", "g", T_NS, (1, 2), None, times_ns=(5 * 10**6,) * 2)
    (block,) = message_of(numbered(wide_codec(2, 10**5).encode([frame])))["b"]
    assert (block["t0"], block["t"]) == (5, [0])


def test_frames_without_values_give_no_row():
    """An empty frame is nothing to store."""
    assert wide_codec(2, 10**5).encode([Frame("d", "g", T_NS, (), ())]) == []
    assert wide_codec(2, 10**5).encode([]) == []


def test_a_long_reason_is_cut_to_what_the_schema_allows():
    """A driver's reason of any length does not make a message that is refused."""
    frame = Frame("d", "g", T_NS, (None,), None, bytes([BAD]), {0: "R" * 100})
    ((*_, reason),) = points_of(numbered(wide_codec(1, 10**5).encode([frame])))
    assert reason == "R" * 64


@pytest.mark.parametrize(
    ("mark", "letter", "reason"), [(BAD, "b", "Bad"), (UNCERTAIN, "u", "Uncertain")]
)
def test_a_missing_reason_is_filled_in(mark, letter, reason):
    """A value that is not good has a reason even where the driver gave none."""
    value = None if mark == BAD else 1
    frame = Frame("d", "g", T_NS, (value,), None, bytes([mark]))
    assert points_of(numbered(wide_codec(1, 10**5).encode([frame]))) == [
        ("m0", T_NS // 10**6, value, letter, reason)
    ]


def test_what_fits_is_learned():
    """A group too wide for one row is halved once; the next frame is cut right at once."""
    codec = wide_codec(1000, 2000)
    first = codec.encode([scan(1000)])
    most = max(r.values for r in first)
    pieces = codec.encode([scan(1000)])
    assert len(first) == len(pieces)
    assert [r.values for r in pieces[:-1]] == [most] * (len(pieces) - 1)


def test_one_long_text_does_not_cut_a_group_to_pieces_for_ever():
    """A value that fills a row alone leaves the others together, then and afterwards."""
    codec = wide_codec(64, 4000)
    assert len(codec.encode([scan(64)])) == 1
    long = Frame("d", "g", T_NS, ("x" * 5000, *("v",) * 63))
    rows = codec.encode([long])
    assert [r.values for r in rows if len(r.body) > 4000] == [1]
    assert len(rows) <= 8
    for _ in range(8):
        rows = codec.encode([scan(64)])
    assert len(rows) == 1


def test_a_joined_message_has_its_envelope():
    """Gateway, epoch, lowest seq, clock and meta version stand before the rows; rows as stored."""
    rows = numbered(wide_codec(1, 10**5).encode([scan(1)]), first=8, mv=4)
    rows += numbered(wide_codec(1, 10**5).encode([scan(1)]), first=5, mv=4)
    body = message_of(rows)
    assert [block["n"] for block in body["b"]] == [8, 5]
    assert body["sent"] > 1_700_000_000_000
    del body["b"], body["sent"]
    assert body == {"v": 1, "gw": "gw", "ep": "01KAR5Z8Q4", "seq": 5, "clk": "sync", "mv": 4}


def test_the_envelope_and_identities_are_not_larger_than_reckoned():
    """The largest envelope and the largest seq stay within what the limits count for them."""
    rows = numbered(wide_codec(1, 10**5).encode([scan(1)] * 2), first=2**53 - 2, mv=2**31)
    payload = join_rows(rows, gateway="g" * 64, epoch="E" * 26, clock="sync")
    assert len(payload) <= ENVELOPE_BYTES + sum(len(r.body) + IDENTITY_BYTES for r in rows)


def test_the_past_is_marked_and_kept_apart():
    """Values of a device's own history bear a mark, and share no row with live ones."""
    codec = GroupCodec("cnc-1", "fast", NAMES, max_row_bytes=10_000)

    def one(at, *, backfill):
        time_ns = T_NS + at * 1_000_000
        return Frame(
            "cnc-1", "fast", T_NS, (at,), (1,), times_ns=(time_ns,), clock=ClockSource.DEVICE,
            backfill=backfill,
        )  # fmt: skip

    rows = codec.encode([one(at, backfill=at in {2, 3}) for at in range(1, 5)])
    blocks = message_of(numbered(rows))["b"]
    assert [(block.get("hist"), block["s"]["part.count"]) for block in blocks] == [
        (None, [1]), (True, [2, 3]), (None, [4]),
    ]  # fmt: skip
    assert [BACKFILL_MARK in row.body[:HEAD_BYTES] for row in rows] == [False, True, False]


def test_no_live_row_looks_like_the_past():
    """Text from a machine cannot forge the mark; the head holds it whatever the ids."""
    long = "x" * 64
    codec = GroupCodec(long, long, NAMES, max_row_bytes=10_000)
    evil = Frame(long, long, T_NS, (',"hist":true',), (3,))
    past = Frame(
        long, long, T_NS, (1,), (1,), times_ns=(T_NS,), clock=ClockSource.DEVICE, backfill=True
    )
    live, kept = codec.encode([evil]), codec.encode([past])
    assert BACKFILL_MARK not in live[0].body
    assert BACKFILL_MARK in kept[0].body[:HEAD_BYTES]
