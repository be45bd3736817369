"""The chain of digests: nothing can be changed, left out or added without its being found."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.config.shifts import Shifts
from agent.kpi.calendar import ShopCalendar
from agent.kpi.device_key import KeyUnusableError, key_beside, load_or_make
from agent.kpi.deviceday import DeviceDay
from agent.kpi.digest import DAY, SUPPLEMENT, Digest, DigestChain, verify
from agent.kpi.sealing import Sealing, chain_of
from agent.kpi.signing import KeyElsewhere, KeyInHand

ZONE = "Asia/Shanghai"
CALENDAR = ShopCalendar(Shifts(), ZONE)
KEY = KeyInHand(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))


def day(nr, device="cnc", good=100):
    return DeviceDay(device, date(2026, 7, nr), good, True, 10, 1000, 2000)


def at(nr, hour=0, minute=0):
    when = datetime(2026, 7, 1, tzinfo=ZoneInfo(ZONE)) + timedelta(days=nr - 1)
    return int(when.replace(hour=hour, minute=minute).timestamp() * 1000)


def sealed(days, now_ms, chain=None):
    chain = chain or DigestChain()
    made = chain.seal_due(days, now_ms=now_ms, calendar=CALENDAR, key=KEY)
    return chain, made


def test_a_day_is_sealed_a_day_after_its_end():
    """At midnight two days on the day is due, and not a minute before."""
    assert sealed([day(1)], at(2, 23, 59))[1] == []
    (one,) = sealed([day(1)], at(3))[1]
    assert (one.nr, one.kind, one.day, one.prev) == (1, DAY, date(2026, 7, 1), "")
    assert list(one.devices) == ["cnc"]


def test_each_digest_holds_the_one_before():
    """Days without data are sealed too: a gap in the calendar would be a digest taken out."""
    days = [day(1), day(1, "press"), day(4)]
    chain, made = sealed(days, at(6))
    assert [one.day.day for one in made] == [1, 2, 3, 4]
    assert [len(one.devices) for one in made] == [2, 0, 0, 1]
    assert verify(chain.lines(), days) is None
    assert DigestChain.of_lines(chain.lines()).lines() == chain.lines()


def test_sealing_again_changes_nothing():
    """What is sealed stays as it is, also by a chain that was read back."""
    chain, _ = sealed([day(1)], at(3))
    again = DigestChain.of_lines(chain.lines())
    assert sealed([day(1)], at(3), again)[1] == []


def test_late_data_make_a_supplement():
    """The day's own digest stays, and the record is believed as it was sealed last."""
    chain, _ = sealed([day(1), day(1, "press")], at(3))
    before = chain.lines()
    late = day(1, good=150)
    _, made = sealed([late, day(1, "press")], at(4), chain)
    assert [(one.kind, one.day.day, sorted(one.devices)) for one in made] == [
        (SUPPLEMENT, 1, ["cnc"]), (DAY, 2, []),
    ]  # fmt: skip
    assert chain.lines()[:1] == before
    assert verify(chain.lines(), [late]) is None
    broken = verify(chain.lines(), [day(1)])
    assert (broken.nr, broken.device) == (2, "cnc")


@pytest.fixture
def chain():
    return sealed([day(n) for n in range(1, 6)], at(7))[0].lines()


def test_every_changed_byte_is_found(chain):
    """Whichever byte of a line is changed, that line or the next is named."""
    line = chain[2]
    for position in range(len(line)):
        changed = line[:position] + bytes([line[position] ^ 1]) + line[position + 1 :]
        broken = verify([*chain[:2], changed, *chain[3:]])
        assert broken is not None
        assert broken.nr == 3


@pytest.mark.parametrize(
    ("lines", "nr"),
    [
        (lambda c: (*c[:2], *c[3:]), 3),
        (lambda c: (*c[:2], c[2], *c[2:]), 4),
        (lambda c: (c[1], c[0], *c[2:]), 1),
        (lambda c: c[1:], 1),
    ],
    ids=["removed", "doubled", "swapped", "cut off"],
)
def test_the_first_bad_link_is_named(chain, lines, nr):
    """A digest taken out, doubled or moved breaks the chain there."""
    assert verify(lines(chain)).nr == nr


def test_a_changed_record_is_named(chain):
    """One count changed in one device's day names device and day."""
    broken = verify(chain, [day(1), day(2, good=101)])
    assert (broken.day, broken.device) == ("2026-07-02", "cnc")
    assert broken.why.zh
    assert broken.why.en


def test_a_chain_made_anew_is_of_another_key(chain):
    """Who makes everything anew cannot sign it as this gateway."""
    mine = json.loads(chain[0])["key"]
    other = DigestChain()
    other.seal_due(
        [day(1)], now_ms=at(3), calendar=CALENDAR, key=KeyInHand(Ed25519PrivateKey.generate())
    )
    assert verify(other.lines()) is None
    assert verify(other.lines(), key=mine).nr == 1


def test_a_forged_signature_is_false(chain):
    """A body that was changed does not fit its signature."""
    one = replace(Digest.of_line(chain[0]), sealed_ms=5)
    assert "signature" in verify([one.line()]).why.en


def test_the_key_is_its_owner_s_alone(tmp_path):
    """Made once, read afterwards; the file's mode is put right."""
    path = key_beside(tmp_path / "store.db")
    first = load_or_make(path)
    path.chmod(0o644)
    assert load_or_make(path).private_bytes_raw() == first.private_bytes_raw()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_damaged_key_is_no_new_key(tmp_path):
    """A file that is no key is never written over; the message says what to do."""
    path = tmp_path / "x.key"
    path.write_bytes(b"nonsense")
    with pytest.raises(KeyUnusableError, match="backup"):
        load_or_make(path)
    assert path.read_bytes() == b"nonsense"


def test_the_chain_goes_on_after_a_restart(tmp_path):
    """What was kept in the store is the chain that the next run goes on with."""
    known = [day(1), day(2)]
    kept = Sealing(tmp_path / "s.db").seal(known, CALENDAR)
    first = len(kept)
    assert first >= 2
    again = Sealing(tmp_path / "s.db", kept)
    kept += again.seal([*known, day(1, "late")], CALENDAR)
    assert len(kept) == first + 1
    assert verify(again.lines(), known) is None
    assert chain_of(kept).lines() == again.lines()


def test_no_key_no_seal_and_no_end(tmp_path, caplog):
    """A key that cannot be used is told, and nothing is sealed by another one."""
    (tmp_path / "s.db.key").write_bytes(b"nonsense")
    assert Sealing(tmp_path / "s.db").seal([day(1)], CALENDAR) == []
    assert "not sealed" in caplog.text
    assert "backup" in caplog.text


def test_another_process_signs_alike(tmp_path):
    """Ed25519 gives one signature: that of the key in the file, from whichever process."""
    path = tmp_path / "s.db.key"
    with KeyElsewhere(path) as elsewhere:
        here = KeyInHand(load_or_make(path))
        assert elsewhere.public == here.public
        for message in (b"", b"a day", bytes(100_000)):
            assert elsewhere.sign(message) == here.sign(message)


def test_a_signing_process_that_stands_still_is_ended(tmp_path):
    """Whoever waits for it goes on, and is told."""
    path = tmp_path / "pipe.key"
    os.mkfifo(path)  # reading it waits for ever
    with pytest.raises(KeyUnusableError, match="gone"), KeyElsewhere(path, within_s=1):
        pass


def test_the_journal_is_sealed_with_the_day(tmp_path):
    """The hash stands in the signed line, and comes back when it is read."""
    sealing = Sealing(tmp_path / "s.db", journal=lambda: "ab" * 32)
    (row,) = sealing.seal([day(1)], CALENDAR)[:1]
    line = row[2].encode()
    assert json.loads(line)["journal"] == Digest.of_line(line).journal == "ab" * 32
    altered = line.replace(b"abab", b"abcd", 1)
    assert verify([line]) is None
    assert verify([altered]).nr == 1


def test_no_journal_no_seal_and_no_end(tmp_path, caplog):
    """A journal that cannot be read keeps days from being sealed; they are when it is back."""

    def unreadable():
        raise OSError("the disk refuses it")

    assert Sealing(tmp_path / "s.db", journal=unreadable).seal([day(1)], CALENDAR) == []
    assert "the disk refuses it" in caplog.text
    assert Sealing(tmp_path / "s.db").seal([day(1)], CALENDAR)
