"""Whether the ledger's journal is the one that the digests of the days were sealed with. Pure.

A digest holds the hash of the journal's last entry at its time. So the journal must know every such
hash, in the order of the digests. An entry that bears a day which had been sealed before it was
written is a remark: a gateway whose clock starts in the past notes edits so, and the order of the
chain, which no clock makes, still tells when it was written. Digests of the first form hold no
hash and say nothing. A journal that follows a damaged one names it in its first entry; what was
sealed before that cannot be held against it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Final

from agent.kpi.digest import Digest
from agent.ledger.entry import START, Source, checked
from agent.proof import canonical, members
from agent.proof.findings import Code, finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from agent.ledger.entry import Entry
    from agent.proof.findings import Finding

_SHOWN: Final = 16
_ONE_DAY: Final = timedelta(days=1)


def held_against(lines: Iterable[bytes], entries: Sequence[Entry]) -> list[Finding]:
    """Give the first digest that was sealed with another journal; the chains must be whole."""
    before = 0
    for nr, one, place in _bound(lines, entries):
        if place is None or place < before:
            seen = f"{one.day}, {one.journal[:_SHOWN]}…"
            return [finding(Code.JOURNAL_DIGEST, members.DIGESTS, line=nr, seen=seen)]
        before = place
    return []


def backdated(lines: Iterable[bytes], entries: Sequence[Entry]) -> tuple[Finding, ...]:
    """Give a remark for each edit of a day that had been sealed before it was written."""
    late = (one for one in _after(lines, entries) if one[1].day <= one[2])
    edits = groupby(late, key=lambda one: (one[1].at_ms, one[1].day, one[2]))
    return tuple(
        finding(Code.JOURNAL_BACKDATED, members.JOURNAL,
                line=next(one)[0], seen=f"{day} ≤ {sealed}")
        for (_, day, sealed), one in edits
    )  # fmt: skip


def dated(lines: Iterable[bytes], entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Give the entries; one of a day sealed before bears the first on which it can be written."""
    return tuple(
        replace(entry, day=sealed + _ONE_DAY) if entry.day <= sealed else entry
        for _, entry, sealed in _after(lines, entries)
    )


def remarks_on(held: Mapping[str, bytes]) -> tuple[Finding, ...]:
    """Give the remarks on a file's journal, as far as journal and digests can be believed."""
    lines = canonical.split(held[members.JOURNAL])
    entries = checked(line.decode(errors="replace") for line in lines).entries
    return backdated(canonical.split(held[members.DIGESTS]), entries)


def _after(lines: Iterable[bytes], entries: Sequence[Entry]) -> Iterator[tuple[int, Entry, date]]:
    """Yield each entry with its number and the last day that was sealed before it was written."""
    sealed: dict[int, date] = {}
    for _, one, place in _bound(lines, entries):
        if place is not None:
            sealed[place] = max(one.day, sealed.get(place, one.day))
    newest = date.min
    for known, entry in enumerate(entries):
        newest = max(newest, sealed.get(known, newest))
        yield known + 1, entry, newest


def _bound(
    lines: Iterable[bytes], entries: Sequence[Entry]
) -> Iterator[tuple[int, Digest, int | None]]:
    """Yield the digests that bind this journal: number, digest, entries it knew (None: others)."""
    places = {START: 0} | {one.hash: nr for nr, one in enumerate(entries, 1)}
    begins_ms = entries[0].at_ms if entries and entries[0].source is Source.JOURNAL else 0
    begun = False
    for nr, line in enumerate(lines, 1):
        try:
            one = Digest.of_line(line)
        except ValueError:  # a finding of its own
            return
        place = places.get(one.journal)
        if not one.journal or (not begun and not place and one.sealed_ms <= begins_ms):
            continue
        begun = begun or bool(place)
        yield nr, one, place
