"""What a gateway says of past days: the links of its chain and its indicators, put together.

Only collects; `simulators.platform.chain` and `simulators.platform.compare` judge. Bounded: old
ledgers, and parts whose others never came, are let go.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_LEDGERS: Final = 100
_OPEN: Final = 1000
"""Most events in parts that wait for the rest."""


@dataclass(slots=True)
class Told:
    """The chain and the indicators of one gateway, in the order of their coming."""

    links: list[str] = field(default_factory=list)
    """Lines of the chain, byte by byte as they were signed."""
    indicators: list[dict[str, Any]] = field(default_factory=list)
    """`day`, `sum` and all `machines` of each; a later one of a day replaces an earlier one."""
    metas: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """Every meta message by the hash of its ledger, the last one with that ledger."""
    key: str = ""
    """The public key that meta announced first; empty where none did."""
    _open: dict[tuple[object, ...], dict[int, Mapping[str, Any]]] = field(default_factory=dict)

    def take_meta(self, meta: Mapping[str, Any]) -> None:
        """Remember a ledger, and the first key."""
        self.key = self.key or meta.get("key", "")
        known = ledger_hash(meta)
        self.metas.pop(known, None)
        self.metas[known] = meta
        if len(self.metas) > _LEDGERS:
            del self.metas[next(iter(self.metas))]

    def take(self, record: Mapping[str, Any]) -> None:
        """Take an event `digest` or `indicator`; it counts when all its parts are there."""
        which, of = record["part"]
        key = (record["type"], record["day"], record.get("nr"), of)
        parts = self._open.setdefault(key, {})
        parts[which] = record
        if len(parts) < of:
            if len(self._open) > _OPEN:
                del self._open[next(iter(self._open))]
            return
        del self._open[key]
        ordered = [parts[nr] for nr in sorted(parts)]
        if record["type"] == "digest":
            self.links.append("".join(one["link"] for one in ordered))
        else:
            self.indicators.append(_joined(ordered))


def ledger_hash(meta: Mapping[str, Any]) -> str:
    """Give the hash of a meta message's ledger: sorted keys, no blanks, UTF-8, SHA-256."""
    known = {"industry_kind": meta["enterprise"]["industry_kind"], "ledger": meta["ledger"]}
    text = json.dumps(known, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _joined(parts: list[Mapping[str, Any]]) -> dict[str, Any]:
    machines: dict[str, list[list[str]]] = {"strict": [], "broad": []}
    for one in parts:
        for name, standings in one["machines"].items():
            machines[name] += standings
    return {"day": parts[0]["day"], "sum": parts[0]["sum"], "machines": machines}
