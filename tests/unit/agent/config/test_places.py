"""Where a problem is: also a file whose name no terminal and no JSON can hold."""

from __future__ import annotations

import orjson

from agent.config.problems import Place, problem


def test_the_name_of_a_file_is_printable_whatever_it_is():
    """Lone surrogates and control characters, from a name in the file, are shown as replaced."""
    found = problem("E1412", Place("/shop/\ud800\x1b[31m\n.csv", 3), seen="x")
    assert found.location == "/shop/��[31m�.csv:3"
    assert orjson.dumps(found.as_dict())
