"""The gateway's own key: made once, kept beside the store, never shown and never sent.

Whoever holds the public half can tell what this gateway signed. It proves which gateway spoke,
not that it spoke the truth. The cryptography is loaded at the first use: it takes 9 MB.
"""

from __future__ import annotations

import os
from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SUFFIX: Final = ".key"
_PRIVATE: Final = 0o600
_ED25519_DER: Final = bytes.fromhex("302a300506032b6570032100")
"""What stands before the 32 bytes of the key in its SubjectPublicKeyInfo (RFC 8410)."""


class KeyUnusableError(OSError):
    """The key cannot be read or made; says which file and what to do."""


def key_beside(store: Path) -> Path:
    """Give where the key of a store's gateway is kept."""
    return store.with_name(store.name + SUFFIX)


def fingerprint(public: str) -> str:
    """Give the SHA-256 of a public key's DER form, hexadecimal; the key raw, hexadecimal."""
    return sha256(_ED25519_DER + bytes.fromhex(public)).hexdigest()


def load_or_make(path: Path) -> Ed25519PrivateKey:
    """Read the key, or make it where there is none; the file is its owner's alone.

    Raises:
        KeyUnusableError: the file is no Ed25519 key, or cannot be read or written.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        with suppress(FileExistsError):
            _write(path)
        path.chmod(_PRIVATE)
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyUnusableError(
            f"{path}: cannot be used as this gateway's key ({error}); put it back from a backup, "
            "or remove it: digests are then signed by a new key"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyUnusableError(f"{path}: is a key of another kind than Ed25519")
    return key


def _write(path: Path) -> None:
    """Make the file with a fresh key; raises FileExistsError where there is one."""
    if path.exists():
        raise FileExistsError(path)
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    pem = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    fresh = path.with_name(path.name + ".new")
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _PRIVATE)
    with os.fdopen(fd, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
