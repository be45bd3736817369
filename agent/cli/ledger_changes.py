"""How changes of the ledger look: history, findings, imports, and whether the history is whole."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from agent.cli.output import shown, table_lines
from agent.ledger.entry import Source
from agent.ledger.findings import edit_findings, findings
from agent.ledger.history import Batch, History
from agent.ledger.journal import JournalError
from agent.ledger.records import written_of
from agent.telemetry.status import Message

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date
    from pathlib import Path

    from agent.config.ledger import Equipment
    from agent.config.problems import Problem
    from agent.ledger.edit import Edit
    from agent.ledger.entry import BadLine, Change, Checked, Entry
    from agent.ledger.findings import Finding
    from agent.ledger.journal import Journal
    from agent.ledger.records import Declared

DAMAGED = Message(
    en="the history is damaged: see chulian ledger verify",
    zh="变更记录已损坏，请用 chulian ledger verify 查看",
)
_SOURCES = {
    Source.CONFIG: Message(en="configuration file", zh="配置文件"),
    Source.SPREADSHEET: Message(en="spreadsheet", zh="表格导入"),
    Source.PAGE: Message(en="local page", zh="本机页面"),
    Source.JOURNAL: Message(en="history begun anew", zh="另起记录"),
}
_WHY = Message(en="reason: ", zh="原因：")
_UNKNOWN = "—"


def replayed(journal: Journal, known: Checked) -> History:
    """Give the history that a journal's entries tell.

    Raises:
        JournalError: they are whole, but of a program that knows more.
    """
    try:
        return History.of(known.entries)
    except ValueError as error:
        raise JournalError(
            Message(
                en=f"{journal.path}: written by a program newer than this one; update it",
                zh=f"{journal.path}：由更高版本的程序写入，请升级本程序",
            )
        ) from error


def finding_lines(found: Iterable[Finding], *, lang: str) -> list[str]:
    """Give findings as lines, each with its day and code."""
    rows = [[one.day.isoformat(), one.kind.value, one.message.text(lang)] for one in found]
    none = Message(en="nothing an assessor would ask about", zh="没有需要向评估人员说明的变更")
    return table_lines(rows) if rows else [none.text(lang)]


def finding_document(one: Finding) -> dict[str, Any]:
    """Give a finding for programs."""
    return {
        "kind": one.kind.value,
        "id": one.id,
        "day": one.day.isoformat(),
        "message": {"zh": one.message.zh, "en": one.message.en},
    }


def pending_lines(count: int, *, lang: str) -> list[str]:
    """Say how much of the file is not in the history yet."""
    if not count:
        return []
    said = Message(
        en=f"{count} record(s) of the file are not in the history yet: the agent writes them down "
        "when it starts or reloads",
        zh=f"配置文件中有 {count} 条变更尚未记入历史：采集程序启动或重新读取配置时会自动记录",
    )
    return [said.text(lang)]


def pending_batch(history: History, declared: Declared, day: date) -> Batch:
    """Give the edit that is in the file and not in the history yet."""
    last = history.batches[-1]
    entry = replace(last.entries[-1], day=day)
    return Batch((entry,), last.after, declared)


def check_document(
    warnings: Sequence[Problem], found: Sequence[Finding], bad: BadLine | None, *, pending: int
) -> dict[str, Any]:
    """Give what a check found, for programs."""
    return {
        "problems": [one.as_dict() for one in warnings],
        "findings": [finding_document(one) for one in found],
        "history": bad_document(bad),
        "pending": pending,
    }


def bad_document(bad: BadLine | None) -> dict[str, Any] | None:
    """Give the first damaged line for programs; None where there is none."""
    if bad is None:
        return None
    return {"line": bad.number, "why": {"zh": bad.why.zh, "en": bad.why.en}}


def history_lines(history: History, bad: BadLine | None, *, zone: str, lang: str) -> list[str]:
    """Give every edit: when, who, which way, and each record with what changed in it."""
    if not history.batches and bad is None:
        none = Message(en="no history yet: it begins when the agent starts, or with an import",
                       zh="还没有变更记录：采集程序启动或导入台账后开始记录")  # fmt: skip
        return [none.text(lang)]
    found = []
    for batch in history.batches:
        when = datetime.fromtimestamp(batch.at_ms / 1000, ZoneInfo(zone))
        found.append(
            f"{when:%Y-%m-%d %H:%M}  {shown(batch.who)}  {_SOURCES[batch.source].text(lang)}"
        )
        if batch.note:
            found.append(f"  {_WHY.text(lang)}{shown(batch.note)}")
        found += [f"  {line}" for line in table_lines([_entry_row(e) for e in batch.entries])]
    if bad is not None:
        found.append(bad_text(bad).text(lang))
    return found


def _entry_row(entry: Entry) -> list[str]:
    return change_row(entry.kind.value if entry.kind else "journal", entry.id, entry.before,
                      entry.after)  # fmt: skip


def change_row(
    kind: str, id_: str, before: dict[str, Any] | None, after: dict[str, Any] | None
) -> list[str]:
    """Give one record's change as cells: sign, kind, id, what differs."""
    if before is None or after is None:
        sign = "+" if before is None else "-"
        name = str((after or before or {}).get("name", ""))
        return [sign, kind, id_, name]
    keys = [key for key in sorted({*before, *after}) if before.get(key) != after.get(key)]
    arrow = "; ".join(f"{k}: {_short(before.get(k))} → {_short(after.get(k))}" for k in keys)
    return ["~", kind, id_, arrow]


def _short(value: Any) -> str:
    if value is None:
        return _UNKNOWN
    if isinstance(value, list):
        return ",".join(map(_short, value)) if all(isinstance(x, str) for x in value) else "[…]"
    return "{…}" if isinstance(value, dict) else str(value)


def history_document(history: History, bad: BadLine | None) -> dict[str, Any]:
    """Give the history for programs: the entries as they stand in the journal, and findings."""
    return {
        "entries": [
            {"seq": e.seq, "at_ms": e.at_ms, "day": e.day.isoformat(), "who": e.who,
             "source": e.source.value, "kind": e.kind.value if e.kind else None, "id": e.id,
             "before": e.before, "after": e.after, "hash": e.hash}
            for batch in history.batches for e in batch.entries
        ],
        "findings": [finding_document(one) for one in findings(history)],
        "damaged": bad_document(bad),
    }  # fmt: skip


def bad_text(bad: BadLine) -> Message:
    """Say which line cannot be believed, and why."""
    return Message(en=f"line {bad.number}: {bad.why.en}", zh=f"第 {bad.number} 行：{bad.why.zh}")


def verify_lines(path: Path, known: Checked, kept: Path | None, *, lang: str) -> list[str]:
    """Say whether the history is whole."""
    if known.bad is None:
        good = Message(
            en=f"{path}: whole, {len(known.entries)} entries; last hash {known.last_hash}",
            zh=f"{path}：完整，共 {len(known.entries)} 条；末条校验值 {known.last_hash}",
        )
        return [good.text(lang)]
    found = [f"{path}: {bad_text(known.bad).text(lang)}"]
    rest = Message(
        en=f"the {len(known.entries)} entries before it are whole",
        zh=f"此前的 {len(known.entries)} 条完整",
    )
    found.append(rest.text(lang))
    if kept is not None:
        moved = Message(en=f"kept as {kept}; a new history has begun",
                        zh=f"原文件保留为 {kept}，已另起新的记录")  # fmt: skip
        found.append(moved.text(lang))
    return found


def verify_document(path: Path, known: Checked, kept: Path | None) -> dict[str, Any]:
    """Give the same for programs."""
    return {
        "file": str(path),
        "entries": len(known.entries),
        "last_hash": known.last_hash,
        "damaged": bad_document(known.bad),
        "kept_as": None if kept is None else str(kept),
    }


def edit_findings_of(edit: Edit, day: date, ever: Iterable[Equipment]) -> tuple[Finding, ...]:
    """Give what an assessor will ask about an edit; `ever` holds the machines of the past."""
    return edit_findings(edit.before, edit.after, day=day, ever=ever)


def import_lines(edit: Edit, found: Sequence[Finding], *, written: bool, lang: str) -> list[str]:
    """Say what an import changes, or would change."""
    if not edit.changes:
        return [Message(en="nothing changes", zh="没有变化").text(lang)]
    rows = [_change_row(one) for one in edit.changes]
    done = Message(
        en=f"{edit.path}: {len(rows)} record(s) changed; in force after systemctl reload chulian",
        zh=f"{edit.path}：已修改 {len(rows)} 条；执行 systemctl reload chulian 后生效",
    )
    dry = Message(en=f"{edit.path}: {len(rows)} record(s) would change; nothing was written",
                  zh=f"{edit.path}：将修改 {len(rows)} 条；未写入")  # fmt: skip
    shown = finding_lines(found, lang=lang) if found else []
    return [*table_lines(rows), *shown, (done if written else dry).text(lang)]


def _change_row(one: Change) -> list[str]:
    kind, id_ = one.key or ("", "")
    return change_row(str(kind), id_, one.before, one.after)


def import_document(edit: Edit, found: Sequence[Finding], *, written: bool) -> dict[str, Any]:
    """Give the same for programs."""
    return {
        "file": str(edit.path),
        "written": written,
        "changes": [
            {"kind": str(one.key[0]), "id": one.key[1], "before": one.before, "after": one.after}
            for one in edit.changes
            if one.key is not None
        ],
        "findings": [finding_document(one) for one in found],
        "problems": [one.as_dict() for one in edit.warnings],
        "enterprise": written_of(edit.after.enterprise),
    }
