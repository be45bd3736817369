"""`chulian rate`: from the running agent, else from the store, else from the ledger alone."""

from __future__ import annotations

import json
import sqlite3
from argparse import ArgumentTypeError, Namespace
from contextlib import contextmanager
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import orjson
import pytest

from agent.cli import rate
from agent.cli.arguments import Parser
from agent.cli.main import main
from agent.config.ledger import ControlSet, Process
from agent.config.model import Http, Store
from agent.kpi.evidence import DeviceDay
from agent.kpi.report import rate_status
from agent.kpi.result import compute
from agent.store.outbox import Batch
from agent.store.sqlite import Outbox

AS_OF = date(2026, 7, 31)
DEVICES = {id_: id_.lower() for id_ in ("L1", "L2", "L3", "V1", "V2", "V3")}


def observed(days=15):
    return [
        DeviceDay(device, AS_OF - timedelta(days=n), 100, True, 10, 0, 1)
        for device in DEVICES.values()
        for n in range(days)
    ]


@pytest.fixture
def config(make_config, shop_a):
    processes = (
        *(Process(id=p, name={"turn": "车削"}.get(p, "")) for p in shop_a),
        Process(id="heat", name="热处理", outsourced="宏达热处理厂"),
    )
    return make_config(shop_a, devices=DEVICES, processes=processes)


@pytest.fixture
def ask(config, now_ms, capsys, monkeypatch):
    """Runs the command on injected sources; gives its standard output."""
    monkeypatch.setenv("COLUMNS", "120")

    def run(*, status=None, rows=None, lang="en", **options):
        def read(path):
            if rows is None:
                raise sqlite3.OperationalError("unable to open database file")
            return rows

        args = {"config": None, "as_of": None, "method": None, "control_set": None, "json": False}
        sources = rate.Sources(lambda _: config, lambda _: status, read, lambda: now_ms)
        assert rate.run(Namespace(**args | options, lang=lang), sources) == 0
        return capsys.readouterr().out

    return run


def rows():
    return [day.row() for day in observed()]


def running(config, now_ms):
    return rate_status(compute(config, observed(), now_ms=now_ms))


def test_from_the_store(ask):
    """Evidence of the store gives example A-verified, with exact fractions."""
    answer = json.loads(ask(rows=rows(), json=True))
    assert answer["origin"] == "store"
    assert answer["declared"] == {"num": 2, "den": 3, "percent": "66.67"}
    assert answer["verified"] == {"num": 3, "den": 8, "percent": "37.50"}
    assert answer["gap"]["percent"] == "29.17"
    assert answer["coverage"] == {"verified": 6, "declared": 9, "percent": "66.67"}
    assert answer["by_method"]["pool"]["verified"] == {"num": 6, "den": 13, "percent": "46.15"}
    assert answer["processes"][0]["verified"] == ["L1", "L2", "L3"]
    assert answer["excluded"] == [{"id": "heat", "outsourced": "宏达热处理厂"}]


def test_from_the_running_agent(ask, config, now_ms):
    """A running agent's rate is shown as it is, and equals what the store would have given."""
    from_agent = json.loads(ask(status=running(config, now_ms), json=True))
    from_store = json.loads(ask(rows=rows(), json=True))
    assert (from_agent.pop("origin"), from_store.pop("origin")) == ("agent", "store")
    assert (from_agent.pop("notes"), len(from_store.pop("notes"))) == ([], 1)
    assert from_agent == from_store


def test_ledger_alone(ask):
    """Without evidence only declared figures are shown, and nothing is called 0 or unverified."""
    answer = json.loads(ask(json=True))
    assert answer["origin"] == "ledger"
    assert answer["declared"]["percent"] == "66.67"
    assert answer["verified"] is answer["adjusted"] is answer["gap"] is answer["coverage"] is None
    standings = {m["id"]: m["status"] for m in answer["machines"]}
    assert (standings["L1"], standings["L5"]) == (None, "not_claimed")
    assert "unable to open database file" in answer["notes"][1]["en"]
    text = ask()
    assert "only what is declared is shown" in " ".join(text.split())
    assert "not verified" not in text


def test_agent_with_another_ledger_is_not_believed(ask, config, make_config, now_ms):
    """Figures of an agent that runs another file are not shown under this file's name."""
    other = make_config({"turn": {"L1": "CNC"}})
    answer = json.loads(ask(status=running(other, now_ms), rows=rows(), json=True))
    assert answer["origin"] == "store"
    assert "another ledger" in answer["notes"][0]["en"]


def test_day_and_set_the_agent_does_not_know_come_from_the_store(ask, config, now_ms):
    """The agent tells today and its own set only; other questions go to the store."""
    status = running(config, now_ms)
    day = AS_OF - timedelta(days=10)
    earlier = json.loads(ask(status=status, rows=rows(), as_of=day, json=True))
    assert (earlier["origin"], earlier["as_of"]) == ("store", "2026-07-21")
    assert earlier["verified"]["num"] == 0
    broad = json.loads(ask(status=status, rows=rows(), control_set="broad", json=True))
    assert (broad["origin"], broad["control_set"]) == ("store", "broad")
    same = json.loads(ask(status=status, rows=rows(), as_of=AS_OF, json=True))
    assert same["origin"] == "agent"


def test_method_chooses_the_headline(ask, config, now_ms):
    """Another formula is only another headline; the agent's answer serves."""
    answer = json.loads(ask(status=running(config, now_ms), method="all", json=True))
    assert (answer["origin"], answer["verified"]["percent"]) == ("agent", "25.00")


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("zh", ["关键工序数控化率", "车削", "已验证", "待验证", "未申报", "台账中未登记采集设备",
                "未达到", "外协工序不计入：heat 热处理（宏达热处理厂）", "29.17 个百分点",
                "按两化融合口径（未附原文）"]),
        ("en", ["Key-process CNC rate", "not verified", "37.50% (3/8)", "6/9 (66.67%)",
                "outsourced, not counted: heat 热处理 (宏达热处理厂)",
                "the ledger names no device"]),
    ],
)  # fmt: skip
def test_page_for_people(ask, lang, words):
    """A person reads figures, standings, reasons and exclusions in their language, uncut."""
    text = ask(rows=rows(), lang=lang)
    assert [w for w in words if w not in text] == []
    assert "…" not in text


def test_narrow_terminal_cuts_nothing(ask, monkeypatch):
    """On 80 columns every sentence is still there to its last word."""
    monkeypatch.setenv("COLUMNS", "80")
    assert "…" not in ask(rows=rows(), lang="zh")


def test_dropped_process_is_told(make_config, shop_a, now_ms, capsys):
    """A key process that left within the period is named, for it raises the rate."""
    processes = tuple(
        Process(id=p, valid_to=date(2026, 7, 20) if p == "grind" else None) for p in shop_a
    )
    config = make_config(shop_a, processes=processes)
    sources = rate.Sources(lambda _: config, lambda _: None, lambda _: [], lambda: now_ms)
    args = Namespace(config=None, as_of=None, method=None, control_set=None, json=False, lang="zh")
    rate.run(args, sources)
    assert "key_process_removed" in capsys.readouterr().out


def test_no_key_process_is_no_zero(make_config, now_ms, capsys):
    """An enterprise without key process gets a sentence instead of a figure."""
    sources = rate.Sources(lambda _: make_config({}), lambda _: None, lambda _: [], lambda: now_ms)
    args = Namespace(config=None, as_of=None, method=None, control_set=None, json=False, lang="zh")
    rate.run(args, sources)
    text = capsys.readouterr().out
    assert "当日没有有效的关键工序" in text
    assert "0.00%" not in text


@pytest.mark.parametrize(
    ("control", "rules", "code"),
    [("manual", {}, ""), ("CNC", {"scheduled_days": 4}, "too_few_scheduled_days")],
)
def test_what_cannot_be_covered_has_no_coverage(make_config, capsys, *, control, rules, code):
    """Without declared machine, or in too short a period, coverage is null and not 0."""
    config = make_config({"p": {"L": control}}, **rules)
    sources = rate.Sources(lambda _: config, lambda _: None, lambda _: [], lambda: 0)
    args = {"config": None, "as_of": None, "method": None, "control_set": None, "lang": "zh"}
    rate.run(Namespace(**args, json=True), sources)
    answer = json.loads(capsys.readouterr().out)
    assert (answer["coverage"], answer["null_reason"]) == (None, code)
    assert (answer["verified"] is None) == bool(code)
    rate.run(Namespace(**args, json=False), sources)
    assert "验证覆盖     —" in capsys.readouterr().out


def test_whole_command(tmp_path, capsys):
    """`chulian rate -c FILE` loads the file, finds no agent and no store, and ends with 0."""
    file = tmp_path / "agent.yaml"
    file.write_text(
        """
gateway: {id: gw1}
enterprise: {id: e1}
publish: [{url: "mqtts://127.0.0.1:8883"}]
http: {enabled: false}
processes: [{id: turn}]
equipment: [{id: L1, control_type: CNC, processes: [turn]}]
""",
        encoding="utf-8",
    )
    assert main(["rate", "-c", str(file), "--json", "--lang", "en"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["origin"], answer["declared"]["percent"]) == ("ledger", "100.00")


def test_options():
    """A day that is none is refused in the reader's language; methods and sets are listed."""
    parser = Parser(prog="chulian rate", lang="zh")
    rate.add_arguments(parser)
    args = parser.parse_args(["--as-of", "2026-07-31", "--method", "pool", "--set", "broad"])
    assert (args.as_of, args.method, args.control_set) == (AS_OF, "pool", "broad")
    convert = next(a.type for a in parser._actions if a.dest == "as_of")
    with pytest.raises(ArgumentTypeError, match="不是日期"):
        convert("31.7.2026")


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8642"),
        ("0.0.0.0", "http://127.0.0.1:8642"),
        ("::", "http://[::1]:8642"),
        ("fd00::2", "http://[fd00::2]:8642"),
        ("gateway.local", "http://gateway.local:8642"),
    ],
)
def test_address(host, url):
    """An agent that listens everywhere is asked on this box."""
    assert rate.address(Http(host=host)) == url


@contextmanager
def page(body, code=200):
    """Serves one body at every path, on a real socket."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(code)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            """Keep quiet."""

    asked = []
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield Http(port=server.server_port), asked
        finally:
            server.shutdown()
            thread.join()


def test_asks_the_running_agent_over_http(config, now_ms, monkeypatch):
    """The status comes over a real connection, never through a proxy."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    status = running(config, now_ms)
    with page(orjson.dumps(status)) as (http, asked):
        assert rate._ask(http) == status
    assert asked == ["/api/rate"]


@pytest.mark.parametrize(
    ("body", "code"), [(b"null", 200), (b"<html>", 200), (b"{}", 200), (b"\xff", 200), (b"x", 503)]
)
def test_other_answers_are_no_agent(body, code):
    """Whatever else listens on the port is not taken for the agent."""
    with page(body, code) as (http, _):
        assert rate._ask(http) is None


def test_nobody_listens():
    """A closed port, a page switched off and a port chosen at start are no answer."""
    with page(b"") as (http, _):
        pass
    assert rate._ask(http) is None
    assert rate._ask(Http(enabled=False)) is None
    assert rate._ask(Http(port=0)) is None


def test_reads_a_real_store(tmp_path, monkeypatch):
    """Evidence of a closed store is read, one that is in use is an error, none is created."""
    monkeypatch.setattr(rate, "_TIMEOUT_S", 0.01)
    path = tmp_path / "chulian.db"
    with pytest.raises(sqlite3.OperationalError):
        rate._read(path)
    assert list(tmp_path.iterdir()) == []
    outbox = Outbox.open(Store(path=path))
    try:
        outbox.commit(Batch(evidence=rows()))
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            rate._read(path)
    finally:
        outbox.close(clean=True)
    assert sorted(rate._read(path)) == sorted(rows())


def test_control_sets_of_the_model_are_the_options():
    """Every control set of the configuration can be asked for."""
    parser = Parser(prog="chulian rate", lang="en")
    rate.add_arguments(parser)
    for one in ControlSet:
        assert parser.parse_args(["--set", one.value]).control_set == one
