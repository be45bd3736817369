"""Whether a proof file's members are as its manifest lists them; part of `recompute.py`."""

from __future__ import annotations

import json
import zipfile
from hashlib import sha256


def read(path):
    """Give the members of a proof file by name."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def wrong_hashes(members):
    """Name every member whose size or hash is not the manifest's."""
    manifest = json.loads(members["manifest.json"])
    wrong = [
        one["name"]
        for one in manifest["members"]
        if len(members.get(one["name"], b"")) != one["bytes"]
        or sha256(members.get(one["name"], b"")).hexdigest() != one["sha256"]
    ]
    listed = {one["name"] for one in manifest["members"]} | {"manifest.json", "manifest.sig"}
    return wrong + sorted(members.keys() ^ listed)


def wrong_lines(members):
    """Give (member, line) of every line whose hash is not that of lines.json."""
    found = []
    for name, hashes in json.loads(members["lines.json"]).items():
        lines = members[name].split(b"\n")
        lines = lines if lines[-1] else lines[:-1]
        own = [sha256(line).hexdigest()[:16] for line in lines]
        found += [
            (name, n)
            for n, pair in enumerate(zip(own, hashes, strict=False), 1)
            if pair[0] != pair[1]
        ]
        if len(own) != len(hashes):
            found.append((name, min(len(own), len(hashes)) + 1))
    return found


def bound(members):
    """Yield (number, digest, entries it knew) of the digests that bind the journal; -1: another."""
    entries = entries_of(members)
    places = {"0" * 64: 0} | {one["hash"]: nr for nr, one in enumerate(entries, 1)}
    begins_ms = entries[0]["at_ms"] if entries and entries[0]["source"] == "journal" else 0
    known = 0
    for nr, line in enumerate(members["digests.jsonl"].splitlines(), 1):
        one = json.loads(line)
        hashed = one.get("journal")
        unknown = hashed is not None and not places.get(hashed)
        if hashed is None or (unknown and not known and one["sealed_ms"] <= begins_ms):
            continue
        known = places.get(hashed, -1)
        yield nr, one, known


def entries_of(members):
    """Give the entries of the journal."""
    return [json.loads(line) for line in members["journal.jsonl"].splitlines()]


def wrong_journal(members):
    """Tell the first place at which the journal is not the one the days were sealed with."""
    before = 0
    for nr, _, place in bound(members):
        if place < before:
            return [f"digests.jsonl line {nr}: sealed with another journal"]
        before = place
    return []


def backdated(members):
    """Tell every edit whose day was sealed before it was written; the file stays sound."""
    told = {}
    sealed = [(place, one["day"]) for _, one, place in bound(members)]
    for nr, entry in enumerate(entries_of(members), 1):
        until = max((day for place, day in sealed if place < nr), default="")
        if entry["day"] <= until:
            told.setdefault((entry["at_ms"], entry["day"], until), nr)
    return [f"journal.jsonl line {nr}: of a day sealed before" for nr in told.values()]


def compact(value):
    """Give the one-line canonical form."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode()


def data_fingerprint(members):
    """Compute data_sha256 from the entries of the data members."""
    names = ("days.jsonl", "devices.json", "digests.jsonl", "history.json", "journal.jsonl",
             "ledger.json", "losses.jsonl", "result.json", "settings.json")  # fmt: skip
    entries = [
        {"name": n, "bytes": len(members[n]), "sha256": sha256(members[n]).hexdigest()}
        for n in names
    ]
    return sha256(compact(entries)).hexdigest()
