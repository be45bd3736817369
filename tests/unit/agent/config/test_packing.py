"""Points of large tables are kept small, and are what they were."""

import subprocess
import sys
from pathlib import Path

from agent.config.model import TagEntry
from agent.config.section import Packing

ROOT = Path(__file__).parents[4]


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


MEASURED = """
import gc, tracemalloc
from agent.config.model import TagEntry
from agent.config.section import Packing

def entry(number):
    return TagEntry.model_validate({"name": f"m.n{number}", "address": f"hr:{number}"})

def taken(make, first):
    gc.collect()
    tracemalloc.start()
    kept = [make(first + number) for number in range(1000)]
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return taken

packing = Packing()
entry(0), packing.packed(entry(0))  # what is made once
print(taken(entry, 10_000), taken(lambda number: packing.packed(entry(number)), 20_000))
"""


def test_packing_makes_a_thousand_points_smaller():
    """They take less than three quarters of what pydantic makes of them, in a fresh process."""
    # what other tests did to the class would decide how Python lays out its instances
    ran = subprocess.run(
        [sys.executable, "-c", MEASURED], capture_output=True, text=True, check=True, cwd=ROOT
    )
    plain, packed = map(int, ran.stdout.split())
    assert packed < 0.75 * plain
