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
from agent.store.outbox import Batch
from agent.store.sqlite import Outbox
from simulators.platform.checks import Checker


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


async def test_status_of_an_agent_that_runs_lists_its_destinations(tmp_path, capsys):
    """Where there are several, status tells what became of the rows for each, also as JSON."""
    box = Box(tmp_path)
    url = f"mqtt://127.0.0.1:{free_port()}"
    both = [{"name": "park", "url": url}, {"name": "hq", "url": url, "policy": "best_effort"}]
    configuration = loaded(tmp_path, url, shop(1), http=Http(port=box.port), publish=both)
    async with Life(configuration) as agent:
        await agent.stored(5)
        assert await asyncio.to_thread(box.say, "store", "status", lang="zh") == Exit.OK
        assert "上报目标 hq：" in capsys.readouterr().out
        assert await asyncio.to_thread(box.say, "store", "status", "--json") == Exit.OK
        told = json.loads(capsys.readouterr().out)["destinations"]
        assert [one["name"] for one in told] == ["park", "hq"]
        assert all(one["waiting"]["rows"] >= 5 and one["balanced"] for one in told)


def test_the_loop_can_be_chosen(monkeypatch):
    """The faster loop where it is installed, asyncio's own where it is asked for."""
    import uvloop

    monkeypatch.delenv("CHULIAN_LOOP", raising=False)
    assert run_command.loop_factory() is uvloop.new_event_loop
    monkeypatch.setenv("CHULIAN_LOOP", "asyncio")
    assert run_command.loop_factory() is None


@pytest.mark.parametrize(("lang", "words"), [("en", "3 rows exported"), ("zh", "已导出 3 行")])
def test_unsent_rows_are_rescued_as_messages(box, tmp_path, capsys, lang, words):
    """Export writes each unsent row as a message that the platform accepts; nothing is changed."""
    outbox = box.open()
    put(outbox, *(data(1, block(n)) for n in range(1, 6)))
    ack(outbox, (1, 2))
    epoch = outbox.epoch
    outbox.close(clean=True)
    before = box.path.read_bytes()
    out = tmp_path / "rows.ndjson"
    assert box.say("store", "export", "--out", str(out), lang=lang) == Exit.OK
    assert words in capsys.readouterr().err
    checker = Checker(full_first=10**6)
    documents = [json.loads(line) for line in out.read_bytes().splitlines()]
    for document in documents:
        checker.check("data", document, gateway="gw")
    assert [(d["ep"], d["b"][0]["n"]) for d in documents] == [(epoch, n) for n in (3, 4, 5)]
    assert box.path.read_bytes() == before
    assert box.say("store", "export", "--out", str(out), lang=lang) == Exit.USAGE
    assert str(out) in capsys.readouterr().err


def test_kept_rows_are_rescued_on_request(box, tmp_path):
    """With --all the rows that were sent and are still there come too."""
    box.fill()
    out = tmp_path / "rows.ndjson"
    assert box.say("store", "export", "--all", "--out", str(out)) == Exit.OK
    assert len(out.read_bytes().splitlines()) == 5


def test_rows_are_rescued_out_of_a_damaged_file(box, tmp_path):
    """A file whose head is destroyed gives every sound row, under its own epoch and number."""
    outbox = box.open()
    put(outbox, *(data(1, block(n)) for n in range(1, 31)))
    epoch = outbox.epoch
    outbox.close(clean=True)
    content = bytearray(box.path.read_bytes())
    content[:100] = b"\0" * 100
    damaged, out = tmp_path / "damaged.db", tmp_path / "rows.ndjson"
    damaged.write_bytes(content)
    assert box.say("store", "export", "--file", str(damaged), "--out", str(out)) == Exit.OK
    found = {json.loads(line)["b"][0]["n"] for line in out.read_bytes().splitlines()}
    assert found == set(range(1, 31))
    assert json.loads(out.read_bytes().splitlines()[0])["ep"] == epoch
    assert damaged.read_bytes() == content


def test_a_file_that_is_no_store_gives_an_error(box, tmp_path, capsys):
    """Nothing is exported of a file that is none of ours, and of one that is not there."""
    (tmp_path / "x").write_bytes(b"no store" * 5000)
    for name in ("x", "missing"):
        assert box.say("store", "export", "--file", str(tmp_path / name), lang="zh") == Exit.USAGE
        assert name in capsys.readouterr().err


def block(number):
    """Give the body of a row that holds its number."""
    document = {"t0": number, "d": "cnc", "g": "g", "t": [0], "s": {"x": [number]}}
    return json.dumps(document, separators=(",", ":")).encode()[1:]


@pytest.mark.parametrize("damaged", [False, True])
def test_rescued_rows_bear_the_times_that_were_settled(box, tmp_path, damaged):
    """Rows of a clock that was not set yet come without their stamp, dated as they would be."""
    outbox = box.open()
    settled = ("@clock", "00ff00ff00ff00ff", '[[500,"sync",7000000000000]]', 1)
    stamps = (b"~00ff00ff00ff00ff 1000000 400~", b"~00ff00ff00ff00ff 1000000 600~", b"")
    put(outbox, *(data(1, stamp + block(n)) for n, stamp in enumerate(stamps, start=1)))
    outbox.commit(Batch(lessons=[settled]))
    outbox.close(clean=True)
    words = ["--file", str(box.path)] if damaged else []
    if damaged:
        content = bytearray(box.path.read_bytes())
        content[:100] = b"\0" * 100
        box.path.write_bytes(content)
    out = tmp_path / "rows.ndjson"
    assert box.say("store", "export", *words, "--out", str(out)) == Exit.OK
    documents = [json.loads(line) for line in out.read_bytes().splitlines()]
    checker = Checker(full_first=10**6)
    for document in documents:
        checker.check("data", document, gateway="gw")
    given = {n: json.loads(b"{" + block(n))["t0"] for n in (1, 2, 3)}
    told = {d["b"][0]["n"]: (d["b"][0]["t0"] - given[d["b"][0]["n"]], d["clk"]) for d in documents}
    assert told == {1: (6_999_999, "hold"), 2: (0, "free"), 3: (0, "hold")}
