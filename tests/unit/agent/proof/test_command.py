"""`chulian rate --export` and `--verify`, as people and programs call them."""

from __future__ import annotations

import json
import stat
from datetime import date

import pytest
from unit.agent.proof.conftest import AS_OF, SHOP, at_ms, evidence

from agent.cli.main import main
from agent.cli.proof import Period, gathered
from agent.config.load import load
from agent.config.model import Store
from agent.proof.build import data_members
from agent.store.file import connect
from agent.store.notes import write_evidence, write_lessons


@pytest.fixture
def shop(tmp_path):
    """A configuration file with a store that holds a month of evidence; gives its path."""
    file = tmp_path / "agent.yaml"
    devices = [
        {"id": id_, "driver": "modbus", "host": "127.0.0.1", "port": 502 + n,
         "tags": [{"name": "program.name", "address": "40001", "type": "uint16"}]}
        for n, id_ in enumerate(("lathe-1", "lathe-2"))
    ]  # fmt: skip
    file.write_text(json.dumps({**SHOP, "devices": devices, "store": {"path": "chulian.db"}}))
    connection = connect(Store(path=tmp_path / "chulian.db"))
    days = (*evidence("lathe-1", 40), *evidence("lathe-2", 9))
    with connection:
        write_evidence(connection, [day.row() for day in days])
        write_lessons(connection, [(id_, "", "{}", 0) for id_ in ("lathe-1", "lathe-2")])
    connection.close()
    return file


def run(capsys, *words):
    """Call the command; give its exit code and what it printed."""
    try:
        code = main(["rate", *map(str, words)])
    except SystemExit as leaves:
        code = leaves.code
    said = capsys.readouterr()
    return code, said.out + said.err


def exported(capsys, shop, *words):
    """Export a proof file; give its path and what was printed."""
    file = shop.parent / "evidence.zip"
    code, said = run(capsys, "-c", shop, "--export", file, "--as-of", AS_OF, *words)
    assert code == 0, said
    return file, said


def test_a_file_is_made_on_one_machine_and_checked_on_another(shop, capsys, tmp_path, monkeypatch):
    """Made from the store; checked in an empty folder without configuration, in both languages."""
    file, said = exported(capsys, shop, "--lang", "en")
    key = shop.parent / "chulian.db.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    mark = "".join(said.split("key ")[1].split("\n")[0].split())
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    code, said = run(capsys, "--verify", file, "--key", mark.upper(), "--lang", "zh")
    assert code == 0
    assert "核验通过" in said
    assert "数据已验证  12.50% (1/8)" in said
    assert "已与指定的公钥比对" in said


def test_an_unknown_key_is_called_unknown(capsys, raw, tmp_path):
    """Without a key to compare with, the limits of the signature are said."""
    file = tmp_path / "evidence.zip"
    file.write_bytes(raw)
    code, said = run(capsys, "--verify", file, "--lang", "en")
    assert code == 0
    assert "nobody vouched for this key" in said


def test_findings_are_printed_with_member_and_line(capsys, raw, tmp_path):
    """A changed byte ends with exit code 1, and the place is named."""
    file = tmp_path / "evidence.zip"
    file.write_bytes(raw.replace(b'"metrics_changed":true', b'"metrics_changed":null', 1))
    code, said = run(capsys, "--verify", file, "--lang", "zh")
    assert code == 1
    assert "days.jsonl 第 1 行" in said
    code, said = run(capsys, "--verify", file, "--json")
    document = json.loads(said)
    assert code == 1
    assert document["sound"] is False
    assert ("changed", "days.jsonl", 1) in [
        (one["code"], one["member"], one["line"]) for one in document["findings"]
    ]


def test_a_period_may_be_chosen(shop):
    """`--from` and `--to` are the period of evidence, whatever the configuration says."""
    period = Period(date(2026, 7, 1), date(2026, 7, 20))
    material = gathered(load(shop).config, period, now_ms=at_ms(AS_OF, 12))
    result = json.loads(data_members(material)["result.json"])
    assert result["window"] == ["2026-07-01", "2026-07-20"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--from", "2026-07-31", "--to", "2026-07-01"), "-29 days"),
        (("--from", "2020-01-01", "--to", "2026-07-01"), "days; 1 to 366"),
        (("--to", "2999-01-01"), "future"),
    ],
    ids=["backwards", "long", "future"],
)
def test_a_period_that_cannot_be_is_refused(shop, capsys, words, said):
    """Exit code 2 and the reason; no file is left behind."""
    file = shop.parent / "evidence.zip"
    code, printed = run(capsys, "-c", shop, "--export", file, "--lang", "en", *words)
    assert (code, said in printed) == (2, True), printed
    assert not file.exists()


@pytest.mark.parametrize(
    ("wrong", "said"), [("abc", "neither a fingerprint"), ("/nowhere.pem", "neither a fingerprint")]
)
def test_a_key_that_is_none_is_refused(capsys, raw, tmp_path, *, wrong, said):
    """A mistyped fingerprint is an error of the command line, not of the file."""
    file = tmp_path / "evidence.zip"
    file.write_bytes(raw)
    code, printed = run(capsys, "--verify", file, "--key", wrong, "--lang", "en")
    assert (code, said in printed) == (2, True)


def test_a_file_that_is_not_there_and_a_file_that_is_none(capsys, tmp_path):
    """Not readable is exit code 2; readable and no proof file is a finding."""
    code, said = run(capsys, "--verify", tmp_path / "none.zip", "--lang", "zh")
    assert (code, "无法读取" in said) == (2, True)
    other = tmp_path / "other.zip"
    other.write_bytes(b"\x1b[31mno zip")
    code, said = run(capsys, "--verify", other, "--lang", "en")
    assert (code, "the end of the archive is missing" in said) == (1, True)


def test_without_a_store_there_is_no_proof(shop, capsys):
    """An export never invents evidence: without a store it says so and makes no key."""
    (shop.parent / "chulian.db").unlink()
    code, said = run(capsys, "-c", shop, "--export", shop.parent / "e.zip", "--lang", "en")
    assert (code, "there is no store" in said) == (2, True)
    assert not (shop.parent / "chulian.db.key").exists()
