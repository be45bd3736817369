"""The truth a test compares against."""

import pytest

from simulators.board import Board, Held


def test_only_changes_are_new():
    """A value posted again keeps its first time and is not reported."""
    board = Board()
    assert board.post("L1", {"a": 1, "b": 2.0}, time_ns=10) == {
        "a": Held(1, 10),
        "b": Held(2.0, 10),
    }
    assert board.post("L1", {"a": 1, "b": 3.0}, time_ns=20) == {"b": Held(3.0, 20)}
    assert board.snapshot() == {"L1": {"a": Held(1, 10), "b": Held(3.0, 20)}}


@pytest.mark.parametrize(("old", "new"), [(1, True), (1, 1.0), (0, None), (0.0, False)])
def test_values_of_another_type_are_changes(old, new):
    """A machine that shows 1 after True has changed what it holds."""
    board = Board()
    board.post("L1", {"a": old}, time_ns=10)
    assert board.post("L1", {"a": new}, time_ns=20) == {"a": Held(new, 20)}


def test_no_value_is_not_good():
    """A point whose server has no value is not good."""
    assert not Held(None, 1).good
    assert Held(0, 1).good


def test_history_tells_what_was_held_when():
    """A span of time yields the value at its beginning and every one after."""
    board = Board(history=10)
    for time_ns, value in ((10, 1), (20, 2), (30, 3), (40, 4)):
        board.post("L1", {"a": value}, time_ns=time_ns)
    assert [h.value for h in board.between("L1", "a", from_ns=25, to_ns=35)] == [2, 3]
    assert [h.value for h in board.between("L1", "a", from_ns=20, to_ns=20)] == [2]
    assert [h.value for h in board.between("L1", "a", from_ns=40, to_ns=99)] == [4]


def test_history_says_when_it_does_not_know():
    """What lies before the history is an error, not an empty answer."""
    board = Board(history=2)
    for time_ns in (10, 20, 30):
        board.post("L1", {"a": time_ns}, time_ns=time_ns)
    with pytest.raises(LookupError, match="keep more history"):
        board.between("L1", "a", from_ns=15, to_ns=40)
    with pytest.raises(LookupError):
        Board().between("L1", "a", from_ns=15, to_ns=40)
