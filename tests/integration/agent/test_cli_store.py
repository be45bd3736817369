"""`chulian store` and `chulian run` at the edge of the store: counters, findings, refusals."""

from __future__ import annotations

import asyncio
import json
import sqlite3

import pytest
from integration.agent.agents import Life, free_port, loaded, occupied, shop
from unit.agent.store.outboxes import ack, data, put

from agent.cli import run as run_command
from agent.cli.main import main
from agent.cli.output import Exit
from agent.config.model import Http, Store
from agent.store.sqlite import Outbox


class Box:
    """A configuration file and the store it names."""

    def __init__(self, tmp_path, *, port=0):
        self.path = tmp_path / "store.db"
        self.port = port or free_port()
        self.config = tmp_path / "agent.yaml"
        document = {
            "gateway": {"id": "gw"},
            "enterprise": {"id": "ent"},
            "store": {"path": str(self.path)},
            "publish": [{"url": f"mqtt://127.0.0.1:{free_port()}"}],
            "http": {"port": self.port},
        }
        self.config.write_text(json.dumps(document), "utf-8")

    def open(self):
        """Open the store as an agent would."""
        return Outbox.open(Store(path=self.path))

    def fill(self):
        """Leave five rows, two of them acknowledged."""
        outbox = self.open()
        put(outbox, *(data(2) for _ in range(5)))
        ack(outbox, (1, 2))
        outbox.close(clean=True)

    def say(self, *words, lang="en"):
        """Run a command; give its exit code."""
        return main(["--lang", lang, *words, "-c", str(self.config)])


@pytest.fixture
def box(tmp_path):
    return Box(tmp_path)


@pytest.fixture(autouse=True)
def _logging_is_left_alone(monkeypatch):
    """`run` would set up logging for the whole process; what it logs is not the matter here."""
    monkeypatch.setattr(run_command.logs, "set_up", lambda *_, **__: None)


@pytest.mark.parametrize(("lang", "words"), [("en", "waiting"), ("zh", "待发送")])
@pytest.mark.parametrize("action", ["status", "verify"])
def test_a_sound_store_is_shown(box, capsys, action, lang, words):
    """Counters, the law and the count row by row are shown in both languages; exit code 0."""
    box.fill()
    assert box.say("store", action, lang=lang) == Exit.OK
    shown = capsys.readouterr().out
    assert words in shown
    assert "✓" in shown
    assert "3 / 6" in shown


def test_a_store_is_shown_as_json(box, capsys):
    """One JSON document holds every counter and what was found."""
    box.fill()
    assert box.say("store", "verify", "--json") == Exit.OK
    document = json.loads(capsys.readouterr().out)
    assert document["stored"] == {"rows": 5, "values": 10}
    assert document["acked"] == {"rows": 2, "values": 4}
    assert document["found"] == document["waiting"] == {"rows": 3, "values": 6}
    assert (document["sound"], document["integrity"]) == (True, "ok")


def test_counters_that_are_not_true_are_a_finding(box, capsys):
    """A store whose rows do not match its counters ends with the code of findings."""
    box.fill()
    with sqlite3.connect(box.path) as other:
        other.execute("DELETE FROM rows WHERE seq = 4")
    other.close()
    assert box.say("store", "verify") == Exit.FINDINGS


@pytest.mark.parametrize(("lang", "words"), [("en", "no store yet"), ("zh", "不存在")])
def test_a_store_that_is_not_there(box, capsys, lang, words):
    """Without a store the command says so on stderr and ends with the usage code."""
    assert box.say("store", "verify", lang=lang) == Exit.USAGE
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(("lang", "words"), [("en", "another process"), ("zh", "另一个进程")])
@pytest.mark.parametrize("command", [["store", "verify"], ["run"]])
def test_a_store_that_is_in_use(box, capsys, command, lang, words):
    """Neither verify nor a second agent touches a store that is open."""
    outbox = box.open()
    assert box.say(*command, lang=lang) == Exit.USAGE
    assert words in capsys.readouterr().err
    outbox.close(clean=True)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_run_on_a_port_that_is_taken(tmp_path, capsys, lang):
    """An agent whose page cannot be served ends with a message that names the port."""
    with occupied() as port:
        box = Box(tmp_path, port=port)
        assert box.say("run", lang=lang) == Exit.USAGE
        assert str(port) in capsys.readouterr().err


async def test_status_asks_the_agent_that_runs(tmp_path, capsys):
    """While an agent runs, status shows its live counters; verify says that it is in use."""
    box = Box(tmp_path)
    configuration = loaded(
        tmp_path, f"mqtt://127.0.0.1:{free_port()}", shop(1), http=Http(port=box.port)
    )
    async with Life(configuration) as agent:
        await agent.stored(5)
        assert await asyncio.to_thread(box.say, "store", "status") == Exit.OK
        assert "✓" in capsys.readouterr().out
        assert await asyncio.to_thread(box.say, "store", "status", "--json") == Exit.OK
        assert json.loads(capsys.readouterr().out)["stored"]["rows"] >= 5
        assert await asyncio.to_thread(box.say, "store", "verify") == Exit.USAGE


def test_the_loop_can_be_chosen(monkeypatch):
    """The faster loop where it is installed, asyncio's own where it is asked for."""
    import uvloop

    monkeypatch.delenv("CHULIAN_LOOP", raising=False)
    assert run_command.loop_factory() is uvloop.new_event_loop
    monkeypatch.setenv("CHULIAN_LOOP", "asyncio")
    assert run_command.loop_factory() is None
