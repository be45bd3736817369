"""Which server's certificate is accepted, and what is told of one that is not."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.drivers.opcua.security.certificates import (
    NOW,
    SERVER_URI,
    authority,
    der,
    elliptic,
    key,
    make,
    pem,
    revocation,
)

from drivers.opcua.security.certificate import MAX_BLOB_BYTES, Malformed, read_chain, read_facts
from drivers.opcua.security.folder import MAX_REJECTED, Folder
from drivers.opcua.security.judge import Expected, Flaw, judge
from drivers.opcua.security.texts import certificate_refused

GOOD = make()
KNOWN = Expected(host="127.0.0.1", application_uri=SERVER_URI)


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def trust(folder, certificate, *, place="trusted/certs", name="a.der", data=None):
    target = folder.path / place / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data or der(certificate))


def refused(certificate, folder, expected=KNOWN):
    blob = certificate if isinstance(certificate, bytes) else der(certificate)
    return judge(blob, folder, expected).refused


def test_nothing_is_accepted_unseen(folder):
    """A perfect certificate that nobody has trusted is refused."""
    assert refused(GOOD, folder) == (Flaw.UNTRUSTED,)
    trust(folder, make("Another", private_key=key("another")))
    assert refused(GOOD, folder) == (Flaw.UNTRUSTED,)


@pytest.mark.parametrize("place", ["trusted/certs", "trusted"])
@pytest.mark.parametrize("form", [der, pem])
def test_what_a_person_trusts_is_accepted(folder, place, form):
    """A file in the trusted folder is enough, DER or PEM, in either layout."""
    trust(folder, GOOD, place=place, data=form(GOOD))
    verdict = judge(der(GOOD), folder, KNOWN)
    assert (verdict.refused, verdict.overruled) == ((), ())


@pytest.mark.parametrize(
    ("certificate", "flaw"),
    [
        (make(begins=-400, ends=-2), Flaw.EXPIRED),
        (make(begins=2), Flaw.NOT_YET_VALID),
        (make(uri="urn:somebody:else"), Flaw.OTHER_URI),
        (make(uri=""), Flaw.OTHER_URI),
    ],
)
def test_trust_does_not_heal_dates_and_names_but_a_pin_does(folder, certificate, flaw):
    """Expired, early, or another application: refused though trusted; only a pin overrules it."""
    trust(folder, certificate)
    assert refused(certificate, folder) == (flaw,)
    pinned = replace(KNOWN, pin=read_facts(der(certificate)).sha256)
    verdict = judge(der(certificate), folder, pinned)
    assert (verdict.refused, verdict.overruled) == ((), (flaw,))


@pytest.mark.parametrize(
    "certificate",
    [make(private_key=key("short", 1024)), make(private_key=elliptic())],
    ids=["1024 bits", "elliptic"],
)
def test_a_short_key_is_never_accepted(folder, certificate):
    """Neither trust nor a pin makes a key good that can be broken or not be used."""
    trust(folder, certificate)
    pinned = replace(KNOWN, pin=read_facts(der(certificate)).sha256)
    assert refused(certificate, folder) == (Flaw.SHORT_KEY,)
    assert refused(certificate, folder, pinned) == (Flaw.SHORT_KEY,)


def test_another_host_is_told_and_accepted(folder):
    """A name mismatch is no reason to stop a machine: behind NAT it is the rule."""
    trust(folder, GOOD)
    verdict = judge(der(GOOD), folder, replace(KNOWN, host="10.9.8.7"))
    assert (verdict.refused, verdict.overruled) == ((), (Flaw.OTHER_HOST,))


def test_a_pin_means_this_certificate_and_no_other(folder):
    """Beside a pin, trust counts nothing."""
    other = make("Another", private_key=key("another"))
    trust(folder, GOOD)
    pinned = replace(KNOWN, pin=read_facts(der(other)).sha256)
    assert refused(GOOD, folder, pinned)[0] is Flaw.OTHER_THAN_PINNED
    assert refused(other, folder, pinned) == ()


def test_an_authority_vouches_through_its_chain(folder):
    """A chain to a trusted authority is accepted, over issuers sent along or kept beside."""
    root = authority("Root")
    middle = authority("Middle", by=root)
    leaf = make(by=middle)
    assert refused(der(leaf) + der(middle.certificate) + der(root.certificate), folder) == (
        Flaw.UNTRUSTED,
    )
    trust(folder, root.certificate)
    assert refused(leaf, folder) == (Flaw.UNTRUSTED,)
    assert refused(der(leaf) + der(middle.certificate), folder) == ()
    trust(folder, middle.certificate, place="issuers/certs")
    assert refused(leaf, folder) == ()
    trust(folder, None, place="issuers/crl", name="m.crl",
          data=revocation(middle, leaf.serial_number))  # fmt: skip
    assert refused(leaf, folder) == (Flaw.REVOKED,)


def test_who_is_no_authority_vouches_for_nobody(folder):
    """A trusted server cannot sign another one; an expired authority vouches no more."""
    server = make("Server")
    impostor = type("By", (), {"certificate": server, "private_key": key()})
    leaf = make("Leaf", private_key=key("leaf"), by=impostor)
    trust(folder, server)
    assert refused(leaf, folder) == (Flaw.UNTRUSTED,)
    old = authority("Old", begins=-400, ends=-2)
    trust(folder, old.certificate, name="old.der")
    assert refused(make("Late", private_key=key("leaf"), by=old), folder) == (Flaw.UNTRUSTED,)


def test_a_loop_of_issuers_ends(folder):
    """Two authorities that sign each other are walked a bounded number of times."""
    a, b = authority("A"), authority("B")
    a_by_b, b_by_a = authority("A", by=b), authority("B", by=a)
    leaf = make("Leaf", private_key=key("leaf"), by=a)
    blob = der(leaf) + der(a_by_b.certificate) + der(b_by_a.certificate)
    assert refused(blob, folder) == (Flaw.UNTRUSTED,)


def test_dates_are_not_judged_by_a_clock_that_cannot_be_right(folder):
    """A box that woke up in 1970 connects to what a person trusted, and says so."""
    trust(folder, GOOD)
    verdict = judge(der(GOOD), folder, replace(KNOWN, now=datetime(1970, 1, 1, tzinfo=UTC)))
    assert (verdict.refused, verdict.clock_doubtful) == ((), True)
    later = replace(KNOWN, now=NOW - timedelta(days=9), clock_floor=NOW)
    assert judge(der(GOOD), folder, later).clock_doubtful
    assert judge(der(GOOD), folder, replace(KNOWN, now=datetime(2106, 2, 8, tzinfo=UTC))).refused


@pytest.mark.parametrize(
    "blob",
    [
        b"",
        b"\x30",
        b"\x30\x80",
        b"\x30\x84\xff\xff\xff\xff",
        b"hello",
        der(GOOD)[:-1],
        b"\x30\x03\x02\x01\x01",
        b"\x30" * (MAX_BLOB_BYTES + 1),
    ],
)
def test_bytes_that_are_no_certificate_are_refused(folder, blob):
    """Whatever a server sends, the answer is a verdict."""
    verdict = judge(blob, folder, KNOWN)
    assert verdict.refused == (Flaw.MALFORMED,)
    error = certificate_refused("opc.tcp://x", verdict, now=NOW)
    assert "cannot be understood" in str(error)
    assert "无法解析" in error.zh


@given(st.data())
def test_damaged_certificates_never_break_the_reader(data):
    """Any byte changed or cut off: a certificate or `Malformed`, never another exception."""
    blob = bytearray(der(GOOD))
    for _ in range(data.draw(st.integers(1, 4))):
        blob[data.draw(st.integers(0, len(blob) - 1))] = data.draw(st.integers(0, 255))
    blob = bytes(blob[: data.draw(st.integers(1, len(blob)))])
    with suppress(Malformed):
        assert len(read_chain(blob)) >= 1


def test_a_refused_certificate_is_kept_with_where_it_was_met(folder):
    """A person finds the file, and the folder does not grow without end."""
    facts = read_facts(der(make("数控/../1号 机床")))
    folder.reject(facts, url="opc.tcp://x", why="BadCertificateUntrusted")
    (kept,) = (folder.path / "rejected" / "certs").glob("*.der")
    assert kept.read_bytes() == facts.der
    assert kept.parent == folder.path / "rejected" / "certs"
    assert "opc.tcp://x" in kept.with_suffix(".json").read_text("utf-8")
    for number in range(MAX_REJECTED + 5):
        one = read_facts(der(make(f"S{number}")))
        folder.reject(one, url="opc.tcp://x", why="BadCertificateUntrusted")
    assert len(list(kept.parent.glob("*.der"))) == MAX_REJECTED
    assert len(list(kept.parent.glob("*.json"))) == MAX_REJECTED


def test_the_error_says_what_to_type(folder):
    """An untrusted certificate: whose it is and what to type, in both languages."""
    verdict = judge(der(GOOD), folder, KNOWN)
    error = certificate_refused("opc.tcp://cnc:4840", verdict, now=NOW)
    short = verdict.facts.sha256[:16]
    for text in (str(error), error.zh):
        assert "Test server" in text
        assert verdict.facts.sha1 in text
    assert f"chulian cert trust {short}" in error.hint
    assert f"chulian cert trust {short}" in error.hint_zh
    changed = certificate_refused("opc.tcp://cnc:4840", verdict, now=NOW, before="0123456789ABCDEF")
    assert "another one before (0123456789ABCDEF)" in changed.hint
    assert "0123456789ABCDEF" in changed.hint_zh
    expired = judge(der(make(begins=-400, ends=-2)), folder, KNOWN)
    error = certificate_refused("opc.tcp://cnc:4840", expired, now=NOW)
    assert f"server_certificate: {expired.facts.sha256}" in error.hint
    assert f"{NOW:%Y-%m-%d}" in error.hint_zh
