"""Computes a proof file's figures and reports again from its inputs, and compares."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from agent.kpi.digest import verify as verify_digests
from agent.kpi.evidence import RULES, DeviceDay
from agent.ledger.entry import checked
from agent.proof import canonical, members
from agent.proof.compare import first_difference
from agent.proof.documents import (
    config_of,
    facts_of_document,
    loss_of_document,
    rule_documents,
)
from agent.proof.findings import Code, Finding, finding
from agent.proof.key import raw_hex
from agent.proof.outcome import Inputs, history_document, result_document
from agent.proof.report.papers import Papers
from agent.proof.report.render import made_with, render
from agent.proof.sealed_ledger import held_against

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.losses.spans import LossSpan


@dataclass(frozen=True, slots=True)
class Recomputed:
    """What came of it."""

    findings: tuple[Finding, ...]
    reports_compared: tuple[str, ...] = ()


_MOST_SAID = 300
_MALFORMED = (ValueError, TypeError, KeyError, AttributeError)
"""What reading a member of another shape raises."""
_CHAINS = (Code.JOURNAL_CHAIN, Code.DIGEST_CHAIN, Code.DAY_DIGEST)


class _UnreadableError(ValueError):
    """A member does not hold what it must; its finding is the first argument."""


def recomputed(held: dict[str, bytes], header: Mapping[str, Any], key_sha256: str) -> Recomputed:
    """Compute everything again from members that are as they were signed.

    The days, by far the largest of them, are taken out of `held` once they are read.
    """
    try:
        settings = _page(held, members.SETTINGS)
        inputs = _inputs(held, settings)
    except _UnreadableError as error:
        return Recomputed((error.args[0],))
    findings = [
        *_header(held, header, inputs, key_sha256=key_sha256),
        *_journal(inputs),
        *_digests(held, inputs),
    ]
    del held[members.DAYS]
    if not any(one.code in _CHAINS for one in findings):
        findings += _sealed_ledger(held, inputs)
    if settings.get("rules") != RULES:
        return Recomputed((*findings, finding(Code.RULES, seen=settings.get("rules"))))
    try:
        findings += _figures(held, settings, inputs)
        if findings:
            return Recomputed(tuple(findings))
        del inputs  # a year of many machines is large, and what follows needs room of its own
        return _reports(held, header)
    except _UnreadableError as error:
        return Recomputed((*findings, error.args[0]))
    except (*_MALFORMED, ArithmeticError, OSError) as error:  # numbers no calendar or page holds
        said = f"{type(error).__name__} {error}"[:_MOST_SAID]
        return Recomputed((*findings, finding(Code.UNREADABLE, members.RESULT, seen=said)))


def _inputs(held: Mapping[str, bytes], settings: Any) -> Inputs:
    """Read what the figures follow from; the first member that cannot be read is named."""
    ledger = _page(held, members.LEDGER)
    try:
        config, as_of = config_of(ledger, settings), date.fromisoformat(settings["as_of"])
    except _MALFORMED as error:
        raise _unreadable(members.LEDGER, error) from None
    facts = _page(held, members.DEVICES)
    try:
        known = facts_of_document(facts)
    except _MALFORMED as error:
        raise _unreadable(members.DEVICES, error) from None
    return Inputs(
        config=config,
        as_of=as_of,
        days=_days(held[members.DAYS]),
        facts=known,
        losses=_losses(held[members.LOSSES]),
        journal=tuple(canonical.split(held[members.JOURNAL])),
        digests=tuple(canonical.split(held[members.DIGESTS])),
    )


def _unreadable(member: str, error: Exception, *, line: int | None = None) -> _UnreadableError:
    said = " ".join(str(error).split())[:_MOST_SAID]
    return _UnreadableError(finding(Code.UNREADABLE, member, line=line, seen=said))


def _journal(inputs: Inputs) -> list[Finding]:
    bad = checked(line.decode(errors="replace") for line in inputs.journal).bad
    if bad is None:
        return []
    return [Finding(Code.JOURNAL_CHAIN, members.JOURNAL, bad.number, bad.why)]


def _sealed_ledger(held: Mapping[str, bytes], inputs: Inputs) -> list[Finding]:
    """Hold the journal against the digests, both of which are whole chains."""
    entries = checked(line.decode() for line in inputs.journal).entries
    return held_against(canonical.split(held[members.DIGESTS]), entries)


def _digests(held: Mapping[str, bytes], inputs: Inputs) -> list[Finding]:
    """Check the chain of digests, and every day against the digest that sealed it."""
    lines = canonical.split(held[members.DIGESTS])
    bad = verify_digests(lines, inputs.days, key=raw_hex(held[members.KEY]))
    if bad is None:
        return []
    if not bad.device:
        return [Finding(Code.DIGEST_CHAIN, members.DIGESTS, bad.nr, bad.why)]
    known = [(one.device, one.day.isoformat()) for one in inputs.days]
    line = known.index((bad.device, bad.day)) + 1
    return [Finding(Code.DAY_DIGEST, members.DAYS, line, bad.why)]


def _page(held: Mapping[str, bytes], name: str) -> dict[str, Any]:
    try:
        document = canonical.read_page(held[name])
    except ValueError as error:
        raise _unreadable(name, error) from None
    if not isinstance(document, dict):
        raise _unreadable(name, TypeError(type(document).__name__))
    return document


def _days(raw: bytes) -> tuple[DeviceDay, ...]:
    found: dict[tuple[str, date], DeviceDay] = {}
    for number, line in enumerate(canonical.each(raw), 1):
        try:
            one = DeviceDay.of_document(canonical.read_line(line))
        except _MALFORMED as error:
            raise _unreadable(members.DAYS, error, line=number) from None
        if found.setdefault((one.device, one.day), one) is not one:
            twice = ValueError(f"{one.device} {one.day} stands twice")
            raise _unreadable(members.DAYS, twice, line=number)
    return tuple(found.values())


def _losses(raw: bytes) -> tuple[LossSpan, ...]:
    found: list[LossSpan] = []
    for number, line in enumerate(canonical.split(raw), 1):
        try:
            found.append(loss_of_document(canonical.read_line(line)))
        except _MALFORMED as error:
            raise _unreadable(members.LOSSES, error, line=number) from None
    return tuple(found)


def _header(
    held: Mapping[str, bytes],
    header: Mapping[str, Any],
    inputs: Inputs,
    *,
    key_sha256: str,
) -> list[Finding]:
    """Hold what the manifest says of its members against them."""
    enterprise, gateway = inputs.config.enterprise, header.get("gateway")
    header_gateway = gateway if isinstance(gateway, dict) else {}
    wanted = {
        "as_of": inputs.as_of.isoformat(),
        "data_sha256": members.data_sha256(held),
        "gateway": {**header_gateway, "id": inputs.config.gateway.id},
        "enterprise": {"id": enterprise.id, "name": enterprise.name, "uscc": enterprise.uscc},
        "key_sha256": key_sha256,
    }
    differs = first_difference({name: header.get(name) for name in wanted}, wanted)
    return [finding(Code.HEADER, members.MANIFEST, seen=differs)] if differs else []


def _figures(
    held: Mapping[str, bytes],
    settings: Mapping[str, Any],
    inputs: Inputs,
) -> list[Finding]:
    rules = rule_documents()
    pairs = (
        (members.SETTINGS, {name: settings.get(name) for name in rules}, rules),
        (members.RESULT, _page(held, members.RESULT), result_document(inputs)),
        (members.HISTORY, _page(held, members.HISTORY), history_document(inputs)),
    )
    found = ((name, first_difference(said, computed)) for name, said, computed in pairs)
    return [finding(Code.FIGURE, name, seen=differs) for name, differs in found if differs]


def _reports(held: Mapping[str, bytes], header: Mapping[str, Any]) -> Recomputed:
    """Make the reports again where this program makes them in the very same way."""
    if header.get("rendered_with") != made_with():
        return Recomputed(())
    again = render(Papers.of(header, held)).members
    different = [name for name in members.REPORTS if again[name] != held[name]]
    findings = tuple(
        finding(Code.REPORT, n, line=_line(held[n], again[n]), seen="≠") for n in different
    )
    return Recomputed(findings, members.REPORTS)


def _line(said: bytes, made: bytes) -> int:
    pairs = enumerate(zip(said.split(b"\n"), made.split(b"\n"), strict=False), 1)
    return next((n for n, (a, b) in pairs if a != b), 1)
