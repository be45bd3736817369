"""The tags of a device are made when somebody looks, and say what held when the list was made."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from unit.agent.normalize.engineering import BAD, GOOD, T_NS, UNCERTAIN, full, part
from unit.agent.telemetry.status_samples import cnc_tags

from agent.telemetry.latest import NEVER, LatestGroup
from agent.telemetry.status import TagStatus
from agent.telemetry.taglist import TagList, not_good

T_MS = T_NS // 1_000_000


@dataclass(frozen=True)
class Known:
    """What a configuration says of a tag."""

    name: str
    description: str = ""
    unit: str = ""
    address: str = "hr:0"


NAMES = tuple(map(Known, "abc"))


def test_tags_stand_in_the_order_of_groups_and_columns():
    """Index, slice and iteration give the same tags over all groups."""
    first, second = LatestGroup(3), LatestGroup(2)
    first.update(full(1, 2, 3))
    second.update(full(4, 5))
    tags = TagList([(NAMES, first.snapshot()), (NAMES[:2], second.snapshot())])
    assert [tag.value for tag in tags] == [1, 2, 3, 4, 5]
    assert [tags[at] for at in range(-5, 0)] == list(tags) == list(tags[:])
    assert tags[2:4] == (tags[2], tags[3])
    assert tags[3] == TagStatus("a", "", "", 4, GOOD, "", T_MS, "hr:0")
    assert len(tags) == 5
    with pytest.raises(IndexError):
        tags[5]


def test_a_list_does_not_change_with_what_comes_after_it():
    """Frames, parts and a silence after the snapshot are not seen in it."""
    latest = LatestGroup(3)
    latest.update(full(1, 2, 3))
    latest.update(part([1], 9))
    tags = TagList([(NAMES, latest.snapshot())])
    latest.update(part([0, 1], 7, None, marks=[GOOD, BAD], reasons={1: "r"}))
    latest.silence("BadNoCommunication")
    latest.update(full(0, 0, 0))
    assert [tag.value for tag in tags] == [1, 9, 3]
    assert tags.not_good() == ()


def test_tags_that_are_not_good_are_found_whatever_made_them_so():
    """Never read, bad in a full frame, marked in a part, or silent: each is given, and no other."""
    latest = LatestGroup(3)

    def bad():
        tags = TagList([(NAMES, latest.snapshot())])
        assert list(not_good(tags)) == [tag for tag in tags if tag.quality != GOOD]
        return [(tag.name, tag.reason) for tag in not_good(tags)]

    assert bad() == [(name, NEVER.reason) for name in "abc"]
    latest.update(part([1], 5))
    assert [name for name, _ in bad()] == ["a", "c"]
    latest.update(full(1, None, 3, marks=[GOOD, BAD, UNCERTAIN], reasons={1: "r", 2: "u"}))
    assert bad() == [("b", "r"), ("c", "u")]
    latest.update(part([1], 8))
    assert bad() == [("c", "u")]
    latest.silence("BadNoCommunication")
    assert bad() == [(name, "BadNoCommunication") for name in "abc"]
    latest.update(full(1, 2, 3))
    assert bad() == []


def test_other_sequences_of_tags_are_looked_through():
    """Tags that somebody made beforehand are told apart as well."""
    assert [tag.name for tag in not_good(cnc_tags())] == ["energy.total"]
