"""What became of the store since it was last open: compared with its mark, told, and counted.

Whatever has happened, numbers are never given twice in an epoch: in doubt a new life begins.
"""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

from agent.losses.causes import MEDIUM
from agent.store.books import now_ms
from agent.store.events import drop_body, store_body
from agent.store.file import DAMAGED, PAGE_BYTES
from agent.store.heritage import heritage
from agent.store.identity import EPOCH, new_epoch
from agent.store.notes import write_evidence, write_lessons
from agent.store.salvage import SPAN, Progress
from agent.telemetry.status import Count, Message

if TYPE_CHECKING:
    from pathlib import Path

    from agent.store.books import Books
    from agent.store.identity import Identity
    from agent.store.mark import Mark

KEPT_EPOCH = re.compile(f"epoch({EPOCH})".encode())
"""Key and value of the table of identity, side by side as SQLite writes them."""


def begin_salvage(
    books: Books, identity: Identity, mark: Mark | None, *, reason: str, aside: Path
) -> Message:
    """Note in a fresh store that another was set aside, and what is to be salvaged of it."""
    waited = mark.waiting if mark else Count()
    epoch = mark.epoch if mark else ""
    books.tell(store_body("quarantined", reason, waited, t_ms=now_ms(), epoch=epoch))
    if reason == DAMAGED:
        _plan(books, identity, mark, aside)
        kept = heritage(aside)
        write_evidence(books.db, kept.evidence)
        write_lessons(books.db, kept.lessons)
        books.inherit(kept.losses)
        return Message(
            "The store file was damaged. It was set aside (.quarantine) and a new one is in use; "
            "what is sound in it is being brought over.",
            "存储文件已损坏，现已隔离（.quarantine）并启用新文件；完好的数据正在抢救恢复。",
        )
    return Message(
        "The store file was written by a newer version of this program. It was set aside "
        "(.quarantine) and a new one is in use. What waited in it is sent only by that version.",
        "存储文件由更新版本的程序写成，现已隔离（.quarantine）并启用新文件。"
        "其中待发送的数据只有换回新版本才能发出。",
    )


def _plan(books: Books, identity: Identity, mark: Mark | None, aside: Path) -> None:
    lowest = -SPAN
    epoch, old_base, floor, last_seq, expected = "", 0, 1, 0, Count(-1, 0)
    if mark is not None:
        epoch, old_base, last_seq = mark.epoch, mark.base, mark.last_seq
        floor = max(mark.oldest, old_base + 1)  # those of the lives before are counted as lost
        expected = mark.waiting
    epoch = epoch or _epoch_in(aside) or new_epoch(now_ms() - 1)
    progress = Progress(
        epoch, old_base, lowest, floor, 0, 0, 0, expected.rows, expected.values, last_seq
    )
    # seq here = old seq + shift; number = old seq - old base = seq - (shift + old base)
    books.db.execute("INSERT OR REPLACE INTO lives VALUES (0, ?, ?)", (lowest + old_base, epoch))
    identity.salvage = progress.text()


def _epoch_in(aside: Path) -> str:
    """Find the epoch in a damaged file: its table lies among the first pages."""
    with contextlib.suppress(OSError), aside.open("rb") as file:
        found = KEPT_EPOCH.search(file.read(64 * PAGE_BYTES))
        return found[1].decode() if found else ""
    return ""


def compare(books: Books, identity: Identity, mark: Mark | None, *, fresh: bool) -> Message | None:
    """Compare an opened store with its mark; begin a new life where numbers are in doubt."""
    if mark is None or not mark.last_seq:
        return None
    if fresh:
        return _missing(books, mark)
    if mark.epoch != identity.epoch:
        if _was_ours(books, mark):  # the process ended before the mark of the new life
            return None
        return _replaced(books, identity, mark)
    if books.totals.last_seq < mark.last_seq:
        return _rolled_back(books, identity, mark)
    return None


def _was_ours(books: Books, mark: Mark) -> bool:
    query = "SELECT 1 FROM lives WHERE epoch = ? AND last >= ? AND last > 0"
    return books.db.execute(query, (mark.epoch, mark.last_seq)).fetchone() is not None


def _missing(books: Books, mark: Mark) -> Message | None:
    books.tell(store_body("missing", MEDIUM, mark.waiting, t_ms=now_ms(), epoch=mark.epoch))
    if not mark.waiting.rows:
        return None
    books.lost(MEDIUM, mark.waiting)
    gone = (max(1, mark.oldest - mark.base), max(1, mark.last_seq - mark.base))
    books.tell(drop_body(MEDIUM, gone, mark.waiting, t_ms=now_ms(), epoch=mark.epoch))
    return Message(
        f"The store file was gone; {mark.waiting.rows} rows that waited in it are lost.",
        f"存储文件丢失，其中待发送的 {mark.waiting.rows} 行数据已丢失。",
    )


def _replaced(books: Books, identity: Identity, mark: Mark) -> Message:
    last_seq, epoch = books.totals.last_seq, identity.epoch
    _begin_life(books, identity, last_seq)
    books.tell(store_body("replaced", MEDIUM, mark.waiting, t_ms=now_ms(), epoch=mark.epoch))
    return Message(
        f"The store file is another one ({epoch}) than the one last used ({mark.epoch}).",
        f"存储文件（{epoch}）与上次使用的（{mark.epoch}）不是同一个。",
    )


def _rolled_back(books: Books, identity: Identity, mark: Mark) -> Message:
    have, epoch, base = books.totals, identity.epoch, identity.base
    first, last = have.last_seq + 1, mark.last_seq
    rows = min(last - first + 1, max(0, mark.stored.rows - have.stored.rows))
    lost = Count(rows, max(0, mark.stored.values - have.stored.values))
    _begin_life(books, identity, last)
    books.lost(MEDIUM, lost)
    books.tell(drop_body(MEDIUM, (first - base, last - base), lost, t_ms=now_ms(), epoch=epoch))
    return Message(
        f"The disk lost data that was already stored: {rows} rows. Replace the card soon.",
        f"磁盘丢失了已入库的数据：{rows} 行。请尽快更换存储卡。",
    )


def _begin_life(books: Books, identity: Identity, last: int) -> None:
    """End the present life at a seq; the next one has an epoch of its own and counts from 1."""
    books.db.execute(
        "INSERT OR REPLACE INTO lives VALUES (?, ?, ?)", (last, identity.base, identity.epoch)
    )
    if last > books.totals.last_seq:
        books.position.settled.add(books.totals.last_seq + 1, last)
        books.totals = books.totals._replace(last_seq=last)
    identity.begin_life(base=last)
    books.read_lives(identity.epoch, identity.base)
