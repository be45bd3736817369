"""YAML bytes to a tree with positions: what is read, what is refused, and where."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config.document import MAX_BYTES, MAX_DEPTH, parse, resolve


def told(data):
    node, problems = parse(data if isinstance(data, bytes) else data.encode(), file="f.yaml")
    return node, [(one.code, one.line, one.column) for one in problems]


def test_values_and_their_places():
    """A tree holds plain values; keys are text; every value knows its line and column."""
    node, problems = told("a: 1\nb:\n  - x: true\n    2: 'on'\n  - 0x10\n  - 1e3\n  - ~\n  - off\n")
    assert problems == []
    assert node.plain() == {"a": 1, "b": [{"x": "true", "2": "on"}, 16, 1000.0, None, "off"]}
    item = node.entries["b"].items[0]
    assert (item.entries["2"].place.line, item.entries["2"].place.column) == (4, 8)
    assert (item.keys["2"].line, item.keys["2"].column) == (4, 5)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\na: 2\n", ("E1006", 2, 1)),
        ("a:\n\t- 1\n", ("E1005", 2, 1)),
        ("a: [1, 2\n", ("E1004", 2, 1)),
        ("a: 'x\n", ("E1004", 2, 1)),
        ("a: b: c\n", ("E1004", 1, 5)),
        ("gateway：\n  id: x\nb: 1\n", ("E1010", 1, 8)),
        ("- id： 5\n  b: 1\n", ("E1010", 1, 5)),
        ("a: &x [*x]\n", ("E1012", 1, 8)),
        ("a: *nobody\n", ("E1012", 1, 4)),
        ("[1]: a\n", ("E1013", 1, 1)),
        ("a: !!python/object/apply:os.system [x]\n", ("E1014", 1, 4)),
        ("a: 1\n---\nb: 2\n", ("E1008", 3, 1)),
        ("", ("E1009", 0, 0)),
        (" \n\n", ("E1009", 0, 0)),
        ("# only a remark\n", ("E1009", 0, 0)),
        ("a: x\x00y\n", ("E1015", 1, 5)),
        ('a: "\\U99999999"\n', ("E1004", 0, 0)),
        ("%YAML 9.9\n---\na: 1\n", ("E1004", 1, 1)),
    ],
)
def test_what_is_not_plain_yaml_is_told_where_it_stands(text, expected):
    """Each way of not being a plain document has its code and its place."""
    assert told(text)[1] == [expected]


def test_other_encodings_are_told():
    """A file saved as GBK or UTF-16 is recognised as no UTF-8, at its first wrong byte."""
    assert told("a: 1\nb: 车间\n".encode("gbk")) == (None, [("E1003", 2, 4)])
    assert told("a: 1\n".encode("utf-16")) == (None, [("E1003", 1, 1)])
    assert told(b"\xef\xbb\xbfa: 1\n")[0].plain() == {"a": 1}


def test_size_depth_and_expansion_are_bounded():
    """A file cannot cost more than its limits, whatever it unfolds to."""
    assert told(b"a" * (MAX_BYTES + 1))[1][0][0] == "E1002"
    assert told("[" * 100_000)[1] == [("E1007", 1, MAX_DEPTH + 2)]
    layers = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    layers += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    assert told("\n".join(layers))[1][0][0] == "E1011"


def test_no_line_with_a_secret_is_shown():
    """The excerpt of a syntax error never holds a password."""
    _, problems = parse(b"a: 1\n password: hunter2: x\n", file="f.yaml")
    assert problems
    assert "hunter2" not in str([one.as_dict() for one in problems])


@given(st.binary(max_size=200))
def test_any_bytes_give_a_tree_or_problems(data):
    """No bytes raise anything."""
    node, problems = parse(data, file="f.yaml")
    assert node is not None or problems


@given(st.one_of(st.integers(), st.floats(), st.booleans(), st.text(max_size=20)))
def test_a_scalar_resolves_to_a_plain_value(value):
    """Whatever stands unquoted becomes text, a number, a truth value or nothing."""
    assert isinstance(resolve(str(value)), (str, int, float, bool, type(None)))


def test_scalars_follow_the_core_schema():
    """Numbers are what YAML 1.2 calls numbers; yes, no and on stay words."""
    words = ("1", "-2", "0x1F", ".5", "1.", "1e3", "true", "~", "yes", "on", "1_000", "0o17", "+-1")
    assert [resolve(one) for one in words] == [
        *(1, -2, 31, 0.5, 1.0, 1000.0, True, None),
        *("yes", "on", "1_000", 15, "+-1"),
    ]
    assert resolve(".inf") == float("inf")
    assert resolve("-.INF") == float("-inf")
    assert str(resolve(".NaN")) == "nan"
