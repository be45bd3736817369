"""What a unit's addresses hold, generation after generation: a pattern, or the points of a map.

An image answers which addresses exist and what stands in them; it knows nothing of requests.
Values of one generation never change, so an answer never mixes two moments. Pure.
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from math import ceil, floor
from typing import TYPE_CHECKING, Any, Final, Protocol

from simulators.modbus.encoding import FLOATS, INTEGERS, bits_of, cells
from simulators.modbus.mapfile import STATE_WORDS
from simulators.modbus.patterns import TABLES, expected, mix

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from simulators.modbus.encoding import Raw
    from simulators.modbus.mapfile import MapPoint

_FLOAT_RANGE: Final = {"float16": 1000.0, "float32": 100_000.0, "float64": 1e9}
"""How far from 0 the pattern of a float without limits goes; all its digits are significant."""
_FIRST_DATE: Final = datetime(2024, 1, 1, tzinfo=UTC)
_DATE_SPAN_S: Final = 2 * 365 * 86_400


class Image(Protocol):
    """What a unit holds."""

    def cells(self, table: str, start: int, count: int, generation: int) -> list[int]:
        """Give `count` cells from `start`.

        Raises:
            KeyError: one of them does not exist.
        """


class PatternImage:
    """Every address up to a size in every table, less some holes, holding the known pattern."""

    def __init__(
        self, unit: int, *, size: int = 65_536, holes: Collection[tuple[str, int]] = ()
    ) -> None:
        """Make the image of a unit; `holes` are (table, address) that do not exist."""
        self.unit = unit
        self.size = size
        self.holes = frozenset(holes)
        self._at = lru_cache(maxsize=8_192)(self._cell)

    def cells(self, table: str, start: int, count: int, generation: int) -> list[int]:
        """Give `count` cells from `start`; raises KeyError where one does not exist."""
        if start + count > self.size:
            raise KeyError(start + count - 1)
        if self.holes:
            for address in range(start, start + count):
                if (table, address) in self.holes:
                    raise KeyError(address)
        at = self._at
        return [at(table, address, generation) for address in range(start, start + count)]

    def _cell(self, table: str, address: int, generation: int) -> int:
        return expected(self.unit, table, address, generation)


class MapImage:
    """The points of a map; an address that none of them covers does not exist."""

    def __init__(
        self, unit: int, points: Iterable[MapPoint], *, values: Mapping[str, Any] | None = None
    ) -> None:
        """Make the image of a unit; `values` fixes engineering values by name.

        Raises:
            ValueError: a point cannot hold the value it is given.
        """
        self.unit = unit
        self.points = {point.name: point for point in points}
        self._fixed: dict[str, Raw] = {}
        for name, point in self.points.items():
            given = (values or {}).get(name, point.value)
            if given is not None:
                self.set(name, given)
        self._held: tuple[int, dict[tuple[str, int], int]] = (-1, {})

    def set(self, name: str, engineering: Any) -> None:
        """Fix a point to an engineering value; raises ValueError when it cannot hold it."""
        point = self.points[name]
        try:
            raw = raw_of(point, engineering)
            cells(point.place, raw)
        except (ValueError, TypeError, OverflowError, struct.error) as error:
            raise ValueError(f"{name}: {engineering!r}: {error}") from error
        self._fixed[name] = raw
        self._held = (-1, {})

    def raw(self, name: str, generation: int = 0) -> Raw:
        """Give what a point holds, before scale, offset and states."""
        fixed = self._fixed.get(name)
        return self._pattern(self.points[name], generation) if fixed is None else fixed

    def engineering(self, generation: int = 0) -> dict[str, Any]:
        """Give what a flawless reader makes of every point."""
        return {
            name: engineering_of(point, self.raw(name, generation))
            for name, point in self.points.items()
        }

    def cells(self, table: str, start: int, count: int, generation: int) -> list[int]:
        """Give `count` cells from `start`; raises KeyError where one does not exist."""
        held = self._cells_of(generation)
        return [held[table, address] for address in range(start, start + count)]

    def addresses(self, table: str) -> list[int]:
        """List the addresses of a table that exist, ascending."""
        return sorted(address for held, address in self._cells_of(0) if held == table)

    def _cells_of(self, generation: int) -> dict[tuple[str, int], int]:
        if self._held[0] != generation:
            held: dict[tuple[str, int], int] = {}
            for name, point in self.points.items():
                for address, (word, own) in cells(point.place, self.raw(name, generation)).items():
                    key = (point.place.table, address)
                    held[key] = held.get(key, 0) & ~own | word
            self._held = (generation, held)
        return self._held[1]

    def _pattern(self, point: MapPoint, generation: int) -> Raw:
        place = point.place
        where = (self.unit << 20 | TABLES.index(place.table) << 16 | place.start) ^ place.mask << 40
        return pattern_value(point, mix(mix(where & (1 << 64) - 1) + generation))


def pattern_value(point: MapPoint, seed: int) -> Raw:
    """Give a value that the point can hold, within its limits, from 64 random bits."""
    place = point.place
    numbers = [key for key in point.states if not isinstance(key, str)]
    if point.states:
        keys = list(numbers or point.states)
        return keys[seed % len(keys)]
    if place.type in {"bool", "bit"}:
        return bool(seed & 1)
    if place.type == "string":
        head = "号" if place.text != "latin-1" and place.words > 4 else ""
        return f"{head}P{seed % 1_000_000:06d}"[: 2 * place.words]
    if place.type == "datetime":
        return dated(place.date, _FIRST_DATE + timedelta(seconds=seed % _DATE_SPAN_S))
    low, high = _limits(point)
    if place.type in FLOATS:
        form = FLOATS[place.type]
        wished = low + (high - low) * (seed % 1_000_003 / 1_000_003)
        return float(struct.unpack(form, struct.pack(form, wished))[0])
    ones = 1 << place.fraction_bits
    first, last = ceil(low * ones), floor(high * ones)
    number = first + seed % (last - first + 1) if last > first else first
    return number / ones if place.fraction_bits else number


def dated(encoding: str, moment: datetime) -> str:
    """Write a moment as a reader gives it: with a zone only where the encoding counts in UTC."""
    text = moment.astimezone(UTC).replace(tzinfo=None).isoformat()
    return f"{text}Z" if encoding.startswith("unix") else text


def engineering_of(point: MapPoint, raw: Raw) -> Any:
    """Apply states, or scale and offset."""
    if point.states:
        return "unknown" if isinstance(raw, float) else point.states.get(raw, "unknown")
    if isinstance(raw, str) or (point.scale == 1 and point.offset == 0):
        return raw
    return raw * point.scale + point.offset


def raw_of(point: MapPoint, engineering: Any) -> Raw:
    """Undo states, or scale and offset; raises ValueError for a state the point does not know."""
    if point.states:
        wanted = STATE_WORDS.get(str(engineering), engineering)
        for key, state in point.states.items():
            if state == wanted:
                return key
        raise ValueError(f"no such state / 没有这个状态: {', '.join(point.states.values())}")
    if point.place.type in {"string", "datetime"}:
        return str(engineering)
    if point.place.type in {"bool", "bit"}:
        return bool(engineering)
    raw: float = (engineering - point.offset) / point.scale if _scaled(point) else engineering
    return raw if point.place.type in FLOATS or point.place.fraction_bits else round(raw)


def _scaled(point: MapPoint) -> bool:
    return point.scale != 1 or point.offset != 0


def _limits(point: MapPoint) -> tuple[float, float]:
    """Give the least and greatest raw value that type and limits allow."""
    place = point.place
    if place.type in FLOATS:
        low, high = -_FLOAT_RANGE[place.type], _FLOAT_RANGE[place.type]
    elif place.mask and place.type != "int8":
        low, high = 0, (1 << bits_of(place)) - 1
    else:
        low, high = INTEGERS[place.type]
    ones = 1 << place.fraction_bits
    low, high = (low / ones, high / ones) if place.fraction_bits else (low, high)
    ends = [
        None if limit is None else (limit - point.offset) / point.scale
        for limit in (point.minimum, point.maximum)
    ]
    if point.scale < 0:
        ends.reverse()
    least = low if ends[0] is None else max(low, ends[0])
    greatest = high if ends[1] is None else min(high, ends[1])
    return (least, greatest) if least <= greatest else (low, high)
