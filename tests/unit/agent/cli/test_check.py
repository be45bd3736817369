"""`chulian check`: what an integrator sees, in both languages and as JSON."""

import json
import re
import shutil
from pathlib import Path

import pytest

from agent.cli.main import main

ROOT = Path(__file__).resolve().parents[4]
CASES = sorted((ROOT / "tests" / "cases").glob("config-*"))
HAN = re.compile(r"[\u4e00-\u9fff]")
GOOD = """\
gateway: {id: g}
enterprise: {id: e}
publish: [{url: "mqtts://b"}]
devices:
  - id: m1
    name: 电表
    driver: modbus
    host: 10.0.0.9
    groups: {default: {interval_s: 5}}
    tags:
      - {name: a, address: "ir:0", type: float32}
      - {name: b, address: "ir:2", type: float32}
      - {name: c, address: "ir:60", type: float32}
"""


@pytest.fixture
def check(tmp_path, capsys, monkeypatch):
    """Run `chulian check` in a folder of its own; give exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*argv, text=None):
        if text is not None:
            (tmp_path / "agent.yaml").write_text(text)
        code = main(["check", *argv])
        return code, *capsys.readouterr()

    return run


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_mistake_is_told_in_one_go(case, lang, check, tmp_path):
    """A case's problems all appear, at their places, in the language asked for; exit code 2."""
    shutil.copytree(case, tmp_path, dirs_exist_ok=True)
    code, out, err = check("--lang", lang)
    assert code == 2
    assert err == ""
    found = re.findall(r"^([\w.]+:\d+:\d+): ([EW]\d{4}) (.+?): (.+)$", out, re.MULTILINE)
    expected = (case / "expected.txt").read_text().splitlines()
    assert [f"{place} {number} {where}" for place, number, where, _ in found] == expected
    assert "Traceback" not in out
    assert "hunter2" not in out
    for _, _, _, message in found:
        own_words = re.sub(r'"[^"]*"', "", message)
        assert bool(HAN.search(own_words)) is (lang == "zh"), message


def test_json_holds_every_problem_in_both_languages(check, tmp_path):
    """A program gets each problem's code, place, texts and hint, whatever the language."""
    shutil.copytree(CASES[0], tmp_path, dirs_exist_ok=True)
    code, out, _ = check("--json", "--lang", "zh")
    document = json.loads(out)
    assert code == 2
    assert document["usable"] is False
    assert document["devices"] == []
    expected = (CASES[0] / "expected.txt").read_text().splitlines()
    assert len(document["problems"]) == len(expected)
    for one in document["problems"]:
        assert one["severity"] == "error"
        assert one["line"] > 0
        assert one["message"]["zh"] != one["message"]["en"]


@pytest.mark.parametrize(
    ("lang", "line"),
    [
        ("en", "default  poll  every 5 s  3 tag(s) in 2 request(s)  24 requests/min"),
        ("zh", "default  轮询  每 5 秒  3 个点位，2 次请求  24 次/分钟"),
    ],
)
def test_a_good_file_says_what_will_be_read(check, lang, line):
    """Per device its link, per group its tags, requests per read and requests per minute."""
    code, out, err = check("--lang", lang, text=GOOD)
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "m1 电表  modbus  modbus://10.0.0.9:502"
    assert out.splitlines()[1].strip() == line


def test_json_says_what_will_be_read(check):
    """The same for programs."""
    code, out, _ = check("--json", text=GOOD)
    assert code == 0
    (device,) = json.loads(out)["devices"]
    (group,) = device["groups"]
    assert group["tags"] == 3
    assert group["requests_per_read"] == 2
    assert group["reads_per_minute"] == 12
    assert group["requests_per_minute"] == 24


def test_warnings_alone_are_findings(check):
    """A usable file with a warning ends with exit code 1 and still says what it reads."""
    text = GOOD.replace("interval_s: 5}", "interval_s: 5}, spare: {interval_s: 9}")
    code, out, _ = check("--lang", "en", text=text)
    assert code == 1
    assert "W1602" in out
    assert "3 tag(s)" in out


def test_a_missing_file_is_told(check):
    """No file, no traceback: the path and what to do."""
    code, out, _ = check("-c", "nothing.yaml", "--lang", "zh")
    assert code == 2
    assert out.startswith("nothing.yaml: E1001 无法读取文件：文件不存在")


LINE = """\
gateway: {id: g}
enterprise: {id: e}
publish: [{url: "mqtts://b"}]
devices:
""" + "".join(
    f"""\
  - id: m{n}
    driver: modbus
    serial: /dev/ttyUSB0
    unit: {n}
    groups: {{default: {{interval_s: INTERVAL}}}}
    tags:
      - {{name: a, address: "ir:0", type: float32}}
      - {{name: b, address: "ir:2", type: float32}}
      - {{name: c, address: "ir:90", type: float32}}
      - {{name: d, address: "ir:6", type: float32}}
"""
    for n in range(1, 31)
)


@pytest.mark.parametrize(
    ("interval", "load", "code"), [("60", None, 0), ("4", "%", 0), ("1", "W1611", 1)]
)
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_line_shows_its_cycle_and_its_load(check, interval, load, code, lang):
    """Thirty units on one line: the time of a full cycle, the load, and a warning beyond 100 %."""
    found, out, _ = check("--lang", lang, text=LINE.replace("INTERVAL", interval))
    assert found == code
    words = "条线路" if lang == "zh" else "line"
    line = next(one for one in out.splitlines() if one.startswith(("线路 ", "line ")))
    assert "30" in line
    assert re.search(r"\d+\.\d s", line)
    percent = int(re.search(r"(\d+)%", line)[1])
    assert (percent > 100) is (code == 1)
    noted = "余量" in line or "little room" in line
    assert noted is (70 <= percent <= 100)
    assert ("W1611" in out) is (load == "W1611")
    assert words in out or code == 0


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_plan_lists_every_request(check, lang):
    """With --plan each request is shown: what, how many tags, what is read along, its time."""
    text = LINE.replace("INTERVAL", "60")
    _, plain, _ = check("--lang", lang, text=text)
    _, out, _ = check("--plan", "--lang", lang, text=text)
    requests = [one for one in out.splitlines() if one.startswith("    ir:")]
    assert len(out.splitlines()) == len(plain.splitlines()) + len(requests)
    assert len(requests) == 60
    assert re.match(r"    ir:0 \+8 +3 .*\d+ ms +a, b, d$", requests[0])
    assert "ir:90 +2" in requests[1]
    assert ("顺带多读 2" if lang == "zh" else "2 read along") in requests[0]


def test_json_holds_the_plan_and_the_lines(check):
    """Programs get every request and every line with its figures."""
    _, out, _ = check("--json", text=LINE.replace("INTERVAL", "60"))
    document = json.loads(out)
    requests = document["devices"][0]["groups"][0]["requests"]
    assert requests[0]["tags"] == ["a", "b", "d"]
    assert requests[0]["unasked"] == 2
    assert requests[0]["duration_s"] > 0
    (line,) = document["lines"]
    assert len(line["devices"]) == 30
    total = sum(r["duration_s"] for r in requests) * 30
    assert line["cycle_s"] == pytest.approx(total)
    assert line["load"] == pytest.approx(total / 60)


def test_what_a_driver_cannot_tell_is_not_guessed(check):
    """Where a driver does not know its cost there is no cycle, no load and no request shown."""
    text = GOOD[: GOOD.index("devices:")] + (
        'devices:\n  - {id: d, driver: opcua, url: "opc.tcp://10.0.0.9", '
        "tags: [{name: a, address: i=2258}]}\n"
    )
    _, out, _ = check("--json", "--plan", text=text)
    document = json.loads(out)
    assert [(one["cycle_s"], one["load"]) for one in document["lines"]] == [(None, None)]
    assert document["devices"][0]["groups"][0]["requests"] is None
    _, plain, _ = check("--plan", "--lang", "en")
    assert "line " not in plain


def test_a_line_with_little_to_do_is_not_worth_a_word(check):
    """One device on a network shows no line unless the plan is asked for."""
    _, out, _ = check("--lang", "en", text=GOOD)
    assert "line " not in out
    _, out, _ = check("--lang", "en", "--plan")
    assert "line modbus://10.0.0.9:502: 1 device(s), full cycle" in out
