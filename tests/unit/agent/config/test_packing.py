"""Points of large tables are kept small, and are what they were."""

import gc
import tracemalloc

from agent.config.model import TagEntry
from agent.config.section import Packing


def entry(number):
    """Make a point as a table gives it: every text is an object of its own."""
    return TagEntry.model_validate(
        {"name": f"machine.n{number}", "address": f"hr:{number}", "unit": "kW"}
    )


def test_a_packed_section_is_the_section():
    """It equals what it was made of, tells what was written, and can be copied and printed."""
    tag = entry(1)
    packed = Packing().packed(tag)
    assert packed == tag
    assert packed.model_fields_set == {"name", "address", "unit"}
    assert packed.model_dump(exclude_unset=True) == tag.model_dump(exclude_unset=True)
    changed = packed.model_copy(update={"name": "other"})
    assert (changed.name, changed.address, packed.name) == ("other", "hr:1", "machine.n1")
    assert changed.model_fields_set == {"name", "address", "unit"}
    assert packed.model_fields_set is Packing().packed(packed).model_fields_set


def test_equal_texts_are_kept_once():
    """Machines of one kind share their names and addresses."""
    packing = Packing()
    one, other = packing.packed(entry(7)), packing.packed(entry(7))
    assert one.name is other.name
    assert one.address is other.address
    assert one.model_fields_set is other.model_fields_set


def test_packing_makes_a_thousand_points_smaller():
    """They take less than three quarters of what pydantic makes of them."""

    def taken(make, first):
        gc.collect()
        tracemalloc.start()
        try:
            kept = [make(first + number) for number in range(1000)]
            return tracemalloc.get_traced_memory()[0], kept
        finally:
            tracemalloc.stop()

    packing = Packing()
    entry(0), packing.packed(entry(0))  # what is made once
    # pydantic keeps short texts it has seen: numbers that nobody has used
    plain, _ = taken(entry, 7_100_000)
    packed, _ = taken(lambda number: packing.packed(entry(number)), 7_200_000)
    assert packed < 0.75 * plain
