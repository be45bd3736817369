"""The container: one form only, bounded, nothing hidden."""

from __future__ import annotations

import io
import zipfile
from hashlib import sha256

import pytest

from agent.proof.archive import ArchiveError, pack, unpack

KNOWN = ("a.txt", "b.txt")


def zipped(*entries, method=zipfile.ZIP_STORED, comment=b""):
    """Give an archive as other programs write it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in entries:
            archive.writestr(zipfile.ZipInfo(name), content, method)
        archive.comment = comment
    return buffer.getvalue()


def test_same_members_same_bytes_on_every_python():
    """The bytes of an archive are fixed for ever: this hash is the format."""
    raw = pack({"b.txt": b"two\n", "a.txt": b"one\n"})
    assert sha256(raw).hexdigest() == (
        "5373ced5862792832cc9c6de6e35b345f5fc469f7d7bdf52ddc1c4d99ef825c7"
    )
    assert unpack(raw, KNOWN).members == {"a.txt": b"one\n", "b.txt": b"two\n"}
    assert unpack(raw, KNOWN).faults == ()


@pytest.mark.parametrize(
    ("raw", "member", "said"),
    [
        (zipped(("a.txt", b"1"), ("../b.txt", b"2")), "../b.txt", "does not belong"),
        (zipped(("a.txt", b"1"), ("/etc/passwd", b"2")), "/etc/passwd", "does not belong"),
        (zipped(("a.txt", b"1" * 999), method=zipfile.ZIP_DEFLATED), "a.txt", "byte"),
        (zipped(("b.txt", b"1"), ("a.txt", b"2")), "a.txt", "byte"),
    ],
    ids=["parent", "absolute", "compressed", "order"],
)
def test_what_pack_does_not_write_is_a_fault_of_its_member(raw, member, said):
    """Foreign names, compression and another order are told, by the member they are about."""
    assert [(name, said in text.en) for name, text in unpack(raw, KNOWN).faults] == [(member, True)]


def test_a_name_that_stands_twice_is_a_fault():
    """The second of two equal names is not quietly taken for the first."""
    with pytest.warns(UserWarning, match="Duplicate name"):
        raw = zipped(("a.txt", b"1"), ("a.txt", b"2"))
    assert [(name, text.en) for name, text in unpack(raw, KNOWN).faults] == [
        ("a.txt", "is there twice")
    ]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda raw: b"",
        lambda raw: b"PK",
        lambda raw: raw[:-1],
        lambda raw: raw[: len(raw) // 2],
        lambda raw: raw + b"\0",
        lambda raw: b"\0" * 100,
    ],
    ids=["empty", "short", "one-byte-less", "half", "one-byte-more", "zeros"],
)
def test_what_is_no_whole_archive_is_refused(spoil):
    """Bytes cut off or added never pass for an archive."""
    with pytest.raises(ArchiveError):
        unpack(spoil(pack({"a.txt": b"one\n"})), KNOWN)


def test_a_comment_behind_the_directory_is_refused():
    """Nothing can hide behind the end of the archive."""
    with pytest.raises(ArchiveError, match="end of the archive"):
        unpack(zipped(("a.txt", b"1"), comment=b"hidden"), KNOWN)


def test_members_that_overlap_are_refused():
    """A bomb of members that share their bytes is not read."""
    raw = bytearray(zipped(("a.txt", b"x" * 5000), ("b.txt", b"y" * 5000)))
    at = raw.rindex(b"PK\x01\x02")
    raw[at + 42 : at + 46] = bytes(4)  # the second member claims to begin at the first
    raw[at + 20 : at + 24] = (9000).to_bytes(4, "little")
    with pytest.raises(ArchiveError):
        unpack(bytes(raw), KNOWN)


def test_a_directory_of_very_many_entries_is_refused():
    """A directory larger than any proof file's is not read."""
    with pytest.raises(ArchiveError):
        unpack(zipped(*((f"{n}.txt", b"") for n in range(400))), KNOWN)
