"""Personalities: how they are written, and what each does to an answer."""

import pytest

from simulators.modbus.drafts import Draft, Stage
from simulators.modbus.framing import Request, framing_of
from simulators.modbus.moods import Temper, parse_mood
from simulators.modbus.personalities import PERSONALITIES, listing

ANSWER = bytes.fromhex("0304002a0007")


def spoilt(name, *, framing="tcp", pdu=ANSWER):
    """Send one answer through one personality with its usual value."""
    request = Request(5, bytes.fromhex("0300000002"), 300)
    draft = Draft(request, framing, 5, 300, pdu)
    temper = Temper([name])
    drawn = temper.draw(5)
    temper.act(drawn, draft, Stage.CONTENT)
    if draft.pdu is not None:
        draft.frame = framing_of(framing).wrap(draft.unit, draft.pdu, transaction=draft.transaction)
        temper.act(drawn, draft, Stage.FRAME)
        draft.pieces = [(0.0, draft.frame)]
        temper.act(drawn, draft, Stage.PIECES)
    return draft


@pytest.mark.parametrize("framing", ["tcp", "rtu", "ascii"])
@pytest.mark.parametrize(
    "name", [n for n, p in PERSONALITIES.items() if p.stage is not Stage.CONNECTION]
)
def test_each_personality_spoils_something(name, framing):
    """No personality leaves an answer as it was; ids concern only the framing that has them."""
    sane = framing_of(framing).wrap(5, ANSWER, transaction=300)
    draft = spoilt(name, framing=framing)
    as_it_was = (
        draft.pieces == [(0.0, sane)]
        and draft.delay_s == 0
        and not draft.close
        and not draft.reboot_s
    )
    assert as_it_was == (name.startswith("id-") and framing != "tcp")


@pytest.mark.parametrize(
    "name", ["wrong-unit", "wrong-function", "count-short", "count-long", "count-odd"]
)
def test_what_must_not_be_taken_carries_wrong_data(name):
    """An answer that should be rejected would be a wrong value if it were not."""
    assert ANSWER[2:] not in b"".join(piece for _, piece in spoilt(name).pieces)


def test_counts_are_consistent_or_lie():
    """Wrong counts come with a frame of that length; a lying one does not."""
    assert spoilt("count-short").pdu[1] == 2
    assert spoilt("count-long").pdu[1] == 6
    assert spoilt("count-odd").pdu[1] == 3
    assert len(spoilt("count-odd").pdu) == 2 + 3
    assert spoilt("count-lying").pdu[1] != len(spoilt("count-lying").pdu) - 2


def test_an_exception_is_left_alone_by_what_changes_data():
    """A refusal has no data to invert."""
    assert spoilt("count-short", pdu=b"\x83\x02").pdu == b"\x83\x02"


def test_torn_pieces_are_the_whole_answer():
    """Nothing is lost or added by tearing."""
    draft = spoilt("torn")
    assert len(draft.pieces) == 4
    assert b"".join(piece for _, piece in draft.pieces) == draft.frame


def test_noise_is_always_found_by_the_checksum():
    """A damaged RTU or ASCII answer never passes as the sane one's payload."""
    for framing in ("rtu", "ascii"):
        sane = framing_of(framing).wrap(5, ANSWER, transaction=0)
        temper = Temper(["noise"], seed=3)
        for _ in range(300):
            draft = Draft(Request(5, b"\x03"), framing, 5, 0, ANSWER, frame=sane)
            temper.act(temper.draw(5), draft, Stage.FRAME)
            assert draft.frame != sane


def test_flood_lasts_as_long_as_20_megabytes_a_second():
    """The flood is 20 MB in about a second."""
    pieces = spoilt("flood").pieces
    assert sum(len(piece) for _, piece in pieces) == pytest.approx(20e6, rel=0.01)
    assert sum(wait_s for wait_s, _ in pieces) == pytest.approx(1.0, rel=0.01)


def test_a_mood_as_written():
    """Name, value, probability and unit, each but the first optional."""
    mood = parse_mood("late:0.5@0.1#7")
    assert (mood.personality.name, mood.value, mood.share, mood.unit) == ("late", "0.5", 0.1, 7)
    assert str(mood) == "late:0.5@0.1#7"
    assert str(parse_mood("dead")) == "dead"
    assert parse_mood("drip").value == "0.1"


@pytest.mark.parametrize(
    "text",
    ["", "lazy", "late:x", "late:-1", "late@0", "late@2", "dead:1", "heartbeat:hex:0g", "#3"],
)
def test_a_mood_that_is_none(text):
    """What is wrong is said in both languages, and nothing changes."""
    temper = Temper(["dead"])
    with pytest.raises(ValueError, match=r"[一-龥]"):
        temper.set("late", text)
    assert [str(mood) for mood in temper.moods] == ["dead"]


def test_probability_and_unit():
    """A mood acts as often as it says, and on its unit only."""
    temper = Temper(["dead@0.25#3"], seed=11)
    acted = sum(bool(temper.draw(3)) for _ in range(4000))
    assert acted == pytest.approx(1000, rel=0.1)
    assert not any(temper.draw(4) for _ in range(100))


def test_the_dice_are_seeded():
    """The same seed draws the same, another one something else."""

    def draws(seed):
        temper = Temper(["dead@0.5"], seed=seed)
        return [bool(temper.draw(1)) for _ in range(64)]

    assert draws(2) == draws(2)
    assert draws(2) != draws(3)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_listing_names_all(language):
    """Each personality has a line of its own in both languages."""
    lines = listing(language).splitlines()
    assert len(lines) == len(PERSONALITIES)
    assert all(name in line for name, line in zip(PERSONALITIES, lines, strict=True))
