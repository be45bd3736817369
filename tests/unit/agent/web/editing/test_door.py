"""Who is let in: codes once and not for long, few tries, sessions that end."""

from __future__ import annotations

import pytest
from unit.agent.web.editing.bench import Clock

from agent.web.editing.door import (
    CODE_S,
    IDLE_S,
    LIFE_S,
    MOST_SESSIONS,
    Door,
    Entered,
    Refusal,
    same,
)
from agent.web.editing.tries import ALL_TRIES, MOST_PEERS, TRIES, TRY_WINDOW_S, Tries

HERE, THERE = "192.0.2.7", "192.0.2.8"


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def door(clock):
    return Door(clock)


def test_a_code_is_two_groups_of_four_digits_and_opens_once(door):
    """The code works as it is shown, typed without its blank or in wide digits, and only once."""
    code = door.issue()
    left, right = code.split(" ")
    assert (len(left), len(right), (left + right).isdecimal()) == (4, 4, True)
    wide = (left + right).translate(str.maketrans("0123456789", "０１２３４５６７８９"))
    assert isinstance(door.enter(wide, who="a", peer=HERE), Entered)
    assert door.enter(code, who="a", peer=HERE) is Refusal.WRONG


def test_a_new_code_voids_the_one_before(door):
    """Of two codes only the last one opens."""
    first, second = door.issue(), door.issue()
    while first == second:
        second = door.issue()
    assert door.enter(first, who="a", peer=HERE) is Refusal.WRONG
    assert isinstance(door.enter(second, who="a", peer=HERE), Entered)


def test_an_old_code_does_not_open(door, clock):
    """A code ends with its ten minutes."""
    code = door.issue()
    clock.now_s += CODE_S
    assert door.enter(code, who="a", peer=HERE) is Refusal.WRONG


def test_nothing_opens_where_no_code_was_given(door):
    """Without a code there is none to guess, not even an empty one."""
    assert door.enter("", who="a", peer=HERE) is Refusal.WRONG
    assert door.enter("00000000", who="a", peer=HERE) is Refusal.WRONG


def test_after_five_tries_even_the_right_code_waits(door, clock):
    """From that address only; after a minute the code, still good, opens."""
    code = door.issue()
    for _ in range(TRIES):
        assert door.enter("wrong", who="a", peer=HERE) is Refusal.WRONG
    assert door.enter(code, who="a", peer=HERE) is Refusal.TOO_MANY
    assert 0 < door.wait_s(HERE) <= TRY_WINDOW_S
    assert door.wait_s(THERE) == 0
    clock.now_s += TRY_WINDOW_S
    assert isinstance(door.enter(code, who="a", peer=HERE), Entered)


def test_one_who_guesses_locks_nobody_else_out(door):
    """Another address gets in meanwhile; to get in is no try."""
    for _ in range(TRIES):
        door.enter("wrong", who="a", peer=THERE)
    for _ in range(2 * TRIES):
        assert isinstance(door.enter(door.issue(), who="a", peer=HERE), Entered)


def test_all_addresses_together_have_a_ceiling(door, clock):
    """Many addresses of one guesser find no code either; after a minute others may again."""
    code = door.issue()
    for at in range(ALL_TRIES):
        assert door.enter("wrong", who="a", peer=f"198.51.100.{at}") is Refusal.WRONG
    assert door.enter(code, who="a", peer=HERE) is Refusal.TOO_MANY
    clock.now_s += TRY_WINDOW_S
    assert isinstance(door.enter(code, who="a", peer=HERE), Entered)


def test_addresses_of_one_network_are_one():
    """An IPv6 network counts as one address, an IPv4 address written as IPv6 as itself."""
    tries = Tries()
    for at in range(TRIES):
        tries.failed(f"2001:db8:1:2::{at + 1}", 0.0)
        tries.failed(f"::ffff:{HERE}", 0.0)
    assert tries.wait_s("2001:db8:1:2:ffff::9", 1.0) > 0
    assert tries.wait_s(HERE, 1.0) > 0
    assert tries.wait_s("2001:db8:1:3::1", 1.0) == 0


def test_few_addresses_are_remembered():
    """However many come, their number is bounded, and the latest are kept."""
    tries = Tries()
    for at in range(2 * MOST_PEERS):
        for _ in range(TRIES):
            tries.failed(f"host-{at}", at * TRY_WINDOW_S)
    assert len(tries._of) == MOST_PEERS
    assert tries.wait_s(f"host-{2 * MOST_PEERS - 1}", 2 * MOST_PEERS * TRY_WINDOW_S - 61) > 0


def entered(door, clock, who="a"):
    clock.now_s += TRY_WINDOW_S
    found = door.enter(door.issue(), who=who, peer=HERE)
    assert isinstance(found, Entered)
    return found


def test_a_session_ends_unused_used_or_left(door, clock):
    """Half an hour without use, twelve hours in any case, and leaving end it."""
    token = entered(door, clock).token
    begun_s = clock.now_s
    while clock.now_s + IDLE_S - 1 < begun_s + LIFE_S:
        clock.now_s += IDLE_S - 1
        assert door.session(token) is not None
    clock.now_s = begun_s + LIFE_S
    assert door.session(token) is None
    token = entered(door, clock).token
    clock.now_s += IDLE_S
    assert door.session(token) is None
    token = entered(door, clock).token
    door.leave(token)
    assert door.session(token) is None


def test_sessions_are_few(door, clock):
    """One too many ends the one unused for longest."""
    tokens = [entered(door, clock).token for _ in range(MOST_SESSIONS)]
    assert door.session(tokens[0]) is not None
    entered(door, clock)
    assert door.session(tokens[1]) is None
    assert door.session(tokens[0]) is not None


def test_tokens_and_secrets_are_long_and_differ(door, clock):
    """A token and a form's secret hold 256 bits each, and no two are alike."""
    found = [entered(door, clock) for _ in range(4)]
    secrets = [one.token for one in found] + [one.session.csrf for one in found]
    assert len(set(secrets)) == 8
    assert min(map(len, secrets)) >= 43
    assert same("é", "é")
    assert not same("", found[0].token)
