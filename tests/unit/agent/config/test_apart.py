"""Settings read by another process are the settings that are read here."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from agent.config.apart import LOAD, Question, ReaderError, ask
from agent.config.load import load
from agent.config.problems import ConfigError
from agent.kpi.evidence import CONTROL_METRICS, RULES
from agent.publish.announce import meta_content

CONFIG = """
gateway: {id: gw, name: 网关}
enterprise: {id: e1, name: 示例, region: "420111"}
publish: [{url: "mqtt://127.0.0.1:1883", username: u, password: "env:SECRET_OF_MINE"}]
processes: [{id: turning, name: 车削, declared_on: 2026-01-02}]
equipment:
  - {id: m1, control_type: CNC, processes: [turning], device: lathe, in_service_from: 2025-03-04}
devices:
  - id: lathe
    driver: modbus
    host: 127.0.0.1
    tags:
      - {name: spindle.speed, address: "hr:100", type: uint16, unit: rev.min-1}
      - {name: power.active, address: "hr:10", type: float32, group: slow, deadband: 0.5}
    groups: {slow: {interval_s: 5, report: change}}
    computed: [{name: spindle.hot, value: "spindle.speed > 8000"}]
  - id: cell
    driver: opcua
    url: opc.tcp://127.0.0.1:4840
    username: u
    password: env:SECRET_OF_MINE
    tags: [{name: speed, address: "ns=2;s=Speed"}]
"""

PLAIN = """
import json, sys
from pathlib import Path
from drivers.reads import leave_reading_to_another
leave_reading_to_another()
from agent.config.apart import load
from agent.kpi.evidence import CONTROL_METRICS, RULES
from agent.publish.announce import meta_content
loaded = load(Path(sys.argv[1]))
told = meta_content(loaded.config, loaded.devices, rules=RULES, control_metrics=CONTROL_METRICS)
lathe, cell = loaded.devices
derived, = lathe.groups[0].derived
print(json.dumps({
    "told": told,
    "requests": [[[r.what for r in g.plan.explain()] for g in lathe.groups]],
    "hot": [derived.compute({"spindle.speed": n}).value for n in (1, 9000)],
    "link": str(cell.link), "secret": cell.config.password.get_secret_value(),
    "shown": repr(cell.config.password), "secrets": dict(loaded.secrets),
    "kind": type(cell.config).__mro__[2].__module__,
    "pydantic": "pydantic" in sys.modules, "yaml": "ruamel" in sys.modules,
}))
"""


@pytest.fixture
def path(tmp_path, monkeypatch):
    """Give a configuration with a ledger, two drivers, a computed tag and a secret."""
    monkeypatch.setenv("SECRET_OF_MINE", "hush")
    file = tmp_path / "agent.yaml"
    file.write_text(CONFIG, "utf-8")
    return file


def plain(*args):
    """Run a script in a process that reads no settings; give what it prints."""
    paths = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, "-P", "-c", *args],
        env=os.environ | paths, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


def test_a_process_that_reads_nothing_runs_by_the_same_settings(path):
    """Meta, requests, computations and secrets are equal, without pydantic and YAML."""
    here = load(path)
    told = json.loads(plain(PLAIN, str(path)))
    meta = meta_content(here.config, here.devices, rules=RULES, control_metrics=CONTROL_METRICS)
    assert told["told"] == json.loads(json.dumps(meta))
    requests = [[r.what for r in g.plan.explain()] for g in here.devices[0].groups]
    assert told["requests"] == [requests]
    assert told["hot"] == [False, True]
    assert (told["link"], told["secret"]) == (str(here.devices[1].link), "hush")
    assert "hush" not in told["shown"]
    assert told["secrets"] == {"platform": "hush"}
    assert (told["kind"], told["pydantic"], told["yaml"]) == ("drivers.api.plain", False, False)


def test_an_answer_equals_what_is_read_here(path):
    """Where models validate, the other process's answer is made of the same models."""
    here, there = load(path), ask(LOAD, path).answer()
    assert there.config == here.config
    assert [d.config for d in there.devices] == [d.config for d in here.devices]
    assert [d.link for d in there.devices] == [d.link for d in here.devices]
    assert [g.tags for d in there.devices for g in d.groups] == [
        g.tags for d in here.devices for g in d.groups
    ]


def test_every_problem_comes_back(path):
    """A configuration with errors raises the same problems as here."""
    path.write_text(CONFIG.replace("hr:100", "hr:x").replace("CNC", "cnc?"), "utf-8")
    with pytest.raises(ConfigError) as here:
        load(path)
    with pytest.raises(ConfigError) as there:
        ask(LOAD, path).answer()
    assert there.value.problems == here.value.problems
    assert str(there.value) == str(here.value)


def test_a_reader_that_ends_without_an_answer_is_an_error(path, capfd):
    """A bug in the reading process is told as such, with its traceback, and is no empty answer."""
    with pytest.raises(ReaderError, match="exit code 1"):
        ask("agent.config.load:no_such_thing", path).answer()
    assert "no_such_thing" in capfd.readouterr().err


def test_a_reader_that_hangs_is_ended():
    """Whoever asked is told what was seen and what to do, in both languages; nothing is left."""
    question = ask("time:sleep", 3600)
    with pytest.raises(ReaderError, match=r"nothing within 0\.5 s") as told:
        question.answer(within_s=0.5)
    assert question.process.returncode == -signal.SIGKILL
    assert "disk" in told.value.message.en
    assert "0.5 秒内没有结果" in told.value.message.zh
    assert "磁盘" in told.value.message.zh


def test_a_long_question_to_a_reader_that_hangs_holds_nobody():
    """What does not fit into a pipe is handed over within the same time."""
    process = subprocess.Popen(["sleep", "3600"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with pytest.raises(ReaderError, match="nothing within"):
        Question(process, b"x" * 1_000_000).answer(within_s=0.5)
    assert process.returncode == -signal.SIGKILL


def test_a_long_question_is_answered():
    """A question that fills the pipe many times arrives whole."""
    text = "工" * 300_000
    assert ask("builtins:len", text).answer() == len(text)


def test_what_is_to_be_validated_is_validated_by_somebody(path):
    """A process that reads nothing asks one that does: a wrong value never passes as right."""
    script = (
        "from drivers.reads import leave_reading_to_another\n"
        "leave_reading_to_another()\n"
        "from agent.config.document import parse\n"
        "from agent.config.model import Http\n"
        "from agent.config.validate import validated\n"
        "for text in (b'port: 70000', b'port: 80'):\n"
        "    found = []\n"
        "    root, _ = parse(text, file='f')\n"
        "    http = validated(Http, root, where='', problems=found)\n"
        "    print(http and http.port, [one.code for one in found])\n"
    )
    assert plain(script) == "None ['E1104']\n80 []\n"


LEDGER = """
import json, sys
from pathlib import Path
from drivers.reads import leave_reading_to_another
if sys.argv[2] == "plain":
    leave_reading_to_another()
from agent.config.apart import load
from agent.ledger.records import Declared, canonical, declared_of, document_of
declared = Declared.of(load(Path(sys.argv[1])).config)
document = document_of(declared)
back = declared_of(json.loads(canonical(document)))
moved = back.equipment[0].model_copy(update={"serial": "007"})
print(json.dumps({
    "written": [[str(key), one] for key, one in declared.written().items()],
    "document": document, "again": document_of(back), "same": back.equipment == declared.equipment,
    "hashes": [hash(one) == hash(two) for one, two in zip(back.equipment, declared.equipment)],
    "moved": [moved != back.equipment[0], moved.serial, moved.id],
    "pydantic": "pydantic" in sys.modules,
}))
"""


MACHINE = "{id: L5, name: 普通车床, model: CA6140, control_type: manual, processes: [turning],"
STATED = """ serial: "007", part_of: L1, declared_by: 李工, declared_on: 2026-01-02,
     in_service_from: 2020-01-01, in_service_to: 2030-12-31,
     links: [{process: turning, valid_from: 2026-01-01, valid_to: 2026-12-31}],
     documents: [{kind: invoice, number: "01", sha256: "%s", on: 2020-01-01}],
     witnessed: [{on: 2026-02-03, by: 赵, saw: 铭牌}],""" % ("0" * 64)


def test_the_ledger_is_written_and_read_back_alike_with_and_without_pydantic(tmp_path):
    """Records, documents and copies, with every key stated, are the same with both."""
    text = (Path(__file__).resolve().parents[4] / "configs" / "workshop.yaml").read_text("utf-8")
    assert MACHINE in text
    file = tmp_path / "agent.yaml"
    ledger = text[text.index("\nlocations:") :].replace(MACHINE, MACHINE + STATED, 1)
    enterprise = text[text.index("\nenterprise:") :].split("\n\n", 1)[0]
    head = 'gateway: {id: gw}\npublish: [{url: "mqtt://127.0.0.1"}]\n'
    file.write_text(f"{head}{enterprise}\n{re.sub(', device: [A-Z][0-9]', '', ledger)}", "utf-8")
    both = [json.loads(plain(LEDGER, str(file), kind)) for kind in ("plain", "pydantic")]
    assert [one.pop("pydantic") for one in both] == [False, True]
    assert both[0] == both[1]
    assert both[0]["same"] is True
    assert all(both[0]["hashes"])
    assert both[0]["document"] == both[0]["again"]
