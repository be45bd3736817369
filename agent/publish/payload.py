"""Frames -> rows of native JSON v1, encoded once; rows -> messages, joined without decoding.

A row's body lacks only its opening brace and its identity `n`, which its message adds: whatever
rows are sent together, and however often, a row's own bytes never change. Spec: docs/specs/payload.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson

from agent.normalize.cut import cut_run
from agent.publish.own_times import OwnTimes
from agent.publish.sampled import Sampled
from agent.publish.sanitize import clean_values
from agent.publish.scans import OPTIONS, FullScans, kind_of
from agent.publish.tags import TagsOf
from agent.store.outbox import Kind, NewRow
from drivers.api import Quality

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from agent.publish.tags import Tags
    from agent.store.outbox import Row
    from drivers.api import Frame, Value

    _Shape = Callable[[Sequence[tuple[Value, ...]]], Mapping[str, Any]]

_MS = 1_000_000
_UNCERTAIN = int(Quality.UNCERTAIN)
_GOOD = int(Quality.GOOD)
REASON_LENGTH = 64
"""Longest reason of a value that the schema allows."""


class GroupCodec:
    """Encodes the frames of one group of one device into rows of at most `max_row_bytes`.

    A row that would be too large is halved by columns, not by scans: names are written less often.
    How many values fit is learned from the halves, and forgotten when rows become small again: one
    long text does not cut a group to pieces for ever.
    """

    def __init__(
        self, device: str, group: str, names: Sequence[str], *, max_row_bytes: int
    ) -> None:
        self.device = device
        self.group = group
        self.names = tuple(names)
        """Metric names in the order of the plan's tags."""
        self._max_row_bytes = max_row_bytes
        self._values_per_row: int | None = None
        self._full_scans = FullScans(device, group, self.names)
        self._tags_of = TagsOf(self.names)

    def encode(self, frames: Sequence[Frame]) -> list[NewRow]:
        """Encode frames of this group, oldest first, into as few rows as fit.

        Consecutive frames with the same columns share a row: their names are written once.
        """
        rows: list[NewRow] = []
        for run, aligned in self._runs(frames):
            whole = aligned and run[0].columns is None and not run[0].backfill
            full = self._full(run) if whole else None
            rows += self._any(run, aligned=aligned) if full is None else full
        known = self._values_per_row
        if known is not None and all(len(r.body) * 2 < self._max_row_bytes for r in rows):
            self._values_per_row = known * 2
        return rows

    def _full(self, run: Sequence[Frame]) -> list[NewRow] | None:
        """Encode scans of all tags, if all is good and fits as is known so far."""
        if not self.names or any(f.qualities is not None for f in run):
            return None
        t0, offsets = _scan_times(run)
        return self._full_scans.rows(
            [f.values for f in run],
            t0_ms=t0,
            offsets_ms=offsets,
            most_values=self._values_per_row or len(run) * len(self.names),
            most_bytes=self._max_row_bytes + 1,  # the opening brace is not kept
        )

    def _any(self, run: Sequence[Frame], *, aligned: bool) -> list[NewRow]:
        return [
            row
            for piece in self._pieces(run, most_values=self._values_per_row)
            for row in self._fit(piece, aligned=aligned)
        ]

    def _fit(self, run: Sequence[Frame], *, aligned: bool) -> list[NewRow]:
        row = self._row(run, self._tags_of(run[0].columns), aligned=aligned)
        if len(row.body) <= self._max_row_bytes or row.values == 1:
            return [row]
        rows = [r for half in self._halves(run) for r in self._fit(half, aligned=aligned)]
        self._values_per_row = max(r.values for r in rows)
        return rows

    def _row(self, run: Sequence[Frame], tags: Tags, *, aligned: bool) -> NewRow:
        names = tags.names
        t0, offsets = _scan_times(run)
        block: dict[str, Any] = {"t0": t0, "d": self.device, "g": self.group}
        if run[0].backfill:
            block["hist"] = True
        values = [f.values for f in run]
        if aligned:
            block["t"] = offsets
        sampled = None if aligned else Sampled.of(run, tags, t0_ms=t0)
        if sampled is not None:
            block["t"] = sampled.offsets_ms
        qualities = _exceptions(run, names, own_times=not aligned)
        if qualities:
            block["q"] = qualities
        key = "p" if sampled is None and not aligned else "s"
        shape: _Shape = (
            partial(_scan_columns, tags) if aligned else (sampled or OwnTimes(run, tags, t0_ms=t0))
        )
        try:
            block[key] = shape(values)
            body = orjson.dumps(block, option=OPTIONS)
        except TypeError:  # an integer beyond 2^53, bytes, or text that is not Unicode
            values, spoiled = clean_values(values)
            if spoiled:
                _mark_spoiled(block, names, spoiled, own_times=not aligned)
            block[key] = shape(values)
            body = orjson.dumps(block, option=OPTIONS)
        return NewRow(kind_of(block[key]), t0, sum(map(len, values)), body[1:])

    def _pieces(
        self, run: Sequence[Frame], *, most_values: int | None
    ) -> Iterator[Sequence[Frame]]:
        """Cut a run by columns so that no piece has more values; nothing of frames without any.

        Where a column comes twice in a frame, scans are cut first: a tag's values keep their order.
        """
        width = len(run[0].values)
        step = width if most_values is None else max(1, most_values // len(run))
        if step >= width:
            if width:
                yield run
            return
        tags = self._tags_of(run[0].columns)
        step -= step % tags.each if 0 < tags.each <= step else 0  # samples of one tag stay together
        for frames in (run,) if tags.once_each else ([frame] for frame in run):
            for start in range(0, width, step):
                positions = range(start, min(start + step, width))
                yield cut_run(frames, positions, columns=tags.part(positions))

    def _halves(self, run: Sequence[Frame]) -> Iterator[Sequence[Frame]]:
        """Cut a run of more than one value in two: by columns where order stays, or by scans."""
        width = len(run[0].values)
        if width > 1 and (len(run) == 1 or self._tags_of(run[0].columns).once_each):
            return self._pieces(run, most_values=(width + 1) // 2 * len(run))
        middle = len(run) // 2
        return iter((run[:middle], run[middle:]))

    def _runs(self, frames: Sequence[Frame]) -> Iterator[tuple[list[Frame], bool]]:
        """Split frames into runs that can share a row; the flag tells a scan from own times."""
        run: list[Frame] = []
        was_aligned = False
        for frame in frames:
            aligned = self._aligned(frame) if frame.values else True
            if run and (
                aligned != was_aligned
                or frame.columns != run[-1].columns
                or frame.backfill != run[-1].backfill
            ):
                yield run, was_aligned
                run = []
            run.append(frame)
            was_aligned = aligned
        if run:
            yield run, was_aligned

    def _aligned(self, frame: Frame) -> bool:
        """Whether all values of the frame carry one time and no column comes twice."""
        times = frame.times_ns
        if times is not None and (times[0] != times[-1] or times.count(times[0]) < len(times)):
            return False
        return self._tags_of(frame.columns).once_each


def _time_ns(frame: Frame) -> int:
    return frame.read_ns if frame.times_ns is None else frame.times_ns[0]


def _scan_times(run: Sequence[Frame]) -> tuple[int, list[int]]:
    """Give the time of the first scan, in ms, and how much later each one is."""
    t0 = max(0, _time_ns(run[0]) // _MS)  # a device's clock may stand before 1970
    return t0, [_time_ns(f) // _MS - t0 for f in run]


def _scan_columns(tags: Tags, values: Sequence[tuple[Value, ...]]) -> Mapping[str, Sequence[Value]]:
    if len(values) == 1:
        return tags.one_scan(values[0])
    return dict(zip(tags.names, zip(*values, strict=True), strict=True))


def _exceptions(
    run: Sequence[Frame], names: Sequence[str], *, own_times: bool
) -> dict[str, list[list[Any]]]:
    """Say which values are not good: [index in the metric's column, u|b, reason]."""
    if all(f.qualities is None for f in run):
        return {}
    found: dict[str, list[list[Any]]] = {}
    seen: dict[str, int] = {}
    repeated = own_times and len(set(names)) != len(names)
    for scan, frame in enumerate(run):
        reasons = frame.reasons or {}
        marks = frame.qualities or bytes([_GOOD]) * len(names)
        for at, (name, mark) in enumerate(zip(names, marks, strict=True)):
            index = seen.get(name, 0) if repeated else scan
            if repeated:
                seen[name] = index + 1
            if mark != _GOOD:
                letter = "u" if mark == _UNCERTAIN else "b"
                reason = reasons.get(at) or ("Uncertain" if letter == "u" else "Bad")
                found.setdefault(name, []).append([index, letter, reason[:REASON_LENGTH]])
    return found


def _mark_spoiled(
    block: dict[str, Any],
    names: Sequence[str],
    spoiled: Iterable[tuple[int, int, str]],
    *,
    own_times: bool,
) -> None:
    qualities = block.setdefault("q", {})
    repeated = own_times and len(set(names)) != len(names)
    for scan, at, reason in spoiled:
        name = names[at]
        index = scan * names.count(name) + names[:at].count(name) if repeated else scan
        entries = qualities.setdefault(name, [])
        entries[:] = [e for e in entries if e[0] != index]
        entries.append([index, "b", reason])


def join_rows(rows: Sequence[Row], *, gateway: str, epoch: str, clock: str) -> bytes:
    """Join rows of one kind, life and meta version into a message, without decoding them."""
    first = rows[0]
    head = orjson.dumps(
        {
            "v": 1,
            "gw": gateway,
            "ep": epoch if first.life is None else first.life.epoch,
            "seq": min(r.n for r in rows),
            "sent": time.time_ns() // _MS,
            "clk": clock,
            "mv": first.mv,
        }
    )[:-1]
    parts = [head, b',"e":[' if first.kind is Kind.EVENT else b',"b":[']
    for row in rows:
        parts += b'{"n":%d,' % row.n, row.body, b","
    parts[-1] = b"]}"
    return b"".join(parts)


BACKFILL_MARK = b',"hist":true'
"""Found in the head of every row of a device's own history, and in no other row."""
HEAD_BYTES = 256
"""The head of a row is no longer: its time, device and group."""
ENVELOPE_BYTES = 256
"""More than any envelope takes: gateway and epoch are at most 64 and 26 characters."""
IDENTITY_BYTES = 24
"""What a message adds to each row: brace, identity and comma."""
