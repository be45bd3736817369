"""What a machine did, from its own log, held against what arrived at the platform."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass, field

from foreign.node_server import held
from system.subscriber import values_of

INCOMPLETE = {"missed", "gap"}
"""Types of events that say from when to when changes may be missing."""
LAG_MS = 0
"""A gap begins when the last message was read; what was sampled while that one was on its way,
through a server and an agent on a busy machine, lies before it by so much at most."""


class Arrivals:
    """Everything that came to a subscriber, row by row, each row once."""

    def __init__(self, subscriber):
        self._subscriber = subscriber
        self._taken = 0
        self._rows = set()
        self.values = defaultdict(lambda: defaultdict(dict))
        """Device -> metric -> time in ms -> all that was said of it: [(value, quality, way)]."""
        self.events = []
        """Event records, in order of arrival."""

    def take(self):
        """Take up what came since the last time; gives itself."""
        messages = self._subscriber.messages
        while self._taken < len(messages):
            message = messages[self._taken]
            self._taken += 1
            if message.level not in {"data", "hist", "event"}:
                continue
            body = message.body
            for row in body.get("b") or body["e"]:
                key = (body["ep"], row["n"])
                if key in self._rows:
                    continue
                self._rows.add(key)
                if message.level == "event":
                    self.events.append(row)
                else:
                    self._add(row, message.level)
        return self

    def newest_ms(self, device):
        """Give the newest time that every metric of a device has passed; 0 where there is none."""
        metrics = self.take().values[device].values()
        return min((max(times) for times in metrics), default=0)

    def newest_good_ms(self, device):
        """Give the same for good values."""
        metrics = self.take().values[device].values()
        good = [
            max(
                (ms for ms, all_said in times.items() if any(s[1] == "g" for s in all_said)),
                default=0,
            )
            for times in metrics
        ]
        return min(good, default=0)

    def _add(self, row, level):
        for value in values_of(row):
            said = self.values[value.device][value.metric].setdefault(value.time_ms, [])
            said.append((value.value, value.quality, "history" if row.get("hist") else level))


@dataclass
class Comparison:
    """How what arrived differs from what the machine did."""

    changes: int = 0
    """Changes the machine made of the points compared, between the first and the last arrival."""
    missing: set = field(default_factory=set)
    """Times (ms) of changes that never arrived, of any point."""
    missing_changes: int = 0
    double: list = field(default_factory=list)
    """(metric, time) said more than once."""
    wrong: list = field(default_factory=list)
    """(metric, time, said, held) that the machine never held so."""
    late: int = 0
    """Changes that came from the machine's own history."""
    unannounced: set = field(default_factory=set)
    """Times of missing changes that lie in no span the agent announced as incomplete."""

    @property
    def line(self):
        """One line for the report."""
        return (
            f"changes {self.changes}, missing {self.missing_changes}"
            f" (unannounced {len(self.unannounced)}), double {len(self.double)},"
            f" wrong {len(self.wrong)}, from history {self.late}"
        )


def announced(arrivals, device):
    """Give the spans (ms) of a device that the agent says may be incomplete."""
    return [
        (event["from"], event["to"])
        for event in arrivals.take().events
        if event.get("d") == device and event["type"] in INCOMPLETE
    ]


def generations(log):
    """Read the machine's own log: time in ms -> generation."""
    lines = log.read_text("ascii").split("\n")[:-1]
    return {int(ms): int(number) for number, ms in map(str.split, lines)}


def compare(log, arrivals, device, *, variables, held=held):
    """Compare variables V0.. of a device, published as v.0.., from each one's first arrival on."""
    made = generations(log)
    times = sorted(made)
    found = Comparison()
    for n in range(variables):
        said = arrivals.take().values[device][f"v.{n}"]
        good = {ms: each for ms, each in said.items() if any(s[1] == "g" for s in each)}
        assert good, f"nothing of v.{n} arrived from {device}"
        last_ms = max(good)
        span = times[bisect_left(times, min(good)) :]
        for ms in (ms for ms in span if ms <= last_ms):
            found.changes += 1
            if ms not in good:
                found.missing.add(ms)
                found.missing_changes += 1
        for ms, each in good.items():
            values = [s for s in each if s[1] == "g"]
            found.late += values[0][2] == "history"
            if len(values) > 1:
                found.double.append((f"v.{n}", ms))
            number = made.get(ms)
            expected = None if number is None else held(n, number)
            found.wrong += [
                (f"v.{n}", ms, value, expected)
                for value, _, _ in values
                if number is None or (value, type(value)) != (expected, type(expected))
            ]
    spans = announced(arrivals, device)
    found.unannounced = {
        ms for ms in found.missing if not any(first - LAG_MS <= ms <= last for first, last in spans)
    }
    return found


def told(log, arrivals):
    """Give log lines and events as text, for the message of a failed test."""
    last = [f"{number} at {ms}" for ms, number in sorted(generations(log).items())[-5:]]
    return json.dumps({"log": last, "events": arrivals.events[-20:]}, ensure_ascii=False)
