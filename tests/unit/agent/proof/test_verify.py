"""Checking a file: whatever was changed is found, and named."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from unit.agent.proof.conftest import SHOP
from unit.agent.proof.forging import fingerprint_of, resigned

from agent.config.model import AgentConfig
from agent.proof import members
from agent.proof.archive import pack
from agent.proof.build import build, data_members
from agent.proof.findings import Code
from agent.proof.verify import verify


def codes(verdict):
    """Give (code, member) of every finding."""
    return [(one.code, one.member) for one in verdict.findings]


def edited(change):
    """Give what makes new bytes of a JSON member by changing its document."""

    def edit(raw):
        document = json.loads(raw)
        change(document)
        text = json.dumps(document, ensure_ascii=False, sort_keys=True, indent=1)
        return f"{text}\n".encode()

    return edit


def test_an_untouched_file_is_sound(raw, key):
    """Signature, hashes, every number and every report are as the program makes them again."""
    verdict = verify(raw, key_sha256=fingerprint_of(key))
    assert verdict.findings == ()
    assert verdict.pinned
    assert verdict.reports_compared == members.REPORTS


def test_the_same_material_gives_the_same_bytes(material, key, raw):
    """A proof file is a function of what it proves."""
    assert build(material, key) == raw


@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_any_flipped_bit_is_found(raw, data):
    """A change of any single bit, in a member or in the zip structure, is a finding."""
    at = data.draw(st.integers(0, len(raw) - 1))
    changed = bytearray(raw)
    changed[at] ^= 1 << data.draw(st.integers(0, 7))
    assert not verify(bytes(changed)).sound


def test_the_structure_between_members_matters(raw, held):
    """Headers, names and directory are checked, all over."""
    content = sum(map(len, held.values()))
    small = pack(dict.fromkeys(held, b""))
    starts, at = [], 0
    for name in sorted(held):
        header = 30 + len(name)
        starts += range(at, at + header)
        at += header + len(held[name])
    assert len(starts) + len(raw) - at == len(small) == len(raw) - content
    for place in (*starts[::23], *range(at, len(raw), 29)):
        changed = bytearray(raw)
        changed[place] ^= 0xFF
        assert not verify(bytes(changed)).sound, place


@given(cut=st.integers(0, 400_000))
@settings(max_examples=40, deadline=None)
@example(cut=1)
def test_a_file_cut_off_is_found(raw, cut):
    """A file that was not copied whole is never sound."""
    assert not verify(raw[: max(0, len(raw) - max(1, cut))]).sound


@pytest.mark.parametrize("name", members.LISTED)
def test_a_changed_member_is_named(raw, held, name):
    """The finding bears the member's name, and the line wherever the member has lines."""
    original = held[name] or b"{}\n"
    changed = original[:-2] + bytes([original[-2] ^ 1]) + original[-1:]
    verdict = verify(pack({**held, name: changed}))
    assert (Code.CHANGED, name) in codes(verdict)
    if name not in {members.LINES, members.KEY} and not name.endswith(".pdf"):
        found = next(one for one in verdict.findings if one.member == name)
        assert found.line == max(1, len(original.split(b"\n")) - 1)


def test_a_missing_member_is_named(held):
    """What was taken out is told."""
    left = {name: raw for name, raw in held.items() if name != members.LOSSES}
    assert (Code.MEMBER_MISSING, members.LOSSES) in codes(verify(pack(left)))


@pytest.mark.parametrize(
    ("changes", "code", "member", "said"),
    [
        (
            {"result_json": edited(lambda d: d["sets"]["strict"]["rates"]["mean"]["verified"]
                                   .update(num=1, den=1))},
            Code.FIGURE, members.RESULT, "sets.strict.rates.mean.verified.den: 1 ≠ 8",
        ),
        (
            {"result_json": edited(lambda d: d["sets"]["strict"]["machines"][1]
                                   .update(status="verified"))},
            Code.FIGURE, members.RESULT, 'sets.strict.machines[L2].status: "verified"',
        ),
        (
            {"history_json": edited(lambda d: d["days"][3].update(as_of="2026-07-01"))},
            Code.FIGURE, members.HISTORY, "days[2026-07-05].as_of",
        ),
        (
            {"settings_json": edited(lambda d: d["rulings"].pop())},
            Code.FIGURE, members.SETTINGS, "rulings",
        ),
        (
            {"settings_json": edited(lambda d: d.update(rules="1999.1"))},
            Code.RULES, "", "1999.1",
        ),
        (
            {"ledger_json": edited(lambda d: d["enterprise"].update(name="另一家企业"))},
            Code.HEADER, members.MANIFEST, "另一家企业",
        ),
        (
            {"ledger_json": edited(lambda d: d["equipment"][3].update(control_type="CNC"))},
            Code.FIGURE, members.RESULT, "",
        ),
        (
            {"ledger_json": edited(lambda d: d["equipment"][3].update(control_type="magic"))},
            Code.UNREADABLE, members.LEDGER, "control_type",
        ),
        (
            {"days_jsonl": lambda raw: b"".join(raw.splitlines(keepends=True)[::4])},
            Code.FIGURE, members.RESULT, "devices.lathe-1.days",
        ),
        ({"days_jsonl": lambda raw: raw + raw}, Code.UNREADABLE, members.DAYS, "twice"),
        ({"journal_jsonl": lambda _: b"{}\n"}, Code.JOURNAL_CHAIN, members.JOURNAL, ""),
        (
            {"report_en_html": lambda raw: raw.replace(b"not verified", b"verified")},
            Code.REPORT, "report.en.html", "",
        ),
    ],
)  # fmt: skip
def test_a_forger_with_a_key_of_his_own_is_found_by_the_numbers(
    raw, other_key, *, changes, code, member, said
):
    """Hashes put right and signed anew, what does not follow from the inputs is still named."""
    forged = resigned(raw, other_key, **changes)
    verdict = verify(forged)
    assert (code, member) in codes(verdict)
    assert said in next(one.message.en for one in verdict.findings if one.code is code)


def test_a_pinned_key_tells_a_file_signed_by_somebody_else(raw, other_key):
    """A file that is whole in itself is refused where the key is not the one named."""
    verdict = verify(raw, key_sha256=fingerprint_of(other_key))
    assert codes(verdict) == [(Code.OTHER_KEY, members.KEY)]


def test_staff_and_revenue_stay_at_home(material):
    """No figure of the enterprise's size is in the data of the file."""
    size = {"year": 2025, "staff": 4711, "revenue_wan": 8_151_623.0}
    enterprise = material.config.enterprise.model_dump(mode="json") | {"size": size}
    config = AgentConfig.model_validate({**SHOP, "enterprise": enterprise})
    data = b"".join(data_members(replace(material, config=config)).values())
    assert b"4711" not in data
    assert b"8151623" not in data
