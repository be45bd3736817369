"""A platform of a few lines: a plain MQTT 5 client with a persistent session, and own bookkeeping.

Nothing here is of the agent or of the platform stand-in: what it counts is counted twice.
"""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

SESSION_S = 3600
RECONNECT_S = 0.1


class Message(NamedTuple):
    """One message as it came."""

    level: str
    """Last level of the topic: data, hist, event, meta or status."""
    body: dict
    arrived_ms: int


class Value(NamedTuple):
    """One value as published."""

    device: str
    metric: str
    time_ms: int
    value: object
    quality: str
    """`g`, `u` or `b`."""
    reason: str


@dataclass
class Books:
    """What the rows of all messages amount to, by (gateway, epoch, n)."""

    rows: dict = field(default_factory=dict)
    """(gateway, epoch, n) -> content."""
    duplicates: int = 0
    altered: int = 0
    """Repeats of an identity with other content."""

    @property
    def holes(self):
        """Numbers of an epoch below its highest that never came."""
        highest, seen = defaultdict(int), defaultdict(set)
        for gateway, epoch, n in self.rows:
            highest[gateway, epoch] = max(highest[gateway, epoch], n)
            seen[gateway, epoch].add(n)
        return [(*key, n) for key, top in highest.items() for n in range(1, top + 1)
                if n not in seen[key]]  # fmt: skip

    def events(self, kind):
        """Give the event records of a type in the order of their numbers."""
        found = [(key, row) for key, row in self.rows.items() if row.get("type") == kind]
        return [row for _, row in sorted(found, key=lambda item: item[0])]


class Subscriber:
    """`with Subscriber(url) as subscriber:` has subscribed to everything when the block begins."""

    def __init__(self, url, *, ca=None):
        scheme, _, address = url.partition("://")
        self._host, _, port = address.partition(":")
        self._port = int(port)
        self.messages = []
        """Everything that came, in order of arrival; repeats of the broker included."""
        self._subscribed = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, "platform", protocol=mqtt.MQTTv5)
        self._client.reconnect_delay_set(RECONNECT_S, RECONNECT_S)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._on_message
        if scheme == "mqtts":
            self._client.tls_set_context(ssl.create_default_context(cafile=ca))

    def __enter__(self):
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = SESSION_S
        self._client.connect(
            self._host, self._port, 30, clean_start=False, properties=properties
        )  # fmt: skip
        self._client.loop_start()
        assert self._subscribed.wait(10), "the broker did not answer the subscription"
        return self

    def __exit__(self, *_):
        self._client.disconnect()
        self._client.loop_stop()
        # no circle: the client closes its sockets when it goes, not when it is collected some day
        self._client.on_connect = self._client.on_subscribe = self._client.on_message = None

    def of(self, *levels):
        """Give the messages of some levels as (arrival, body)."""
        return [
            (message.arrived_ms, message.body)
            for message in list(self.messages)
            if message.level in levels
        ]

    def books(self):
        """Go through every row that came, once."""
        books = Books()
        for _, body in self.of("data", "hist", "event"):
            for row in body.get("b") or body["e"]:
                key = (body["gw"], body["ep"], row["n"])
                known = books.rows.setdefault(key, row)
                if known is not row:
                    books.duplicates += 1
                    books.altered += known != row
        return books

    def _on_connect(self, client, _userdata, _flags, reason, _properties):
        assert not reason.is_failure, reason
        client.subscribe("hb/v1/#", qos=1)

    def _on_message(self, _client, _userdata, message):
        level = message.topic.rpartition("/")[2]
        arrived_ms = time.time_ns() // 1_000_000
        self.messages.append(Message(level, json.loads(message.payload), arrived_ms))


def values_of(row):
    """Take a data row apart into its values, each with its own time and quality."""
    start_ms = row["t0"]
    columns = {name: (row["t"], column) for name, column in row.get("s", {}).items()}
    columns |= row.get("p", {})
    for name, (offsets, column) in columns.items():
        marks = {at: (grade, reason) for at, grade, reason in row.get("q", {}).get(name, ())}
        for at, (offset, value) in enumerate(zip(offsets, column, strict=True)):
            quality, reason = marks.get(at, ("g", ""))
            yield Value(row["d"], name, start_ms + offset, value, quality, reason)
