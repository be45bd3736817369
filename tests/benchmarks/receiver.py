"""A subscriber that counts: values from the payloads, rows once each, and how old they arrive.

Runs beside the servers, not on the measured core. A bad value (a failed read) does not count.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Self

import orjson
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from tests.benchmarks.processes import RunError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import TracebackType

DEVICE_PREFIX = "device-"
"""Ids of the workload's devices begin so; the agent's own rate is not counted."""
RECONNECT_S = 0.1
"""After an outage the counting goes on before the agent does."""
TOPIC = "hb/v1/#"
"""All of it: the agent keeps back what nobody subscribes to, and events are data too."""


class Receiver:
    """`with Receiver(port) as receiver:` counts what is published until the block ends."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._subscribed = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self._client.on_connect = self._subscribe
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._take
        self._client.reconnect_delay_set(RECONNECT_S, RECONNECT_S)  # type: ignore[arg-type] # seconds
        self._arrived = threading.Condition()
        self._rows: set[int] = set()
        self._span = (2**63, 0)
        self._values = 0
        self.arrivals: list[tuple[float, float, int]] = []
        """The values' own time (Unix ms), their age on arrival (ms), how many had both."""
        self.twice = 0
        """Rows that came again."""

    def __enter__(self) -> Self:
        self._client.connect("127.0.0.1", self._port)
        self._client.loop_start()
        if not self._subscribed.wait(10):
            raise RunError("the broker does not accept the counting subscriber")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def values(self) -> int:
        """How many values have arrived."""
        with self._arrived:
            return self._values

    @property
    def missing(self) -> int:
        """How many rows, events too, are missing between the first number and the last."""
        with self._arrived:
            return self._span[1] - self._span[0] + 1 - len(self._rows) if self._rows else 0

    def within(self, from_s: float, until_s: float) -> list[tuple[float, int]]:
        """List when (Unix seconds) values came whose own time is of a span, and how many."""
        with self._arrived:
            arrivals = list(self.arrivals)
        return [
            ((own + age) / 1000, count)
            for own, age, count in arrivals
            if from_s <= own / 1000 < until_s
        ]

    def wait_for_arrival(self, timeout_s: float) -> bool:
        """Wait until the next message has been counted; False if none came."""
        with self._arrived:
            return self._arrived.wait(timeout_s)

    def _subscribe(self, client: Client, *_: object) -> None:
        client.subscribe(TOPIC, qos=1)

    def _take(self, _client: Client, _userdata: Any, message: MQTTMessage) -> None:
        now_ms = time.time() * 1000
        if not message.topic.endswith(("/data", "/hist", "/event")):
            return
        body = orjson.loads(message.payload)
        with self._arrived:
            for row in body.get("e", ()):
                self._is_new(row["n"])
            for row in body.get("b", ()):
                if self._is_new(row["n"]) and row["d"].startswith(DEVICE_PREFIX):
                    self.count(row, now_ms)
            self._arrived.notify_all()

    def _is_new(self, number: int) -> bool:
        """Tell whether a row came for the first time; one that did not is counted apart."""
        before = len(self._rows)
        self._rows.add(number)
        self.twice += len(self._rows) == before
        self._span = min(number, self._span[0]), max(number, self._span[1])
        return len(self._rows) > before

    def count(self, row: Mapping[str, Any], now_ms: float) -> None:
        """Take in one row that is of the workload and was not counted before."""
        arrived = [(own_ms, now_ms - own_ms, count) for own_ms, count in _good(row)]
        self._values += sum(count for _, _, count in arrived)
        self.arrivals += arrived


def _good(row: Mapping[str, Any]) -> Iterator[tuple[int, int]]:
    """List the row's good values: their own time, and how many of them had it."""
    marks = row.get("q", {})
    if "s" in row:
        bad = Counter(at for each in marks.values() for at, mark, _ in each if mark == "b")
        for at, offset_ms in enumerate(row["t"]):
            yield row["t0"] + offset_ms, len(row["s"]) - bad[at]
        return
    for name, (offsets_ms, _) in row["p"].items():
        unusable = {at for at, mark, _ in marks.get(name, ()) if mark == "b"}
        for at, offset_ms in enumerate(offsets_ms):
            if at not in unusable:
                yield row["t0"] + offset_ms, 1


def percentile_ms(ages_ms: Sequence[tuple[float, int]], share: float) -> float:
    """Give the age that so large a share of the values did not exceed."""
    below = share * sum(count for _, count in ages_ms)
    for age_ms, count in sorted(ages_ms):
        below -= count
        if below <= 0:
            return age_ms
    raise ValueError("no values")
