"""The pattern makes every misplacement visible."""

import random

from simulators.modbus.patterns import TABLES, expected


def test_no_two_places_or_generations_look_alike():
    """Of 30,000 pairs of different places or generations, at most a handful agree by chance."""
    dice = random.Random(7)

    def place():
        return dice.randint(1, 247), dice.choice(("hr", "ir")), dice.randrange(65_536)

    pairs = [
        ((*place(), dice.randrange(100)), (*place(), dice.randrange(100))) for _ in range(30_000)
    ]
    alike = sum(expected(*one) == expected(*other) for one, other in pairs if one != other)
    assert alike < 6  # 0.5 expected


def test_neighbours_differ():
    """A value read one place off is another one, for all but chance."""
    wrong = sum(expected(1, "hr", at) == expected(1, "hr", at + 1) for at in range(20_000))
    assert wrong < 6


def test_the_lowest_bit_is_the_parity_of_the_generation():
    """A stale value shows in its last bit."""
    for generation in range(10):
        assert {expected(3, "ir", at, generation) & 1 for at in range(50)} == {generation & 1}


def test_bits_are_bits_and_toggle():
    """A coil holds 0 or 1, and the other one in the next generation."""
    for table in TABLES[:2]:
        for at in range(200):
            assert {expected(9, table, at, 0), expected(9, table, at, 1)} == {0, 1}
