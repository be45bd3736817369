"""Rows no message can hold: their parts are blocks of their own, and together the row."""

from __future__ import annotations

import orjson
from hypothesis import given
from hypothesis import strategies as st
from unit.agent.publish.messages import row

from agent.publish.split import split
from agent.store.outbox import Kind
from simulators.platform.checks import data_problem

_NAMES = [f"m{i}" for i in range(6)]


def made(block):
    """Make a row of a block."""
    return row(7)._replace(body=orjson.dumps(block)[1:])


def points(block):
    """Take a block apart into (metric, time, value, mark)."""
    for name, values in block.get("s", {}).items():
        marks = {i: rest for i, *rest in block.get("q", {}).get(name, ())}
        for i, (t, value) in enumerate(zip(block["t"], values, strict=True)):
            yield name, t, value, str(marks.get(i))
    for name, (times, values) in block.get("p", {}).items():
        marks = {i: rest for i, *rest in block.get("q", {}).get(name, ())}
        for i, (t, value) in enumerate(zip(times, values, strict=True)):
            yield name, t, value, str(marks.get(i))


@st.composite
def blocks(draw):
    """Draw a scan or a block of own times, with some marks."""
    count = draw(st.integers(1, 12))
    names = draw(st.lists(st.sampled_from(_NAMES), min_size=1, unique=True))
    column = st.lists(st.text("xy", max_size=40), min_size=count, max_size=count)
    block = {"t0": 1, "d": "dev", "g": "grp"}
    if draw(st.booleans()):
        block |= {"t": list(range(count)), "s": {name: draw(column) for name in names}}
    else:
        block["p"] = {name: [list(range(count)), draw(column)] for name in names}
    if draw(st.booleans()):
        marks = draw(st.sets(st.integers(0, count - 1), min_size=1))
        block["q"] = {names[0]: [[i, "b", "Bad"] for i in sorted(marks)]}
    return block


@given(block=blocks(), limit=st.integers(150, 900))
def test_the_parts_are_the_row(block, limit):
    """Parts fit, are valid blocks, and hold every value once with its time and mark."""
    parts = split(made(block), limit)
    assert parts
    bodies = [orjson.loads(b"{" + part.body) for part in parts]
    assert [body["part"] for body in bodies] == [[i + 1, len(bodies)] for i in range(len(bodies))]
    assert all(len(part.body) <= limit for part in parts)
    for body in bodies:
        data_problem(
            {"v": 1, "gw": "gw", "ep": "0123456789", "seq": 7, "sent": 1, "clk": "sync", "mv": 1,
             "b": [{"n": 7, **body}]}
        )  # fmt: skip
    together = sorted(point for body in bodies for point in points(body))
    assert together == sorted(points(block))


def test_what_cannot_be_cut():
    """One value alone, and an event, have no parts."""
    whole = {"t0": 1, "d": "dev", "g": "grp", "t": [0], "s": {"m": ["y" * 500]}}
    assert split(made(whole), 300) == []
    assert split(made(whole)._replace(kind=Kind.EVENT), 300) == []
