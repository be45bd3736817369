"""The one form of a document."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.proof import canonical

DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(document=DOCUMENTS)
def test_what_was_written_is_read_back(document):
    """A document survives both forms."""
    assert canonical.read_page(canonical.page(document)) == document
    assert canonical.read_line(canonical.line(document)) == document


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":1, "b":2}',
        b'{"b":1,"a":2}',
        b'{"a":1,"a":1}',
        b'{"a":1}\n',
        b'{"a":NaN}',
        b'"\\u4e00"',
        b"1e1",
        b"\xff",
        b"[" * 100_000,
    ],
    ids=["space", "order", "twice", "end", "nan", "escape", "number", "utf8", "deep"],
)
def test_a_second_spelling_is_an_error(raw):
    """There is one spelling of a content, so equal hashes and equal content are the same."""
    with pytest.raises(ValueError):
        canonical.read_line(raw)


def test_lines_are_split_at_line_ends_only():
    """U+2028 and a carriage return within a text are no line ends."""
    assert canonical.split("a\u2028b\rc\nd".encode()) == ["a\u2028b\rc".encode(), b"d"]
    assert canonical.split(b"") == []
    assert canonical.split(b"a\n") == [b"a"]
