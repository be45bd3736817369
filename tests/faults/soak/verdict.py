"""The books of a soak: nothing lost, altered or out of order, and every hole was told."""

from __future__ import annotations

from itertools import pairwise

from faults.delivered import disorder
from faults.soak.plant import POLL_S
from system.loads import INTERVAL_S

TOLERATED_MS = 3 * POLL_S * 1000
"""Between two polls that were made; a poll left out is to be told."""
NEAR_MS = 5000
"""How far a span that was told may end before or after what is missing."""
ASTRAY_MS = 10_000
"""Between what the machine's own counter says of a value and its time: read, answer, clock."""
MODULUS = 65_536


def unannounced(holes, spans):
    """Give the holes (from ms, to ms) of which no span tells, or only in part."""
    told = joined((first - NEAR_MS, last + NEAR_MS) for first, last in spans)
    return [
        (first, last) for first, last in holes
        if not any(start <= first and last <= end for start, end in told)
    ]  # fmt: skip


def joined(spans):
    """Join spans that overlap, in order."""
    found = []
    for first, last in sorted(spans):
        if found and first <= found[-1][1]:
            found[-1][1] = max(found[-1][1], last)
        else:
            found.append([first, last])
    return found


def late(samples):
    """Give the spans between polls that lie too far apart."""
    return [(one, other) for one, other in pairwise(sorted(samples)) if other - one > TOLERATED_MS]


def skipped(changes):
    """Give the spans between changes that do not follow each other, as a counter tells.

    In the order in which they were stored: by the time of receipt, where the gateway's clock was
    wrong, two changes may bear one time, and stand before others that bear the server's.
    """
    return [
        (min(one_ms, other_ms), max(one_ms, other_ms))
        for (*_, one_ms, one), (*_, other_ms, other) in pairwise(sorted(changes))
        if other != one + 1
    ]


def astray_ms(samples):
    """Give by how much times differ at most from what the machine's counter of them says."""
    circle_ms = MODULUS * INTERVAL_S * 1000
    offsets = [time_ms - value * INTERVAL_S * 1000 for time_ms, value in samples.items()]
    apart = [(each - offsets[0] + circle_ms / 2) % circle_ms for each in offsets]
    return max(apart) - min(apart)


def out_of_order(account, broker_kills):
    """Give rows that came after later ones of their device, but for what a killed broker lost.

    Such a row was stored when the broker died, and came, sent again, after that.
    """
    first_come = {}
    for at, message in enumerate(account.messages):
        for row in message.body.get("b", ()):
            first_come.setdefault((message.body["ep"], row["n"]), at)
    return [
        (key, number, highest)
        for key, number, highest in disorder(account)
        if not any(
            number[1] <= kill.number and kill.messages <= first_come[number]
            for kill in broker_kills
        )
    ]


def judge(account, law, broker_kills, *, until_ms):
    """Hold what arrived against the closed store and the machines; give figures for the report.

    `until_ms`: what is missing after it may be told in rows that still wait.
    """
    books = account.books()
    numbers = {n for _, _, n in books.rows}
    assert len({epoch for _, epoch, _ in books.rows}) == 1, "the store was begun anew"
    assert (books.holes, books.altered) == ([], 0)
    assert law["dropped"]["rows"] == law["rejected"]["rows"] == 0
    acked, stored, waiting = (law[name]["rows"] for name in ("acked", "stored", "waiting"))
    assert stored == acked + waiting
    assert acked <= len(numbers) <= stored
    assert out_of_order(account, broker_kills) == []
    modbus, opcua = account.samples["counter"], account.changes["opcua"]
    found = {"counter": late(modbus), "opcua": skipped(opcua)}
    holes = {name: [span for span in spans if span[1] <= until_ms] for name, spans in found.items()}
    told = {name: account.spans[name] + account.spans[None] for name in holes}
    untold = {name: unannounced(holes[name], told[name]) for name in holes}
    assert untold == {name: [] for name in holes}, (untold, told)
    assert account.mixed == 0, "values of different moments in one scan"
    assert astray_ms(modbus) <= ASTRAY_MS
    return {
        "rows": len(numbers),
        "stored rows lost": len(set(range(1, acked + 1)) - numbers),
        "repeats, removed by id": books.duplicates,
        "holes, all told": sum(map(len, holes.values())),
    }
