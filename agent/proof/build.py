"""Makes a proof file: documents, reports, hashes, signature, in this order.

Pure but for the fonts it reads: equal material, key and program give equal bytes. The days of a
year of many machines are by far the largest; each is let go once it is a line, where nobody else
holds the material.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from agent.proof import canonical, members
from agent.proof.archive import pack
from agent.proof.documents import (
    days_documents,
    evidence_span,
    facts_document,
    ledger_document,
    losses_documents,
    settings_document,
    size_document,
    within_window,
)
from agent.proof.key import fingerprint, public_pem
from agent.proof.outcome import Inputs, history_document, result_document
from agent.proof.readme import README_TEXT
from agent.proof.report.papers import Papers
from agent.proof.report.render import render

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from agent.kpi.evidence import DeviceDay
    from agent.proof.documents import Material


def build(material: Material, key: Ed25519PrivateKey) -> bytes:
    """Give the bytes of the proof file, signed with the gateway's key."""
    return pack(built(material, key))


def built(material: Material, key: Ed25519PrivateKey) -> dict[str, bytes]:
    """Give the members of the proof file, signed with the gateway's key.

    Hand the material over without keeping it, and its days are let go on the way.
    """
    days = _days_asked(material)
    material = replace(material, days=())
    data = _data(material, days)
    del days
    pem = public_pem(key)
    header = header_document(material, data, key_sha256=fingerprint(pem))
    rendered = render(Papers.of(header, data))
    listed = {**data, **rendered.members, members.KEY: pem, members.README: README_TEXT}
    listed[members.LINES] = canonical.page(members.line_hashes(listed))
    manifest = canonical.page(
        {**header, "rendered_with": rendered.made_with, "members": members.entries(listed)}
    )
    return {**listed, members.MANIFEST: manifest, members.SIGNATURE: key.sign(manifest)}


def data_members(material: Material) -> dict[str, bytes]:
    """Give the members that hold the figures and what they follow from."""
    return _data(material, _days_asked(material))


def _days_asked(material: Material) -> list[DeviceDay]:
    first, last = evidence_span(material.config, material.as_of)
    return [one for one in material.days if first <= one.day <= last]


def _data(material: Material, days: list[DeviceDay]) -> dict[str, bytes]:
    """Give the data members; of `days` nothing is left."""
    config, as_of = material.config, material.as_of
    inputs = Inputs(
        config=config,
        as_of=as_of,
        days=days,
        facts=material.facts,
        losses=within_window(material.losses, config, as_of),
        journal=material.journal,
        digests=tuple(material.digests),
    )
    history, result = history_document(inputs), result_document(inputs)
    return {
        members.DAYS: canonical.lines(days_documents(days)),
        members.DEVICES: canonical.page(facts_document(inputs.facts)),
        members.DIGESTS: _joined(material.digests),
        members.HISTORY: canonical.page(history),
        members.JOURNAL: _joined(material.journal),
        members.LEDGER: canonical.page(ledger_document(config)),
        members.LOSSES: canonical.lines(losses_documents(inputs.losses)),
        members.RESULT: canonical.page(result),
        members.SETTINGS: canonical.page(settings_document(config, as_of)),
    }


def header_document(
    material: Material, data: Mapping[str, bytes], *, key_sha256: str
) -> dict[str, Any]:
    """Give who made the file, when, of what, under which rules."""
    config = material.config
    return {
        "format": members.FORMAT,
        "version": members.VERSION,
        "made_by": material.made_by,
        "made_ms": material.made_ms,
        "gateway": {"id": config.gateway.id, "name": config.gateway.name},
        "enterprise": {
            "id": config.enterprise.id,
            "name": config.enterprise.name,
            "uscc": config.enterprise.uscc,
        },
        "size": size_document(config.enterprise.size),
        "as_of": material.as_of.isoformat(),
        "key_sha256": key_sha256,
        "data_sha256": members.data_sha256(data),
    }


def _joined(texts: Iterable[bytes]) -> bytes:
    return b"".join(text + b"\n" for text in texts)
