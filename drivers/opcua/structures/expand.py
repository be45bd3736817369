"""Arrays named by one address, taken apart into one tag per element."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Final

from drivers.api import AddressError, AddressProblem
from drivers.opcua.address import split_part
from drivers.opcua.address_refusal import Refusal
from drivers.opcua.structures.part import format_part, parse_spans

if TYPE_CHECKING:
    from drivers.api import Tag
    from drivers.opcua.structures.part import Span, Step

MOST_VALUES: Final = 2_000
"""Most values of one address: what a machine offers in a row is a fraction of it."""


def expand(tag: Tag) -> tuple[Tag, ...]:
    """Give `name.0`, `name.1`, … for `#[0:7]`, `name.1.2` in a matrix; else the tag alone.

    The names bear the indexes. An address that is wrong in itself comes back: the plan refuses it.

    Raises:
        AddressError: the address names too many values.
    """
    node, text = split_part(tag.address)
    try:
        steps = parse_spans(text)
    except Refusal:
        return (tag,)
    ranges = [one for step in steps if not isinstance(step, str) for one in step]
    spans = [one for one in ranges if isinstance(one, range)]
    if not spans:
        return (tag,)
    count = prod(len(one) for one in spans)
    if count > MOST_VALUES:
        raise AddressError([_too_many(tag, count)])
    return tuple(
        replace(
            tag,
            name=".".join([tag.name, *map(str, at)]),
            address=node + format_part(tuple(_fixed(steps, list(at)))),
        )
        for at in product(*spans)
    )


def _fixed(steps: tuple[str | Span, ...], at: list[int]) -> list[Step]:
    """Put one index in the place of each range."""
    return [
        step
        if isinstance(step, str)
        else tuple(one if isinstance(one, int) else at.pop(0) for one in step)
        for step in steps
    ]


def _too_many(tag: Tag, count: int) -> AddressProblem:
    return AddressProblem(
        tag.name, tag.address, f"{count} values in one address",
        f"Name {MOST_VALUES} at most; split the range.",
        f"一个地址里有 {count} 个值", f"最多 {MOST_VALUES} 个，请把范围分成几段。",
    )  # fmt: skip
