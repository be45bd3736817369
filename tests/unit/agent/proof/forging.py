"""What a forger does who has a key of his own."""

from __future__ import annotations

from agent.proof import canonical, members
from agent.proof.archive import pack, unpack
from agent.proof.key import fingerprint, public_pem


def resigned(raw, key, **changes):
    """Give the file with members changed, every hash put right, signed with a key.

    `changes` maps a member, its dot and dash written as `_`, to what makes its new bytes.
    """
    held = dict(unpack(raw, members.MEMBERS).members)
    names = {name.replace(".", "_"): name for name in held}
    for name, change in changes.items():
        held[names[name]] = change(held[names[name]])
    held[members.KEY] = public_pem(key)
    listed = {name: held[name] for name in members.LISTED if name != members.LINES}
    held[members.LINES] = canonical.page(members.line_hashes(listed))
    manifest = canonical.read_page(held[members.MANIFEST])
    manifest["members"] = members.entries({name: held[name] for name in members.LISTED})
    manifest["data_sha256"] = members.data_sha256(held)
    manifest["key_sha256"] = fingerprint_of(key)
    held[members.MANIFEST] = canonical.page(manifest)
    held[members.SIGNATURE] = key.sign(held[members.MANIFEST])
    return pack(held)


def fingerprint_of(key):
    """Give a private key's public fingerprint."""
    return fingerprint(public_pem(key))
