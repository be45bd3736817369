"""The gateway's key."""

from __future__ import annotations

import shutil
import subprocess
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from agent.proof.key import KeyFileError, fingerprint, is_signed, public_pem

_OTHER_KIND = (
    generate_private_key(SECP256R1())
    .public_key()
    .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
)


@pytest.mark.parametrize("pem", [b"", b"no key", _OTHER_KIND], ids=["empty", "text", "other"])
def test_what_is_no_ed25519_key_is_refused(pem):
    """A key of another kind, or none, is an error with a reason."""
    with pytest.raises(KeyFileError, match="key"):
        fingerprint(pem)


def test_a_signature_holds_for_its_content_and_key_only(key, other_key):
    """Another content or another key does not pass."""
    signature = key.sign(b"content")
    assert is_signed(b"content", signature, public_pem(key))
    assert not is_signed(b"Content", signature, public_pem(key))
    assert not is_signed(b"content", signature, public_pem(other_key))


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_openssl_agrees(held, tmp_path):
    """Whoever has OpenSSL checks the signature and the fingerprint without this program."""
    for name in ("key.pem", "manifest.json", "manifest.sig"):
        (tmp_path / name).write_bytes(held[name])
    words = "pkeyutl -verify -pubin -inkey key.pem -rawin -in manifest.json -sigfile manifest.sig"
    said = subprocess.run(
        ["openssl", *words.split()], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "Verified Successfully" in said.stdout, said
    der = subprocess.run(
        ["openssl", "pkey", "-pubin", "-in", "key.pem", "-outform", "DER"],
        cwd=tmp_path, capture_output=True, check=True,
    ).stdout  # fmt: skip
    assert sha256(der).hexdigest() == fingerprint(held["key.pem"])
