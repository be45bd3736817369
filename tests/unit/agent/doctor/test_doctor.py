"""The parts of the doctor: each says what it saw and what to do, in both languages."""

from __future__ import annotations

import asyncio
import socket
from types import SimpleNamespace

import pytest

from agent.config.model import AgentConfig
from agent.doctor import box, devices, platform, sealing, store, wear
from agent.doctor.finding import Finding, Level, exit_code
from agent.kpi.device_key import load_or_make
from agent.losses.spans import LossSpan
from agent.proof.key import fingerprint, public_pem
from agent.telemetry.status import Message
from simulators.mqtt import Broker


def config(tmp_path, url="mqtt://127.0.0.1:1", **sections):
    """Give a configuration without devices."""
    document = {
        "gateway": {"id": "gw"},
        "enterprise": {"id": "ent"},
        "store": {"path": tmp_path / "store.db"},
        "publish": [{"url": url}],
    }
    return AgentConfig.model_validate(document | sections)


def by_code(findings):
    """Give findings by their code."""
    return {one.code: one for one in findings}


@pytest.mark.parametrize(
    ("levels", "code"),
    [((), 0), ((Level.OK,), 0), ((Level.OK, Level.WARN), 1), ((Level.BAD,), 1),
     ((Level.WARN, Level.AWAY), 3)],
)  # fmt: skip
def test_the_exit_code_says_how_bad_it_is(levels, code):
    """0 all well, 1 something to look at, 3 something does not answer."""
    text = Message("x", "x")
    assert exit_code(Finding("c", level, "w", text) for level in levels) == code


def test_a_disk_is_written_and_left_as_it_was(tmp_path):
    """Room, inodes and a sync are measured; the probe is gone afterwards."""
    found = by_code(box.disk(config(tmp_path)))
    assert set(found) == {"disk_room", "disk_inodes", "disk_sync"}
    assert found["disk_sync"].level in {Level.OK, Level.WARN}
    assert list(tmp_path.iterdir()) == []


def test_a_limit_beyond_the_disk_is_said(tmp_path):
    """A store that may grow beyond the free room is a warning with what to do."""
    found = by_code(box.disk(config(tmp_path, store={"path": tmp_path / "s.db", "max_mb": 1e6})))
    assert found["disk_room"].level is Level.WARN
    assert "store.max_mb" in found["disk_room"].todo.zh


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    """Where the probe cannot be made, the disk's own words are told."""
    (tmp_path / f"chulian{box.PROBE_SUFFIX}").mkdir()
    found = by_code(box.disk(config(tmp_path)))
    assert found["disk_write"].level is Level.BAD
    assert found["disk_write"].todo.en


@pytest.mark.parametrize(("sync", "level"), [(True, Level.OK), (False, Level.WARN)])
def test_a_clock_that_nobody_sets_is_said(tmp_path, sync, level):
    """The clock is well only with a time source."""
    (found,) = box.clock(config(tmp_path), lambda: sync)
    assert found.level is level


def test_wear_is_estimated_from_what_the_agent_wrote(tmp_path):
    """The life of a card follows from the bytes a day, by the rule the page states."""
    path = tmp_path / "store.db"
    (tmp_path / "store.db.lock").write_text("77\n")
    proc = tmp_path / "proc"
    (proc / "77").mkdir(parents=True)
    (proc / "77" / "io").write_text("rchar: 1\nwrite_bytes: 86400000\n")
    (proc / "77" / "stat").write_text("77 (a b) S " + "0 " * 18 + "0 0")
    (proc / "uptime").write_text("86400.0 1.0\n")
    (found,) = wear.wear(config(tmp_path), proc)
    assert found.code == "disk_wear"
    assert "86 MB" in found.seen.en
    assert path.parent == tmp_path


def test_wear_of_no_agent_is_not_guessed(tmp_path):
    """Without a running agent nothing is said of the card."""
    assert wear.wear(config(tmp_path)) == []


def test_the_agents_own_words_of_its_store_become_findings():
    """A problem is bad, a notice a warning, and losses of today name their cause and device."""
    now_ms = 1_795_400_000_000
    document = {
        "balanced": False, "waiting": {"rows": 3}, "oldest_ms": None,
        "problem": {"en": "full", "zh": "满"}, "notice": {"en": "set aside", "zh": "隔离"},
    }  # fmt: skip
    spans = (LossSpan("late", "m1", now_ms, 4_000_000_000_000, 1, 7),)
    found = by_code(store.of_agent(document, spans, where="here"))
    assert found["store_law"].level is Level.BAD
    assert found["store_problem"].level is Level.BAD
    assert found["store_notice"].level is Level.WARN
    assert (found["loss_late"].where, found["loss_late"].level) == ("m1", Level.WARN)
    assert "7 polls" in found["loss_late"].seen.en


def test_a_device_of_the_agent_is_told_with_its_problem():
    """A device that is away is away in the agent's words; one with bad points is a warning."""
    document = {"id": "m1", "name": "L", "problem": {"en": "no", "zh": "无"}, "tags": [],
                "state": "backoff"}  # fmt: skip
    assert devices.of_agent(document).level is Level.AWAY
    document |= {"state": "online", "problem": None, "tags": [{"quality": 192}, {"quality": 0}]}
    found = devices.of_agent(document)
    assert (found.level, "1 of 2" in found.seen.en) == (Level.WARN, True)


async def test_the_way_to_a_broker_is_gone_step_by_step(tmp_path):
    """Name, connection and login are three findings; login only where it is asked for."""
    async with Broker() as broker:
        settings = config(tmp_path, broker.url)
        go = platform.reach(settings, settings.publish[0], password=None, login=True)
        found = [(one.code, one.level) for one in await go]
        go = platform.reach(settings, settings.publish[0], password=None, login=False)
        without = [one.code for one in await go]
    assert found == [(f"platform_{s}", Level.OK) for s in ("name", "connect", "login")]
    assert without == ["platform_name", "platform_connect"]


async def test_a_broker_that_is_not_there_is_said_at_its_step(tmp_path):
    """A refused connection ends the way there, with what to check."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        settings = config(tmp_path, f"mqtt://127.0.0.1:{probe.getsockname()[1]}")
        go = platform.reach(settings, settings.publish[0], password=None, login=True)
        found = await go
    assert [one.code for one in found] == ["platform_name", "platform_connect"]
    assert found[-1].level is Level.AWAY
    assert found[-1].todo.zh


async def test_a_name_that_does_not_exist_is_said(tmp_path, monkeypatch):
    """A name nobody knows ends the way at its first step, without holding up the loop."""

    def unknown(*_args, **_kwargs):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(platform.socket, "getaddrinfo", unknown)
    settings = config(tmp_path, "mqtt://nowhere.invalid:1883")
    go = platform.reach(settings, settings.publish[0], password=None, login=True)
    found = await asyncio.wait_for(go, 10)
    assert [one.code for one in found] == ["platform_name"]


def test_a_finding_is_json_in_both_languages():
    """A document holds code, level, place, what was seen and what to do."""
    one = Finding("c", Level.BAD, "w", Message("a", "甲"), Message("b", "乙"))
    assert one.as_dict() == {
        "code": "c", "level": "bad", "where": "w",
        "seen": {"en": "a", "zh": "甲"}, "todo": {"en": "b", "zh": "乙"},
    }  # fmt: skip
    assert SimpleNamespace(**one.as_dict()).code == "c"


@pytest.mark.parametrize(
    ("law", "code", "level"),
    [
        ({}, "platform_rows", Level.OK),
        ({"dropped": {"rows": 2}}, "platform_rows", Level.WARN),
        ({"balanced": False}, "platform_law", Level.BAD),
    ],
    ids=["well", "lost", "unbalanced"],
)
def test_each_destination_is_told_with_its_own_rows(law, code, level):
    """With several destinations each one's account is looked at; with one there is none apart."""
    document = {"name": "cloud", "url": "mqtt://c", "connected": True, "problem": None,
                "unconfirmed": 7, "rows": None}  # fmt: skip
    (found,) = platform.of_agent(document)
    assert (found.level, "7 rows" in found.seen.en) == (Level.OK, True)
    nothing = {"rows": 0, "values": 0}
    rows = {"waiting": nothing, "rejected": nothing, "dropped": nothing, "balanced": True} | law
    _, found = platform.of_agent(document | {"rows": rows})
    assert (found.code, found.level, found.where) == (code, level, "cloud")


def test_the_key_is_told_as_a_proof_file_tells_it(tmp_path):
    """Export and verify give the same fingerprint; before the first sealed day there is none."""
    private = load_or_make(tmp_path / "s.db.key")
    public = private.public_key().public_bytes_raw().hex()
    assert sealing.of_agent(None, where="here") == sealing.of_agent({"key": ""}, where="here") == []
    (one,) = sealing.of_agent({"key": public}, where="here")
    assert one.level is Level.OK
    assert fingerprint(public_pem(private)) == one.seen.zh.split(" ", 1)[1].replace(" ", "")
    assert sealing.of_file(tmp_path / "none.db") == []
