"""Whether a message is what the contract says: own check of data, JSON Schema of the rest.

The JSON Schema validator takes 20-30 ms for 20 kB of data, so `data_problem` checks every data
message in about 1 ms, by the same rules and by those a schema cannot state: columns of equal
length, quality indices inside them, integers beyond 2^53 as strings, `seq` the lowest n, no n
twice. `Checker` runs the schema too, on every message that is not data, on the first data messages
of a gateway and on a share of the others; where the two disagree, that is an error of its own.
"""

from __future__ import annotations

import json
import random
import re
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson
from jsonschema import Draft202012Validator

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_SAFE: Final = 9_007_199_254_740_991
KINDS: Final = {
    "data": "data",
    "hist": "data",
    "event": "event",
    "meta": "meta",
    "status": "status",
}
"""Last topic level -> definition in the schema."""
_MAX_METRIC: Final = 128
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_EPOCH: Final = re.compile(r"[0-9A-Z]{10,26}")
_METRIC: Final = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+){0,6}")
_CLOCKS: Final = frozenset({"sync", "hold", "free"})
_VALUE_TYPES: Final = frozenset({int, float, str, bool, type(None)})
_DATA_KEYS: Final = frozenset({"v", "gw", "ep", "seq", "sent", "clk", "mv", "b"})
_BLOCK_KEYS: Final = frozenset({"n", "t0", "d", "g", "t", "s", "p", "q", "hist", "part"})
_QUALITY_ITEM: Final = 3


class ContractError(ValueError):
    """A message breaks the contract; the text says where and how."""


class Checker:
    """Checks messages; the validators are built once."""

    def __init__(self, *, full_first: int = 10, full_share: float = 0.01, seed: int = 1) -> None:
        definitions = load_schema()["$defs"]
        self._validators = {
            kind: Draft202012Validator(
                {"$defs": definitions, "$ref": f"#/$defs/{kind}"},
                format_checker=Draft202012Validator.FORMAT_CHECKER,
            )
            for kind in set(KINDS.values())
        }
        self._full_first, self._full_share = full_first, full_share
        self._random = random.Random(seed)
        self._data_messages: dict[str, int] = {}
        self.full_checks = 0

    def check(self, kind: str, body: Any, *, gateway: str) -> None:
        """Raise ContractError unless `body` is valid; the topic gives kind and gateway."""
        self._check_kind(kind, body)
        _require(body["gw"] == gateway, f"$.gw: {body['gw']!r} does not own this topic")

    def _check_kind(self, kind: str, body: Any) -> None:
        definition = KINDS[kind]
        if definition != "data":
            self._check_by_schema(definition, body)
            if definition == "event":
                _numbering(body["seq"], [item["n"] for item in body["e"]])
            if definition == "meta":
                _zone(body["tz"])
            return
        problem: ContractError | None = None
        try:
            data_problem(body)
        except ContractError as found:
            problem = found
        if self._wants_full(body):
            self._check_by_schema(definition, body)
        if problem is not None:
            raise problem

    def _wants_full(self, body: Any) -> bool:
        gateway = str(body.get("gw")) if isinstance(body, dict) else ""
        count = self._data_messages[gateway] = self._data_messages.get(gateway, 0) + 1
        return count <= self._full_first or self._random.random() < self._full_share

    def _check_by_schema(self, definition: str, body: Any) -> None:
        self.full_checks += 1
        for error in self._validators[definition].iter_errors(body):
            raise ContractError(f"schema: {error.json_path}: {error.message[:200]}")


def load_schema() -> dict[str, Any]:
    """Give the JSON Schema of the native payload."""
    text = files("simulators").joinpath("schemas/native-v1.schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def parse(payload: bytes) -> Any:
    """Read strict JSON (no NaN, valid UTF-8); ContractError otherwise."""
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise ContractError(f"not JSON: {error}") from None


def data_problem(body: Any) -> None:
    """Raise ContractError unless `body` is a valid data message."""
    _keys("$", body, required=_DATA_KEYS, allowed=_DATA_KEYS)
    _require(body["v"] == 1 and type(body["v"]) is int, "$.v: not 1")
    _text("$.gw", body["gw"], _ID)
    _text("$.ep", body["ep"], _EPOCH)
    _integer("$.seq", body["seq"], low=1)
    _integer("$.sent", body["sent"])
    _integer("$.mv", body["mv"])
    _require(isinstance(body["clk"], str) and body["clk"] in _CLOCKS, "$.clk: unknown")
    blocks = body["b"]
    _require(isinstance(blocks, list) and bool(blocks), "$.b: not a filled array")
    for index, block in enumerate(blocks):
        _block(f"$.b[{index}]", block)
    _numbering(body["seq"], [block["n"] for block in blocks])


def _block(at: str, block: Any) -> None:
    _keys(at, block, required=frozenset({"n", "t0", "d", "g"}), allowed=_BLOCK_KEYS)
    _integer(f"{at}.n", block["n"], low=1)
    _integer(f"{at}.t0", block["t0"])
    _text(f"{at}.d", block["d"], _ID)
    _text(f"{at}.g", block["g"], _ID)
    _require(block.get("hist", True) is True, f"{at}.hist: not true")
    _part(f"{at}.part", block.get("part", [1, 1]))
    scan, own = "t" in block and "s" in block, "p" in block
    _require(scan != own, f"{at}: needs either t and s, or p")
    _require(("t" in block) == ("s" in block), f"{at}: t and s go together")
    lengths = _scan(at, block) if scan else _own_times(at, block["p"])
    if "q" in block:
        _qualities(f"{at}.q", block["q"], lengths)


def _scan(at: str, block: Mapping[str, Any]) -> dict[str, int]:
    count = _offsets(f"{at}.t", block["t"])
    columns = _metrics(f"{at}.s", block["s"])
    for name, column in columns.items():
        _column(f"{at}.s.{name}", column, count)
    return dict.fromkeys(columns, count)


def _own_times(at: str, points: Any) -> dict[str, int]:
    lengths: dict[str, int] = {}
    for name, pair in _metrics(f"{at}.p", points).items():
        where = f"{at}.p.{name}"
        _require(isinstance(pair, list) and len(pair) == 2, f"{where}: not [offsets, values]")
        lengths[name] = _offsets(f"{where}[0]", pair[0])
        _column(f"{where}[1]", pair[1], lengths[name])
    return lengths


def _qualities(at: str, qualities: Any, lengths: Mapping[str, int]) -> None:
    for name, items in _metrics(at, qualities).items():
        where = f"{at}.{name}"
        _require(name in lengths, f"{where}: no such metric in the block")
        _require(isinstance(items, list) and bool(items), f"{where}: not a filled array")
        for item in items:
            _quality(where, item, lengths[name])


def _quality(at: str, item: Any, count: int) -> None:
    _require(isinstance(item, list) and len(item) == _QUALITY_ITEM, f"{at}: not [i, u|b, reason]")
    index, grade, reason = item
    _require(type(index) is int and 0 <= index < count, f"{at}: index {index!r} of {count} values")
    _require(isinstance(grade, str) and grade in {"u", "b"}, f"{at}: {grade!r} is not u or b")
    _require(isinstance(reason, str) and 0 < len(reason) <= 64, f"{at}: reason {reason!r}")


def _metrics(at: str, columns: Any) -> dict[str, Any]:
    _require(isinstance(columns, dict) and bool(columns), f"{at}: not a filled object")
    for name in columns:
        valid = len(name) <= _MAX_METRIC and _METRIC.fullmatch(name)
        _require(bool(valid), f"{at}: {name[:140]!r} is no metric name")
    found: dict[str, Any] = columns
    return found


def _offsets(at: str, offsets: Any) -> int:
    _require(isinstance(offsets, list) and bool(offsets), f"{at}: not a filled array")
    _require(set(map(type, offsets)) == {int}, f"{at}: not all are integers")
    _require(max(map(abs, offsets)) <= MAX_SAFE, f"{at}: beyond 2^53")
    return len(offsets)


def _column(at: str, column: Any, count: int) -> None:
    _require(isinstance(column, list), f"{at}: not an array")
    _require(len(column) == count, f"{at}: {len(column)} values for {count} times")
    types = set(map(type, column))
    _require(types <= _VALUE_TYPES, f"{at}: holds something else than values")
    if int in types:
        widest = max(abs(value) for value in column if type(value) is int)
        _require(widest <= MAX_SAFE, f"{at}: an integer beyond 2^53 must be a string")


def _part(at: str, part: Any) -> None:
    whole = type(part) is list and len(part) == 2 and all(type(item) is int for item in part)
    _require(whole and 1 <= part[0] <= part[1], f"{at}: not [which, of how many]")


def _numbering(seq: int, numbers: list[int]) -> None:
    _require(min(numbers) == seq, f"$.seq: {seq} is not the lowest n, {min(numbers)}")
    _require(len(set(numbers)) == len(numbers), "$: a row number occurs twice in one message")


def _zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ContractError(f"$.tz: {name!r} is no time zone") from None


def _keys(at: str, value: Any, *, required: frozenset[str], allowed: frozenset[str]) -> None:
    _require(isinstance(value, dict), f"{at}: not an object")
    found = value.keys()
    _require(required <= found, f"{at}: lacks {', '.join(sorted(required - found))}")
    _require(found <= allowed, f"{at}: unknown {', '.join(sorted(found - allowed))}")


def _text(at: str, value: Any, pattern: re.Pattern[str]) -> None:
    _require(isinstance(value, str) and bool(pattern.fullmatch(value)), f"{at}: {value!r}")


def _integer(at: str, value: Any, *, low: int = 0) -> None:
    _require(type(value) is int and low <= value <= MAX_SAFE, f"{at}: {value!r}")


def _require(fine: bool, text: str) -> None:  # noqa: FBT001 - reads as an assertion
    if not fine:
        raise ContractError(text)
