"""Cuts a block that no message can hold into parts that are blocks of their own.

Every part bears the number of the whole row and `"part": [which, of how many]`. A part holds whole
metrics, or some instants of one; a receiver may use it at once, and has the row when it has all
parts of one cut. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import orjson

from agent.publish.scans import OPTIONS
from agent.store.outbox import Kind

if TYPE_CHECKING:
    from agent.store.outbox import Row

Block: TypeAlias = dict[str, Any]

PART_BYTES = 24
"""What `"part"` adds to a block, for up to 10,000 parts."""
MOST_PARTS = 9999


def split(row: Row, most_bytes: int) -> list[Row]:
    """Give the parts of a row, each of at most so many bytes; none where it cannot be cut so."""
    if row.kind is Kind.EVENT:
        return []
    blocks = _cut(orjson.loads(b"{" + row.body), most_bytes - PART_BYTES)
    if not blocks or len(blocks) > MOST_PARTS:
        return []
    return [
        row._replace(body=orjson.dumps(block | {"part": [at, len(blocks)]}, option=OPTIONS)[1:])
        for at, block in enumerate(blocks, start=1)
    ]


def _cut(block: Block, most_bytes: int) -> list[Block]:
    """Halve a block until every piece fits; none where one value alone does not."""
    if len(orjson.dumps(block, option=OPTIONS)) <= most_bytes:
        return [block]
    halves = _halves(block)
    pieces = [_cut(half, most_bytes) for half in halves]
    if not pieces or not all(pieces):
        return []
    return [block for piece in pieces for block in piece]


def _halves(block: Block) -> list[Block]:
    """Halve by metrics, or, where there is but one, by its instants; none where it has but one."""
    key = "s" if "s" in block else "p"
    names = list(block[key])
    if len(names) > 1:
        middle = len(names) // 2
        return [_of_metrics(block, key, part) for part in (names[:middle], names[middle:])]
    name = names[0]
    count = len(block["t"]) if key == "s" else len(block["p"][name][0])
    if count < 2:
        return []
    middle = count // 2
    return [_of_instants(block, name, low, high) for low, high in ((0, middle), (middle, count))]


def _of_metrics(block: Block, key: str, names: list[str]) -> Block:
    part = {name: value for name, value in block.items() if name not in {key, "q"}}
    part[key] = {name: block[key][name] for name in names}
    qualities = {name: marks for name, marks in block.get("q", {}).items() if name in names}
    return part | ({"q": qualities} if qualities else {})


def _of_instants(block: Block, name: str, low: int, high: int) -> Block:
    part = {key: value for key, value in block.items() if key not in {"t", "s", "p", "q"}}
    if "s" in block:
        part |= {"t": block["t"][low:high], "s": {name: block["s"][name][low:high]}}
    else:
        part["p"] = {name: [column[low:high] for column in block["p"][name]]}
    marks = [[i - low, *rest] for i, *rest in block.get("q", {}).get(name, ()) if low <= i < high]
    return part | ({"q": {name: marks}} if marks else {})
