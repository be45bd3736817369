"""The chains inside a file: the ledger's journal and the signed digests of the days."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from unit.agent.proof.conftest import AS_OF, at_ms

from agent.kpi.calendar import ShopCalendar
from agent.kpi.digest import DigestChain
from agent.kpi.signing import KeyInHand
from agent.ledger.entry import Source
from agent.ledger.journal import Journal
from agent.ledger.records import Declared
from agent.proof import members
from agent.proof.build import data_members
from agent.proof.findings import Code
from agent.proof.key import public_pem
from agent.proof.recompute import _digests, _inputs, _journal


@pytest.fixture(scope="module")
def chained(material, config, key, tmp_path_factory):
    """The data members of a file with a month of digests and a journal of two edits."""
    chain = DigestChain()
    chain.seal_due(
        material.days,
        now_ms=at_ms(AS_OF + timedelta(days=3), 12),
        calendar=ShopCalendar.of(config),
        key=KeyInHand(key),
    )
    journal = Journal(tmp_path_factory.mktemp("ledger") / "shop.ledger.jsonl")
    before = config.model_copy(update={"equipment": config.equipment[:-1]})
    for number, ledger in enumerate((before, config)):
        journal.record(
            Declared.of(ledger),
            at_ms=at_ms(AS_OF, 9 + number),
            day=AS_OF,
            who="王工",
            source=Source.CONFIG,
        )
    whole = replace(
        material,
        digests=chain.lines(),
        journal=tuple(line.encode() for line in journal.lines()),
    )
    return data_members(whole) | {members.KEY: public_pem(key)}


def findings(held):
    """Check both chains; give (code, member, line)."""
    inputs = _inputs(held, json.loads(held[members.SETTINGS]))
    found = [*_journal(inputs), *_digests(held, inputs)]
    return [(one.code, one.member, one.line) for one in found]


def changed(held, name, line, old, new):
    """Give the members with one text of one line changed."""
    lines = held[name].split(b"\n")
    assert old in lines[line - 1]
    lines[line - 1] = lines[line - 1].replace(old, new, 1)
    return held | {name: b"\n".join(lines)}


def test_whole_chains_pass(chained):
    """Nothing is said against chains as the gateway made them."""
    assert len(chained[members.DIGESTS].splitlines()) >= 40
    assert len(chained[members.JOURNAL].splitlines()) >= 2
    assert findings(chained) == []


def test_a_day_that_is_not_as_it_was_sealed_is_named_by_its_line(chained):
    """Evidence changed after its digest is found though every other hash may be put right."""
    wrong = changed(chained, members.DAYS, 7, b'"good":20000', b'"good":20001')
    assert findings(wrong) == [(Code.DAY_DIGEST, members.DAYS, 7)]


def test_a_changed_digest_is_named_by_its_line(chained):
    """A digest that was rewritten, or left out, breaks the chain at its place."""
    wrong = changed(chained, members.DIGESTS, 5, b'"sealed_ms":1', b'"sealed_ms":2')
    assert findings(wrong) == [(Code.DIGEST_CHAIN, members.DIGESTS, 5)]
    lines = chained[members.DIGESTS].splitlines(keepends=True)
    left = chained | {members.DIGESTS: b"".join(lines[:4] + lines[5:])}
    assert findings(left) == [(Code.DIGEST_CHAIN, members.DIGESTS, 5)]


def test_digests_of_another_key_are_told(chained, other_key):
    """The digests must be signed with the key that signed the file."""
    wrong = chained | {members.KEY: public_pem(other_key)}
    assert findings(wrong) == [(Code.DIGEST_CHAIN, members.DIGESTS, 1)]


def test_a_changed_line_of_the_journal_is_named(chained):
    """Who changed the ledger cannot be changed afterwards."""
    wrong = changed(chained, members.JOURNAL, 2, "王工".encode(), "李工".encode())
    assert findings(wrong) == [(Code.JOURNAL_CHAIN, members.JOURNAL, 2)]
