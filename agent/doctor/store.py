"""The store: asked of the running agent, or read from the file that no agent has open."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from agent.doctor.finding import NOTHING, SUPPLIER, Finding, Level
from agent.losses.causes import CAUSES, title_of
from agent.losses.spans import LossSpan, totals_by_cause
from agent.store.books import Books
from agent.store.inspect import open_closed
from agent.store.mark import read_mark
from agent.store.outbox import StoreError, StoreLocked
from agent.telemetry.status import Count, Message

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

OLD_BACKLOG_S: Final = 3600
RECENT_S: Final = 86_400
"""Losses that ended longer ago are not worth a finding."""
_CARD: Final = Message("Replace the card soon.", "请尽快更换存储卡。")
_PLATFORM: Final = Message("See what is said of the platform.", "请看平台一项的说明。")


def of_file(path: Path) -> list[Finding]:
    """Look at a store that no agent has open: its law, its mark, its backlog, its losses."""
    where = str(path)
    if not path.exists():
        seen = Message("there is none yet", "尚未建立")
        return [Finding("store", Level.OK, where, seen)]
    try:
        with open_closed(path) as connection:
            known = dict(connection.execute("SELECT key, value FROM identity"))
            epoch = known.get("epoch", "")
            books = Books(connection, epoch=epoch, base=int(known.get("base", 0)))
            row = connection.execute("SELECT t_ms FROM rows WHERE seq = ?", (books.oldest(),))
            oldest = row.fetchone()
    except StoreLocked as error:
        todo = Message(
            "An agent seems to run, and its page does not answer: switch http on, or look at "
            "`systemctl status chulian`.",
            "似乎有采集程序在运行，但状态页没有应答：请启用 http，"
            "或查看 `systemctl status chulian`。",
        )
        return [Finding("store_locked", Level.AWAY, where, Message(str(error), error.zh), todo)]
    except StoreError as error:
        return [Finding("store", Level.BAD, where, Message(str(error), error.zh), SUPPLIER)]
    t = books.totals
    balanced = t.stored == sum((t.acked, t.rejected, t.dropped, t.waiting), Count())
    mark = read_mark(path)
    behind = 0
    if mark is not None and mark.epoch == epoch:
        behind = max(0, mark.last_seq - t.last_seq)
    return [
        _law(where, balanced=balanced),
        _mark(where, behind),
        _backlog(where, rows=t.waiting.rows, oldest_ms=oldest[0] if oldest else None),
        *_losses(where, books.losses.spans),
    ]


def of_agent(store: dict[str, Any], losses: Sequence[LossSpan], *, where: str) -> list[Finding]:
    """Look at what the running agent says of its store."""
    findings = [
        _law(where, balanced=store["balanced"]),
        _backlog(where, rows=store["waiting"]["rows"], oldest_ms=store["oldest_ms"]),
        *_losses(where, losses),
    ]
    for code in ("problem", "notice"):
        if store[code] is not None:
            level = Level.BAD if code == "problem" else Level.WARN
            findings.append(Finding(f"store_{code}", level, where, Message(**store[code])))
    return findings


def _law(where: str, *, balanced: bool) -> Finding:
    if balanced:
        seen = Message("the account adds up", "账平")
        return Finding("store_law", Level.OK, where, seen)
    seen = Message("the account does not add up", "账不平")
    return Finding("store_law", Level.BAD, where, seen, SUPPLIER)


def _mark(where: str, behind: int) -> Finding:
    if not behind:
        seen = Message("nothing stored was lost by the medium", "介质没有丢失已入库的数据")
        return Finding("store_mark", Level.OK, where, seen)
    seen = Message(f"the medium lost {behind} stored rows", f"介质丢失了 {behind} 行已入库的数据")
    return Finding("store_mark", Level.BAD, where, seen, _CARD)


def _backlog(where: str, *, rows: int, oldest_ms: int | None) -> Finding:
    age_s = 0 if oldest_ms is None else max(0, time.time_ns() // 1_000_000 - oldest_ms) // 1000
    seen = Message(f"{rows} rows wait, the oldest for {age_s} s",
                   f"待发送 {rows} 行，最早的已等 {age_s} 秒")  # fmt: skip
    old = age_s > OLD_BACKLOG_S
    return Finding("store_backlog", Level.WARN if old else Level.OK, where, seen,
                   _PLATFORM if old else NOTHING)  # fmt: skip


def _losses(where: str, spans: Sequence[LossSpan]) -> list[Finding]:
    """Give one finding for each cause that took something within a day."""
    now_ms = time.time_ns() // 1_000_000
    recent = [s for s in spans if not s.dated or s.to_ms > now_ms - RECENT_S * 1000]
    findings = []
    for code, (times, amount) in totals_by_cause(recent).items():
        cause = CAUSES.get(code)
        if cause is None or not cause.lost:
            continue
        title = title_of(code)
        much = f"{amount} {cause.unit.value}" if amount else f"{times} x"
        seen = Message(f"missing: {title.en}, {much}", f"缺失：{title.zh}，{much}")
        devices = ", ".join(sorted({s.device for s in recent if s.cause == code and s.device}))
        findings.append(Finding(f"loss_{code}", Level.WARN, devices or where, seen, cause.todo))
    return findings
