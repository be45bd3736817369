"""Our own certificate: made once, whole or not at all, and read with clear errors."""

from __future__ import annotations

import threading

import pytest
from cryptography import x509
from unit.drivers.opcua.security.certificates import der, elliptic, key, make, pem

from drivers.api import AccessError
from drivers.opcua.security.certificate import read_facts
from drivers.opcua.security.own import load_pair, make_anew, own_identity


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Keys of 2048 bits: what is claimed here does not depend on their length."""
    monkeypatch.setattr("drivers.opcua.security.own.KEY_BITS", 2048)


def test_it_is_made_once(tmp_path):
    """The second call reads what the first has made."""
    first, second = own_identity(tmp_path), own_identity(tmp_path)
    assert first.facts.der == second.facts.der
    assert first.application_uri == first.facts.uris[0]
    assert first.application_uri.endswith(":chulian:edge-agent")


def test_many_starts_at_once_make_one_pair(tmp_path):
    """Sessions that open together share one certificate and its key."""
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(own_identity(tmp_path))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one.facts.sha256 for one in found}) == 1
    assert len(list((tmp_path / "own").rglob("*.*"))) == 2


def test_a_start_cut_off_after_the_key_is_finished_later(tmp_path):
    """A key without a certificate is kept and gets one."""
    made = own_identity(tmp_path)
    made.path.unlink()
    again = own_identity(tmp_path)
    assert again.key.private_numbers() == made.key.private_numbers()


def test_a_new_one_keeps_the_key_and_the_old_file(tmp_path):
    """Made anew on demand only; what was before can be looked at."""
    first = own_identity(tmp_path)
    path = make_anew(tmp_path)
    second = own_identity(tmp_path)
    assert (second.path, second.key.private_numbers()) == (path, first.key.private_numbers())
    assert second.facts.sha256 != first.facts.sha256
    assert [old.read_bytes() for old in path.parent.glob("*.old")] == [first.facts.der]


def test_it_says_what_the_standard_asks_for(tmp_path):
    """Application URI, host, key usages for signing and encrypting, client authentication."""
    parsed = own_identity(tmp_path).facts.parsed
    usage = parsed.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature
    assert usage.content_commitment
    assert usage.key_encipherment
    assert usage.data_encipherment
    more = parsed.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH in more
    assert not parsed.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert read_facts(der(parsed)).hosts


@pytest.mark.parametrize("form", [der, pem])
def test_a_pair_of_ones_own_is_read(tmp_path, form):
    """Certificate and key from elsewhere, DER or PEM."""
    (tmp_path / "c").write_bytes(form(make()))
    (tmp_path / "k").write_bytes(form(key()))
    assert load_pair(tmp_path / "c", tmp_path / "k").facts.name == "Test server"


@pytest.mark.parametrize(
    ("certificate", "private", "said"),
    [
        (None, pem(key()), "certificate .* cannot be read"),
        (b"hello", pem(key()), "certificate .* cannot be read"),
        (pem(make()), None, "private key .* cannot be read"),
        (pem(make()), b"hello", "private key .* cannot be read"),
        (pem(make()), pem(elliptic()), "not an RSA key"),
        (pem(make()), pem(key("another")), "is not the private key of"),
    ],
)
def test_a_wrong_pair_is_told_by_file(tmp_path, certificate, private, said):
    """Missing, broken or unrelated: which file, why, what to do, in both languages."""
    for name, data in (("c", certificate), ("k", private)):
        if data is not None:
            (tmp_path / name).write_bytes(data)
    with pytest.raises(AccessError, match=said) as caught:
        load_pair(tmp_path / "c", tmp_path / "k")
    assert str(tmp_path) in caught.value.zh
    assert caught.value.hint_zh


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    """A file where the folder should be: said with the path."""
    (tmp_path / "pki").write_text("a file")
    with pytest.raises(AccessError, match="cannot be written") as caught:
        own_identity(tmp_path / "pki")
    assert "pki" in caught.value.hint_zh
