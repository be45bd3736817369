"""The fast check of data messages against the JSON Schema, on damaged messages."""

import copy

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from simulators.platform.checks import Checker, ContractError, data_problem, load_schema

SCHEMA = Draft202012Validator({"$defs": load_schema()["$defs"], "$ref": "#/$defs/data"})
GOOD = {
    "v": 1,
    "gw": "gw",
    "ep": "01KAR5Z8Q4",
    "seq": 7,
    "sent": 1,
    "clk": "sync",
    "mv": 1,
    "b": [
        {
            "n": 7,
            "t0": 5,
            "d": "a",
            "g": "b",
            "t": [0, 1],
            "s": {"x.y": [1, 2.5], "z": ["s", None]},
            "q": {"x.y": [[1, "b", "BadTimeout"]]},
        },
        {"n": 8, "t0": 5, "d": "a", "g": "b", "p": {"x": [[0, -1], [True, "on"]]}},
    ],
}
JUNK = st.sampled_from(
    [None, True, 0, -1, 1.5, "", "A b", "ok", [], [1], {}, {"x": [1]}, [[]], 2**60, "u", [0, "u"]]
)


def places(value, path=()):
    """Every path into a message."""
    yield path
    items = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, list) else items
    for key, item in items:
        yield from places(item, (*path, key))


PLACES = [path for path in places(GOOD) if path]


def damaged(path, junk, how):
    """The good message with one place replaced, removed, or given a neighbour."""
    message = copy.deepcopy(GOOD)
    target = message
    for key in path[:-1]:
        target = target[key]
    if how == "replace":
        target[path[-1]] = junk
    elif how == "remove":
        del target[path[-1]]
    elif isinstance(target, dict):
        target["extra"] = junk
    else:
        target.append(junk)
    return message


def refused(message):
    """Why the fast check refuses a message; empty when it does not."""
    try:
        data_problem(message)
    except ContractError as error:
        return str(error)
    return ""


@settings(deadline=None)
@given(st.sampled_from(PLACES), JUNK, st.sampled_from(["replace", "remove", "add"]))
def test_what_the_schema_refuses_the_fast_check_refuses(path, junk, how):
    """No damage that the JSON Schema sees passes the fast check."""
    message = damaged(path, junk, how)
    if not SCHEMA.is_valid(message):
        assert refused(message)


STRICTER = ("values for", "index", "no such metric", "lowest n", "twice", "2^53")


@settings(deadline=None)
@given(st.sampled_from(PLACES), JUNK, st.sampled_from(["replace", "remove", "add"]))
def test_the_fast_check_is_stricter_only_where_no_schema_can_be(path, junk, how):
    """What only the fast check refuses is a length, an index, a number or a wide integer."""
    message = damaged(path, junk, how)
    reason = refused(message)
    if SCHEMA.is_valid(message) and reason:
        assert any(text in reason for text in STRICTER), reason


def test_the_good_message_is_good():
    """The message the damage starts from passes both."""
    SCHEMA.validate(GOOD)
    assert refused(GOOD) == ""


def test_full_checks_are_the_first_ones_and_a_share():
    """The schema runs on a gateway's first data messages, then on the share asked for."""
    checker = Checker(full_first=3, full_share=0.0)
    for _ in range(10):
        checker.check("data", GOOD, gateway="gw")
    assert checker.full_checks == 3
    with pytest.raises(ContractError):
        checker.check("data", orjson.loads(b"[]"), gateway="gw")
