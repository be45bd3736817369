"""Browse paths as integrators write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.opcua.address import ROOT, IdKind, NodeAddress, parse
from drivers.opcua.browse.path import MAX_NAMES, PathName, escape_uri, parse_path

MACHINERY = "http://opcfoundation.org/UA/Machinery/"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("/Objects", [PathName(None, 0, "Objects")]),
        ("/Objects/nsu=urn:x;M", [PathName(None, 0, "Objects"), PathName("urn:x", 0, "M")]),
        (f"/nsu={MACHINERY};Machines", [PathName(MACHINERY, 0, "Machines")]),
        ("/nsu=http://opcfoundation.org/UA/;Objects", [PathName(None, 0, "Objects")]),
        ("/2:Spindle.Speed", [PathName(None, 2, "Spindle.Speed")]),
        ("/a&/b/c&&d/e&#f", [PathName(None, 0, name) for name in ("a/b", "c&d", "e#f")]),
        ("/主轴/nsu=urn:%3B%25;x", [PathName(None, 0, "主轴"), PathName("urn:;%", 0, "x")]),
        ("/&nsu=1", [PathName(None, 0, "nsu=1")]),
    ],
)  # fmt: skip
def test_every_form_is_parsed(text, names):
    """Each notation gives its names with their namespaces."""
    assert parse_path(text) == tuple(names)
    assert parse(f"path={text}") == NodeAddress(None, 0, IdKind.NUMERIC, ROOT, tuple(names))


@pytest.mark.parametrize(
    "text", ["", "Objects", "/", "/a//b", "/a/", "/nsu=;a", "/nsu=urn:x;", "/70000:a", "/a&",
             "/a" * (MAX_NAMES + 1)],
)  # fmt: skip
def test_what_is_no_path_is_refused(text):
    """A path without names, or with an empty one, is none."""
    with pytest.raises(ValueError, match="no browse path"):
        parse(f"path={text}")


names = st.text(min_size=1, max_size=9).filter(lambda text: text == text.strip())
"""Blanks around an address belong to the table it stands in."""


@given(st.lists(st.tuples(names, names),
                min_size=1, max_size=5), st.sampled_from(["", "#[3]", "#X.Y"]))  # fmt: skip
def test_every_path_can_be_written(levels, part):
    """Any names in any namespaces can be written, with a part of the value behind them."""
    written = "".join(
        f"/nsu={escape_uri(uri)};" + "".join(f"&{char}" for char in name) for uri, name in levels
    )
    found = parse(f"path={written}{part}")
    assert [(one.uri, one.name) for one in found.path] == levels
    assert found.part == {"": (), "#[3]": ((3,),), "#X.Y": ("X", "Y")}[part]
