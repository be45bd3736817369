"""The journal held against the digests: no declaration can be rewritten once its day is sealed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta

import pytest
from proof import intact, recompute
from unit.agent.proof.conftest import at_ms
from unit.agent.proof.forging import resigned

from agent.cli.main import main
from agent.cli.proof_text import print_verdict, verdict_document
from agent.kpi.calendar import ShopCalendar
from agent.kpi.digest import DigestChain
from agent.kpi.digest import verify as verify_chain
from agent.kpi.signing import KeyInHand
from agent.ledger.entry import START, Source, checked
from agent.ledger.journal import Journal
from agent.ledger.records import Declared
from agent.proof import members
from agent.proof.archive import unpack
from agent.proof.build import build, data_members
from agent.proof.sealed_ledger import backdated, held_against
from agent.proof.verify import verify

ONE = timedelta(days=1)
FIRST, LAST = date(2026, 7, 3), date(2026, 7, 10)


class Book:
    """A journal that is edited, and a chain of digests that is sealed meanwhile."""

    def __init__(self, path, material, key):
        self.journal, self.config, self.chain = Journal(path), material.config, DigestChain()
        self._days, self._key = material.days, KeyInHand(key)

    def edit(self, day, machines):
        """Declare so many machines of the shop on a day."""
        ledger = self.config.model_copy(update={"equipment": self.config.equipment[:machines]})
        self.journal.record(
            Declared.of(ledger), at_ms=at_ms(day, 9), day=day, who="王工", source=Source.CONFIG
        )

    def seal(self, day, *, journal=None):
        """Seal all that is due when this day is, with the journal as it is then."""
        self.chain.seal_due(
            [one for one in self._days if one.day <= day], now_ms=at_ms(day + 2 * ONE, 12),
            calendar=ShopCalendar.of(self.config), key=self._key,
            journal=self.journal.read().last_hash if journal is None else journal,
        )  # fmt: skip

    def findings(self):
        """Give code and line of what does not hold, as the program and the script see it."""
        return self._agreed(held_against, intact.wrong_journal)

    def remarks(self):
        """Give code and line of what is worth a remark, as the program and the script see it."""
        return self._agreed(backdated, intact.backdated)

    def _agreed(self, look, look_again):
        found = look(self.chain.lines(), checked(self.journal.lines()).entries)
        own = look_again(
            {
                "digests.jsonl": b"\n".join(self.chain.lines()),
                "journal.jsonl": "\n".join(self.journal.lines()).encode(),
            }
        )
        assert [f"{one.member} line {one.line}" for one in found] == [
            one.partition(":")[0] for one in own
        ]
        return [(one.code.value, one.line) for one in found]


@pytest.fixture
def book(tmp_path, material, key):
    """Give a journal without entries, and nothing sealed."""
    return Book(tmp_path / "shop.ledger.jsonl", material, key)


@pytest.fixture
def sealed(book):
    """The ledger was declared on the 3rd and edited on the 10th; sealed day by day."""
    book.edit(FIRST, 3)
    for number in range(7):
        book.seal(date(2026, 7, 1) + number * ONE)
    book.edit(LAST, 5)
    book.seal(LAST)
    return book


def test_a_ledger_edited_between_digests_holds(sealed):
    """Each digest knows the journal as it was; later edits of later days are no fault."""
    assert len(sealed.chain.lines()) > 7
    assert (sealed.findings(), sealed.remarks()) == ([], [])
    sealed.edit(LAST + 3 * ONE, 4)
    assert (sealed.findings(), sealed.remarks()) == ([], [])


def test_a_journal_written_anew_is_found(sealed, tmp_path):
    """A journal of its own sound chain, but of another history, is not the one that was sealed."""
    sealed.journal = Journal(tmp_path / "new.jsonl")
    sealed.edit(FIRST, 2)
    sealed.edit(LAST, 5)
    assert sealed.findings() == [("journal_digest", 1)]


def test_an_edit_taken_off_the_end_is_found(sealed):
    """The last digests know an entry that is gone."""
    lines = sealed.journal.lines()
    sealed.journal.path.write_text("".join(f"{line}\n" for line in lines[:-1]), "utf-8")
    ((code, _),) = sealed.findings()
    assert code == "journal_digest"


def test_an_edit_of_a_sealed_day_is_remarked(sealed):
    """A clock a day, or decades, slow makes one remark an edit, and a fault of none."""
    known = len(sealed.journal.lines())
    sealed.edit(LAST - 2 * ONE, 2)
    second = len(sealed.journal.lines())
    sealed.edit(date(2000, 1, 1), 5)
    assert sealed.findings() == []
    assert sealed.remarks() == [
        ("journal_backdated", known + 1),
        ("journal_backdated", second + 1),
    ]
    after = len(sealed.journal.lines())
    sealed.seal(LAST + ONE)
    sealed.edit(LAST + 4 * ONE, 3)
    assert (sealed.findings(), len(sealed.remarks())) == ([], 2)
    assert len(sealed.journal.lines()) > after


def test_a_history_rewritten_under_an_early_day_is_still_found(sealed, tmp_path):
    """A slow clock excuses the day of an edit, never another history."""
    sealed.journal = Journal(tmp_path / "new.jsonl")
    sealed.edit(date(2000, 1, 1), 5)
    assert sealed.findings() == [("journal_digest", 1)]


def test_digests_of_the_first_form_say_nothing(book):
    """A chain that begins without the hash stays valid, may go on with it, and not without."""
    book.edit(FIRST, 3)
    book.seal(LAST, journal="")
    assert b"journal" not in b"".join(book.chain.lines())
    book.seal(LAST + ONE)
    assert (book.findings(), verify_chain(book.chain.lines())) == ([], None)
    count = len(book.chain.lines())
    book.seal(LAST + 2 * ONE, journal="")
    assert verify_chain(book.chain.lines()).nr == count + 1


def test_a_journal_that_follows_a_damaged_one_answers_for_its_own_days(sealed):
    """What was sealed before it cannot be held against it; what is sealed from then on is."""
    sealed.journal.path.write_bytes(sealed.journal.path.read_bytes() + b"torn")
    after = LAST + 3 * ONE
    assert sealed.journal.set_aside(at_ms=at_ms(after, 9), day=after, who="王工") is not None
    sealed.edit(after, 5)
    sealed.seal(after)
    assert (sealed.findings(), sealed.remarks()) == ([], [])
    sealed.seal(after + ONE, journal="ab" * 32)
    assert sealed.findings() == [("journal_digest", len(sealed.chain.lines()))]


def test_days_may_be_sealed_before_there_is_a_ledger(book):
    """64 zeros stand for a journal without entries."""
    book.seal(date(2026, 7, 1))
    assert json.loads(book.chain.lines()[0])["journal"] == START
    book.edit(LAST, 5)
    assert (book.findings(), book.remarks()) == ([], [])


def test_a_whole_file_is_held_against_its_digests(sealed, material, key, tmp_path):
    """With its true journal a file is sound; with another it is not, though every hash is right."""
    journal = tuple(line.encode() for line in sealed.journal.lines())
    raw = build(replace(material, digests=sealed.chain.lines(), journal=journal), key)
    assert verify(raw).findings == ()
    assert intact.wrong_journal(unpack(raw, members.MEMBERS).members) == []
    other = Book(tmp_path / "other.jsonl", material, key)
    other.edit(FIRST, 2)
    text = "".join(f"{line}\n" for line in other.journal.lines()).encode()
    forged = resigned(raw, key, journal_jsonl=lambda _: text)
    (line,) = intact.wrong_journal(unpack(forged, members.MEMBERS).members)
    assert "sealed with another journal" in line
    found = verify(forged).findings
    assert "journal_digest" in {one.code.value for one in found}


def test_a_slow_clock_hides_no_edit_from_those_who_ask(sealed, material):
    """A key process taken out under a day of 2000 is asked about in this period, all the same."""
    fewer = sealed.config.model_copy(update={"processes": sealed.config.processes[:1]})
    slow = date(2000, 1, 1)
    sealed.journal.record(
        Declared.of(fewer), at_ms=at_ms(slow, 9), day=slow, who="王工", source=Source.CONFIG
    )
    journal = tuple(line.encode() for line in sealed.journal.lines())
    told = {}
    for digests in (sealed.chain.lines(), ()):
        held = data_members(replace(material, digests=digests, journal=journal))
        found = json.loads(held[members.RESULT])["ledger_findings"]
        told[bool(digests)] = [(one["code"], one["day"]) for one in found]
    after = (LAST + ONE).isoformat()
    assert ("key_process_removed", after) in told[True]
    assert "key_process_removed" not in {code for code, _ in told[False]}


def test_an_edit_by_a_slow_clock_is_told_and_the_file_is_sound(
    sealed, material, key, tmp_path, capsys
):
    """Report, `--verify`, its JSON and the script all tell it; each ends with 0."""
    known = len(sealed.journal.lines())
    sealed.edit(date(2000, 1, 1), 3)
    journal = tuple(line.encode() for line in sealed.journal.lines())
    raw = build(replace(material, digests=sealed.chain.lines(), journal=journal), key)
    verdict = verify(raw)
    document = verdict_document(verdict)
    assert (document["sound"], document["findings"]) == (True, [])
    assert [(one["code"], one["line"]) for one in document["remarks"]] == [
        ("journal_backdated", known + 1)
    ]
    pages = unpack(raw, members.MEMBERS).members
    for lang, entry, words in (
        ("en", "Entry", ("sound: every hash", "1 remark(s)", "clock was slow")),
        ("zh", "台账修改记录第", ("核验通过：", "提示 1 条", "网关时钟偏慢")),
    ):
        print_verdict(verdict, lang=lang)
        printed = capsys.readouterr().out
        assert all(word in printed for word in words)
        page = pages[f"report.{lang}.html"].decode()
        assert all(word in page for word in (entry, words[2], "[journal_backdated]"))
    file = tmp_path / "evidence.zip"
    file.write_bytes(raw)
    assert main(["rate", "--verify", str(file)]) == 0
    assert recompute.main(file) == 0
    assert f"REMARK journal.jsonl line {known + 1}" in capsys.readouterr().out


def as_version(number):
    """Give what makes a manifest one of another version, without the size."""

    def changed(manifest):
        document = json.loads(manifest)
        del document["size"]
        text = json.dumps(
            document | {"version": number}, ensure_ascii=False, sort_keys=True, indent=1
        )
        return text.encode() + b"\n"

    return changed


def test_a_file_of_the_first_version_is_still_read(raw, key):
    """Its reports, made anew, bear another version; nothing else is told. Of a third, nothing."""
    older = verify(resigned(raw, key, manifest_json=as_version(1)))
    assert older.header["version"] == 1
    assert {one.code.value for one in older.findings} == {"report"}
    found = verify(resigned(raw, key, manifest_json=as_version(3))).findings
    assert [one.code.value for one in found] == ["format"]


def test_the_size_is_told_by_tier_and_never_by_figures(material, key):
    """Revenue and staff stay on the gateway; the tiers they make stand in manifest and report."""
    size = {"year": 2025, "staff": 33, "revenue_wan": 2517.5}
    known = material.config.enterprise
    enterprise = type(known).model_validate(known.model_dump(mode="json") | {"size": size})
    config = material.config.model_copy(update={"enterprise": enterprise})
    raw = build(replace(material, config=config), key)
    held = unpack(raw, members.MEMBERS).members
    told = {"scale": "small", "above_threshold": True, "year": 2025}
    assert json.loads(held[members.MANIFEST])["size"] == told
    assert b"2517" not in b"".join(held[name] for name in members.DATA)
    assert "小型 · 规上 · 2025".encode() in held["report.zh.html"]
    assert verify(raw).findings == ()
