"""What the platform does with each message, free of any network: check, deduplicate, count.

Guarantees: an invalid message counts as one and leaves no trace in the values; every row of a
valid one counts exactly once. Nothing is ever written to disk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from simulators.platform.checks import KINDS, Checker, ContractError, parse
from simulators.platform.claims import conflicts
from simulators.platform.gateway import GatewayState
from simulators.platform.rows import Row, rows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from simulators.platform.rows import Point
    from simulators.platform.stream import Stream

_ERRORS_KEPT: Final = 20


class Receiver:
    """The platform's memory. `on_row` is called once for every new row, in order of arrival."""

    def __init__(
        self,
        topic_root: str = "hb/v1",
        *,
        from_start: bool = True,
        checker: Checker | None = None,
        on_row: Callable[[Row], None] | None = None,
    ) -> None:
        self.gateways: dict[str, GatewayState] = {}
        self.messages = 0
        self.bytes = 0
        self.error_count = 0
        self.errors: list[dict[str, str]] = []
        """The first refused messages: topic, reason, and how the payload begins."""
        self._root = f"{topic_root}/"
        self._from_start = from_start
        self._checker = checker or Checker()
        self._on_row = on_row

    def receive(self, topic: str, payload: bytes, arrived_ms: int) -> int:
        """Take one message; gives the number of new rows."""
        if topic.endswith("/ack"):
            return 0  # ours, or another platform's
        self.messages += 1
        self.bytes += len(payload)
        try:
            enterprise, gateway, kind = self._split(topic)
            body = parse(payload)
            self._checker.check(kind, body, gateway=gateway)
        except ContractError as problem:
            self._refuse(topic, payload, str(problem))
            return 0
        state = self._gateway(enterprise, gateway)
        if kind == "meta":
            state.take_meta(body)
        elif kind == "status":
            state.take_status(body)
        else:
            return self._take_rows(state, kind, body, arrived_ms)
        return 0

    def on_row(self, callback: Callable[[Row], None] | None) -> None:
        """Set what is called with every new row from now on."""
        self._on_row = callback

    def total(self, name: str) -> int:
        """Sum a count (`rows`, `values`, `duplicates`, `data_rows`, `hist_rows`, `event_rows`)."""
        return sum(state.counts[name] for state in self.gateways.values())

    def holes(self) -> list[tuple[str, str, int, int]]:
        """Give every hole as (gateway, epoch, first, last)."""
        return [
            (name, epoch, first, last)
            for name, state in self.gateways.items()
            for epoch, stream in state.streams.items()
            for first, last in stream.holes
        ]

    def latest(self, gateway: str, device: str, metric: str) -> Point | None:
        """Give the latest value by its own time; None if there never was one."""
        state = self.gateways.get(gateway)
        return state.latest.get((device, metric)) if state else None

    def summary(self, now_ms: int) -> dict[str, Any]:
        """Give everything counted as JSON values."""
        return {
            "messages": self.messages,
            "bytes": self.bytes,
            **{name: self.total(name) for name in ("rows", "values", "duplicates")},
            "altered_duplicates": sum(stream.altered for stream in self._streams()),
            "unaccounted_rows": sum(stream.unaccounted for stream in self._streams()),
            "live_rows": self.total("data_rows"),
            "backlog_rows": self.total("hist_rows"),
            "event_rows": self.total("event_rows"),
            "holes": [list(hole) for hole in self.holes()],
            "schema_errors": self.error_count,
            "first_errors": list(self.errors),
            "checked_by_schema": self._checker.full_checks,
            "conflicts": [one.as_dict() for one in conflicts(self.gateways.values())],
            "gateways": {name: state.as_dict(now_ms) for name, state in self.gateways.items()},
        }

    def _streams(self) -> Iterator[Stream]:
        for state in self.gateways.values():
            yield from state.streams.values()

    def _split(self, topic: str) -> tuple[str, str, str]:
        levels = topic.removeprefix(self._root).split("/")
        if not topic.startswith(self._root) or len(levels) != 3 or levels[2] not in KINDS:
            raise ContractError(f"topic is not {self._root}ENTERPRISE/GATEWAY/{'|'.join(KINDS)}")
        return levels[0], levels[1], levels[2]

    def _gateway(self, enterprise: str, name: str) -> GatewayState:
        state = self.gateways.get(name)
        if state is None:
            state = GatewayState(enterprise, name, from_start=self._from_start)
            self.gateways[name] = state
        return state

    def _take_rows(
        self, state: GatewayState, kind: str, body: dict[str, Any], arrived_ms: int
    ) -> int:
        state.sent_latency.add(arrived_ms - body["sent"])
        new = 0
        for row in rows_of(state.enterprise, kind, body):
            if not state.take_row(row, arrived_ms=arrived_ms):
                continue
            new += 1
            if self._on_row is not None:
                self._on_row(row)
        return new

    def _refuse(self, topic: str, payload: bytes, reason: str) -> None:
        self.error_count += 1
        if len(self.errors) < _ERRORS_KEPT:
            start = payload[:120].decode("utf-8", "replace")
            self.errors.append({"topic": topic, "reason": reason, "payload": start})
