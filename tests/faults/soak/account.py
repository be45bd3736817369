"""The platform of the soak: it confirms what has come, and keeps a digest of every row.

A plain MQTT client still: nothing in it is of the agent or of the platform stand-in. A broker that
is killed loses what it had acknowledged, so rows leave the gateway by the platform's word alone.
"""

from __future__ import annotations

import json
from collections import defaultdict
from hashlib import blake2b

from system.loads import generations
from system.subscriber import Message, Subscriber, values_of

ACK_TOPIC = "hb/v1/ent-test/gw-test/ack"
KEPT = {"data": "b", "hist": "b", "event": "e"}
"""Level of a topic -> where its rows stand."""
MOST_RANGES = 1000
JOINED_BACK_MS = 10_000
"""How far before its event a lost change may lie, where the event tells no span."""


class Stream:
    """Which numbers of an epoch have come."""

    def __init__(self):
        self.mark = 0
        """Every number up to this one has."""
        self.beyond = set()

    def take(self, number):
        """Note a number; tell whether it is the first time."""
        if number <= self.mark or number in self.beyond:
            return False
        self.beyond.add(number)
        while self.mark + 1 in self.beyond:
            self.mark += 1
            self.beyond.remove(self.mark)
        return True


class Account(Subscriber):
    """What arrived, in which order, with what content; and what was said to be missing."""

    def __init__(self, url):
        super().__init__(url)
        self.samples = defaultdict(dict)
        """Device -> time in ms -> what its first point held then, good values only."""
        self.changes = defaultdict(list)
        """Device -> (epoch, row, place in it, time in ms, value) of its first point, good only."""
        self.spans = defaultdict(list)
        """Device, or None for all -> (from ms, to ms) told to be incomplete."""
        self.events = defaultdict(int)
        """Type of an event -> how many of them."""
        self.mixed = 0
        """Scans of the counting machine that are not of one moment."""
        self._streams = defaultdict(Stream)

    def whole_to(self):
        """Give the number up to which all rows of the latest epoch have come."""
        return self._streams[max(self._streams)].mark if self._streams else 0

    def confirm(self):
        """Tell the gateway what has come, of each of its epochs."""
        for epoch, stream in list(self._streams.items()):
            mark, beyond = stream.mark, sorted(stream.beyond.copy())
            body = {"ep": epoch, "seq": mark, "ok": ranges(beyond)[:MOST_RANGES]}
            self._client.publish(ACK_TOPIC, json.dumps(body), qos=1, retain=True)

    def _on_message(self, _client, _userdata, message):
        level = message.topic.rpartition("/")[2]
        if level not in KEPT:
            return
        body = json.loads(message.payload)
        stream = self._streams[body["ep"]]
        kept = []
        for row in body[KEPT[level]]:
            if stream.take(row["n"]):
                self._note(row, body["ep"])
            kept.append({"n": row["n"], "d": row.get("d", ""), "digest": _digest(row)})
        short = {"gw": body["gw"], "ep": body["ep"], KEPT[level]: kept}
        self.messages.append(Message(level, short, 0))

    def _note(self, row, epoch):
        """Take what the verdict needs out of a row that came for the first time."""
        if "type" in row:
            self.events[row["type"]] += 1
            if (span := told(row)) is not None:
                self.spans[row.get("d")].append(span)
            return
        scans = defaultdict(list)
        for place, value in enumerate(values_of(row)):
            if value.quality == "g" and value.value is not None:
                scans[value.time_ms].append(value)
                if value.metric.endswith("0"):
                    self.samples[value.device][value.time_ms] = value.value
                    change = epoch, row["n"], place, value.time_ms, value.value
                    self.changes[value.device].append(change)
            elif value.quality == "b":
                self.spans[value.device].append((value.time_ms, value.time_ms))
        if "t" in row:
            self.mixed += sum(len(generations(values)) != 1 for values in scans.values())


def told(event):
    """Give the span (from ms, to ms) that an event says is incomplete; None where it tells none."""
    kind = event["type"]
    if kind in {"missed", "gap"}:
        return event["from"], event["to"]
    if kind == "start":
        return event.get("last", event["t"]), event["t"]
    if kind == "overflow":
        return event["t"] - JOINED_BACK_MS, event["t"]
    return None


def ranges(numbers):
    """Join ascending numbers to ranges, both ends included."""
    joined = []
    for number in numbers:
        if joined and number == joined[-1][1] + 1:
            joined[-1][1] = number
        else:
            joined.append([number, number])
    return joined


def _digest(row):
    content = json.dumps(row, sort_keys=True, separators=(",", ":")).encode()
    return int.from_bytes(blake2b(content, digest_size=8).digest())
