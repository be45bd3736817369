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
