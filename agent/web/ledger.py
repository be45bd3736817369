"""The ledger for everybody to see: enterprise, processes, machines, and who changed what last.

Reads only. Names may be anything a person typed; all of it is escaped like every text.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from agent.ledger.entry import checked
from agent.ledger.journal import Journal, JournalError, journal_path
from agent.ledger.naming import title_of
from agent.ledger.records import Declared
from agent.ledger.sheets import CONTROL_TYPES
from agent.web import rate_words, words
from agent.web.markup import Markup, join, tag

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from agent.config.ledger import Equipment, Process
    from agent.config.model import AgentConfig
    from agent.ledger.entry import Checked, Entry
    from agent.telemetry.status import Message
    from agent.web.view import View

SHOWN_EDITS: Final = 20
MOST_JOURNAL_BYTES: Final = 20_000_000
"""A longer journal is not read for a page; `chulian ledger` reads it."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The ledger in force and its journal."""

    declared: Declared
    journal: Checked


def seen(config: AgentConfig) -> Shown:
    """Give the ledger of a running agent; a journal that cannot be read counts as empty."""
    path = journal_path(config.store.path)
    try:
        known = path.stat()
        small = known.st_size <= MOST_JOURNAL_BYTES
        journal = _journal(path, known.st_mtime_ns, known.st_size) if small else checked(())
    except (OSError, JournalError):
        journal = checked(())
    return Shown(Declared.of(config), journal)


@lru_cache(maxsize=1)
def _journal(path: Path, mtime_ns: int, size: int) -> Checked:
    """Read a journal once as long as it stays the same."""
    del mtime_ns, size  # they tell one state of the file from another
    return Journal(path).read()


def ledger(shown: Shown | None, view: View, *, edits: bool) -> Markup:
    """Make the content of the page; without a ledger, how to come by one.

    `edits` tells whether it can be edited here, by those who log in.
    """
    how = tag("p", tag("a", view.say(rate_words.EDIT_HERE), href="/ledger/edit")) if edits else None
    if shown is None or not (shown.declared.processes or shown.declared.equipment):
        return tag("div", tag("p", view.say(rate_words.NO_LEDGER)), how, class_="law")
    declared = shown.declared
    return join(
        (
            _enterprise(declared, view),
            _section(rate_words.PROCESSES, view, _processes(declared.processes, view)),
            _section(rate_words.EQUIPMENT, view, _machines(declared.equipment, view)),
            _section(rate_words.EDITS, view, _edits(shown.journal, view)),
            how,
            tag("p", view.say(rate_words.HOW_TO_EDIT), class_="small"),
        )
    )


def _section(title: Message, view: View, body: Markup) -> Markup:
    return tag("section", tag("h2", view.say(title)), body)


def _enterprise(declared: Declared, view: View) -> Markup:
    one = declared.enterprise
    facts = (one.uscc, one.region, one.park, one.industry, one.chain, one.cluster)
    body = tag(
        "div",
        tag("h3", one.name or one.id),
        tag("p", " · ".join(filter(None, facts)), class_="small"),
        class_="law",
    )
    return _section(rate_words.ENTERPRISE, view, body)


def _table(titles: Iterable[Message], rows: Iterable[Markup], view: View) -> Markup:
    head = tag("tr", *(tag("th", view.say(title), scope="col") for title in titles))
    return tag("table", tag("thead", head), tag("tbody", *rows), class_="machines ledger")


def _processes(processes: Iterable[Process], view: View) -> Markup:
    rows = (
        tag("tr", _named(one.id, one.name), tag("td", _counts(one, view)))
        for one in processes
    )  # fmt: skip
    return _table((rate_words.NAME, rate_words.COUNTS), rows, view)


def _counts(process: Process, view: View) -> str:
    """Say whether a process counts, and when."""
    text = view.say(rate_words.IS_KEY if process.key else rate_words.NO_KEY)
    if process.outsourced:
        text = view.say(rate_words.OUTSOURCED, who=process.outsourced)
    span = _span(process.valid_from, process.valid_to)
    return f"{text} {span}".strip()


def _machines(equipment: Iterable[Equipment], view: View) -> Markup:
    titles = (words.MACHINE, rate_words.CONTROL, rate_words.RUNS)
    return _table(titles, (_machine(one, view) for one in equipment), view)


def _machine(one: Equipment, view: View) -> Markup:
    plate = " ".join(filter(None, (one.maker, one.model, one.serial)))
    device = view.say(rate_words.DEVICE) + view.say(words.COLON) + one.device if one.device else ""
    timed = [link.process for link in one.links]
    return tag(
        "tr",
        _named(one.id, one.name, plate),
        tag("td", _control(one, view), tag("small", one.controller) if one.controller else None),
        tag("td", ", ".join([*one.processes, *timed]), tag("small", device) if device else None,
            tag("small", _span(one.in_service_from, one.in_service_to))),
    )  # fmt: skip


def _control(one: Equipment, view: View) -> str:
    return CONTROL_TYPES[one.control_type] if view.language == "zh" else one.control_type.value


def _named(id_: str, name: str, more: str = "") -> Markup:
    return tag("td", tag("b", f"{id_} {name}".strip()), tag("small", more) if more else None)


def _span(first: object, last: object) -> str:
    return f"{first or ''} – {last or ''}" if first or last else ""


def _edits(journal: Checked, view: View) -> Markup:
    """List the latest entries, the newest first, and say where the journal is damaged."""
    damaged = None
    if journal.bad is not None:
        text = view.say(rate_words.DAMAGED, line=journal.bad.number, why=view.say(journal.bad.why))
        damaged = tag("p", text, class_="problem")
    entries = journal.entries[-SHOWN_EDITS:]
    items = [tag("li", *_edit(entry, view)) for entry in reversed(entries)]
    nothing = tag("p", view.say(rate_words.NO_EDITS), class_="small")
    body = tag("ul", *items, class_="changes") if items else nothing
    return tag("div", damaged, body, class_="law")


def _edit(entry: Entry, view: View) -> tuple[Markup | None, ...]:
    source = rate_words.SOURCES.get(entry.source.value)
    head = f"{entry.seq} · {entry.day} · {entry.who} · {view.say(source) if source else ''}"
    kind = rate_words.KINDS[entry.kind.value] if entry.kind else None
    what = f"{view.say(kind) if kind else ''} {entry.id}".strip()
    return (
        tag("b", f"{what}{view.say(words.COLON)}{_done(entry, view)} "),
        tag("span", head, class_="small"),
        tag("p", view.say(rate_words.REASON, note=entry.note)) if entry.note else None,
    )


def _done(entry: Entry, view: View) -> str:
    """Say what an entry did to its record."""
    if entry.before is None:
        return view.say(rate_words.ADDED)
    if entry.after is None:
        return view.say(rate_words.REMOVED)
    fields = sorted(
        name
        for name in {*entry.before, *entry.after}
        if entry.before.get(name) != entry.after.get(name)
    )
    lang = view.language
    named = [title_of(entry.kind, name, lang) if entry.kind else name for name in fields]
    return view.say(rate_words.CHANGED_FIELDS, fields=view.say(words.LIST_COMMA).join(named))
