"""What the platform knows of one gateway.

Guarantees: every row counts once, whatever is repeated; a later value never gives way to an older
one; rows that come before the first `meta` wait for it (bounded), since the day of a value needs
the gateway's time zone.
"""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING, Any, Final

from simulators.platform.compare import compare
from simulators.platform.evidence import Evidence, local_day
from simulators.platform.judging import day_starts_min
from simulators.platform.latency import Latency
from simulators.platform.rate import Rate, compute
from simulators.platform.stream import Stream
from simulators.platform.told import Told

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulators.platform.rows import Point, Row

_EARLY_ROWS: Final = 10_000


class GatewayState:
    """Streams, latest values, evidence, meta and status of one gateway."""

    def __init__(self, enterprise: str, name: str, *, from_start: bool) -> None:
        self.enterprise = enterprise
        self.name = name
        self.streams: dict[str, Stream] = {}
        self.meta: Mapping[str, Any] | None = None
        self.status: Mapping[str, Any] | None = None
        self.latest: dict[tuple[str, str], Point] = {}
        self.device_states: dict[str, str] = {}
        self.evidence = Evidence()
        self.counts: Counter[str] = Counter()
        self.events: Counter[str] = Counter()
        self.missed_polls = 0
        self.overflow_values = 0
        self.sent_latency = Latency()
        self.value_latency = Latency()
        self.identities: dict[str, Mapping[str, Any]] = {}
        """What each device says of itself, as its latest event has it."""
        self.told = Told()
        """What the gateway says of past days: digests and indicators."""
        self._from_start = from_start
        self._early: deque[tuple[str, list[Point]]] = deque(maxlen=_EARLY_ROWS)

    @property
    def devices(self) -> tuple[str, ...]:
        """Device ids that meta names."""
        return tuple(item["d"] for item in self.meta["devices"]) if self.meta else ()

    def stream(self, epoch: str) -> Stream:
        """Give the stream of an epoch."""
        found = self.streams.get(epoch)
        if found is None:
            found = self.streams[epoch] = Stream(from_start=self._from_start)
        return found

    def take_row(self, row: Row, *, arrived_ms: int) -> bool:
        """Count a row; whether it is new."""
        stream = self.stream(row.epoch)
        if not stream.take(row):
            self.counts["duplicates"] += 1
            return False
        self.counts["rows"] += 1
        self.counts[f"{row.kind}_rows"] += 1
        if row.kind == "event":
            self._take_event(row.content, stream)
            return True
        points = list(row.points())
        self.counts["values"] += len(points)
        self.counts["history_values"] += len(points) if row.of_history else 0
        if row.kind == "data" and points:
            self.value_latency.add(arrived_ms - max(point.time_ms for point in points))
        self._take_points(row.device, points, evidence=row.trusted)
        return True

    def take_meta(self, meta: Mapping[str, Any]) -> None:
        """Take the description; an older version than the known one is ignored."""
        known = self.meta
        if known is not None and known["ep"] == meta["ep"] and meta["mv"] < known["mv"]:
            return
        self.meta = meta
        self.told.take_meta(meta)
        while self._early:
            self._count(*self._early.popleft(), meta)

    def take_status(self, status: Mapping[str, Any]) -> None:
        """Take the latest status or Will."""
        self.status = status

    def rate(self, now_ms: int, control_set: str | None = None) -> Rate | None:
        """Compute the rate as of the gateway's calendar day of `now_ms`; None without meta."""
        if self.meta is None:
            return None
        today = local_day(now_ms, self.meta["tz"], day_starts_min(self.meta["rate"]))
        return compute(self.meta, self.evidence, today=today, control_set=control_set)

    def as_dict(self, now_ms: int) -> dict[str, Any]:
        """Give everything but the latest values as JSON values."""
        rate = self.rate(now_ms)
        return {
            "enterprise": self.enterprise,
            **{name: self.counts[name] for name in ("rows", "values", "duplicates")},
            "live_rows": self.counts["data_rows"],
            "backlog_rows": self.counts["hist_rows"],
            "event_rows": self.counts["event_rows"],
            "devices": list(self.devices),
            "device_states": dict(self.device_states),
            "events": dict(self.events),
            "history_values": self.counts["history_values"],
            "missed_polls": self.missed_polls,
            "overflow_values": self.overflow_values,
            "status": dict(self.status) if self.status else None,
            "sent_to_arrival": self.sent_latency.as_dict(),
            "value_to_arrival": self.value_latency.as_dict(),
            "streams": {epoch: stream.as_dict() for epoch, stream in self.streams.items()},
            "rate": rate.as_dict() if rate else None,
            "digests": len(self.told.links),
            "indicators": len(self.told.indicators),
            "findings": [one.as_dict() for one in compare(self.told, self.evidence)],
        }

    def _take_points(self, device: str, points: list[Point], *, evidence: bool) -> None:
        for point in points:
            key = (device, point.metric)
            known = self.latest.get(key)
            if known is None or point.time_ms >= known.time_ms:
                self.latest[key] = point
        if not evidence:
            return
        if self.meta is None:
            self.counts["early_rows_lost"] += len(self._early) == _EARLY_ROWS
            self._early.append((device, points))
        else:
            self._count(device, points, self.meta)

    def _count(self, device: str, points: list[Point], meta: Mapping[str, Any]) -> None:
        starts = day_starts_min(meta["rate"])
        self.evidence.add(device, points, zone=meta["tz"], day_starts_min=starts)

    def _take_event(self, record: Mapping[str, Any], stream: Stream) -> None:
        kind = record["type"]
        self.events[kind] += 1
        if kind in {"dropped", "rejected"}:
            stream.announce(record)
        elif kind == "replay":
            stream.replayed(record)
        elif kind == "identity":
            said = (record.get(name, "") for name in ("maker", "model", "uri"))
            self.evidence.said[record["d"]] = " ".join(said)
            self.identities[record["d"]] = record
        elif kind in {"digest", "indicator"}:
            self.told.take(record)
        elif kind == "missed":
            self.missed_polls += record["polls"]
        elif kind == "overflow":
            self.overflow_values += record["values"]
        elif kind == "device":
            self.device_states[record["d"]] = record["state"]
