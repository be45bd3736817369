"""`chulian ledger`, as a person types it."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from agent.cli.main import main
from agent.ledger.entry import Change, Source, chained, checked
from agent.ledger.journal import Journal
from agent.ledger.records import RecordKind

CONFIGS = Path(__file__).resolve().parents[4] / "configs"


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """Work beside the sample workshop's configuration, with the store beside it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHULIAN_LANG", "zh")
    text = (CONFIGS / "workshop.yaml").read_text("utf-8")
    path = tmp_path / "agent.yaml"
    path.write_text(text.replace("/var/lib/chulian/", ""), "utf-8")
    return path


def ledger(capsys, *words, code=0):
    assert main(["ledger", *words]) == code
    return capsys.readouterr().out


def as_json(capsys, *words, code=0):
    return json.loads(ledger(capsys, *words, "--json", code=code))


def drop_grinding(shop):
    """Write tables in which grinding is no process any more."""
    main(["ledger", "export", "-o", "l.csv"])
    for name, old in (("processes", "grinding,磨削"), ("equipment", "grinding")):
        path = shop.parent / f"l.{name}.csv"
        lines = path.read_text("utf-8-sig").splitlines()
        if name == "processes":
            lines = [line for line in lines if not line.startswith(old)]
        path.write_text("\n".join(lines).replace(old, ""), "utf-8")


def test_the_ledger_is_shown(shop, capsys):
    """Names of codes, the declared rate, every process and machine, in both languages."""
    zh, en = ledger(capsys), ledger(capsys, "show", "--lang", "en")
    assert "420111 武汉市洪山区" in zh
    assert "申报数控化率  66.67% (2/3)" in zh
    assert "declared rate  66.67% (2/3)" in en
    assert all(word in zh for word in ("grinding 磨削", "W1 通过式清洗机", "外协"))
    shown = as_json(capsys, "show")
    assert shown["declared"]["rate"] == [2, 3]
    assert len(shown["ledger"]["equipment"]) == 14


def test_example_i_by_spreadsheet(shop, capsys):
    """Out, grinding deleted, in again: signed, told, in the history, and the day before is kept."""
    drop_grinding(shop)
    before = shop.read_text("utf-8")
    capsys.readouterr()
    trial = as_json(capsys, "import", "l.csv", "--dry-run", code=1)
    assert shop.read_text("utf-8") == before
    assert (len(trial["changes"]), trial["written"]) == (3, False)
    assert "66.67% 变为 88.89%" in ledger(capsys, "import", "l.csv", "--by", "李工", code=1)
    assert "grinding" not in shop.read_text("utf-8")
    assert as_json(capsys, "show")["declared"]["rate"] == [8, 9]
    told = as_json(capsys, "history")
    assert [one["kind"] for one in told["findings"]] == ["key_process_removed"]
    assert {one["who"] for one in told["entries"]} == {"agent.yaml", "李工"}
    assert "磨削" in ledger(capsys, "history")
    assert "key_process_removed" in ledger(capsys, "check", code=1)


def test_nothing_changes_without_a_change(shop, capsys):
    """Export and import touch neither the file nor the history."""
    before = shop.read_text("utf-8")
    main(["ledger", "export", "-o", "l.xlsx"])
    capsys.readouterr()
    assert ledger(capsys, "import", "l.xlsx") == "没有变化\n"
    assert shop.read_text("utf-8") == before
    assert "还没有变更记录" in ledger(capsys, "check")


def test_a_day_nobody_wrote_down(shop, capsys):
    """The file is shown instead, and it is said that it is not that day's ledger."""
    shown = as_json(capsys, "show", "--as-of", "2020-01-01")
    assert (shown["origin"], shown["unknown"]) == ("file", True)
    assert "没有记录" in ledger(capsys, "show", "--as-of", "2020-01-01")


def test_an_edit_by_hand_is_asked_about_before_it_is_written_down(shop, capsys):
    """What the file has and the history has not is checked too, and said to be pending."""
    drop_grinding(shop)
    main(["ledger", "import", "l.csv"])
    text = shop.read_text("utf-8").replace("model: CA6140, control_type: manual",
                                           "model: CA6140, control_type: CNC")  # fmt: skip
    shop.write_text(text, "utf-8")
    capsys.readouterr()
    found = as_json(capsys, "check", code=1)
    kinds = [(one["kind"], one["id"]) for one in found["findings"]]
    assert ("control_without_document", "L5") in kinds
    assert found["pending"] == 2


def test_a_damaged_history_is_told_and_set_aside(shop, capsys):
    """Verify names the line; --set-aside keeps the file and begins anew."""
    drop_grinding(shop)
    main(["ledger", "import", "l.csv"])
    capsys.readouterr()
    assert "完整" in ledger(capsys, "verify")
    path = Journal(shop.parent / "chulian.ledger.jsonl").path
    path.write_text(path.read_text("utf-8").replace("王建国", "王建囯", 1), "utf-8")
    assert "被改动过" in ledger(capsys, "verify", code=1)
    assert "已损坏" in ledger(capsys, "check", code=1)
    assert main(["ledger", "import", "l.csv"]) == 0  # nothing to change, so nothing to write
    capsys.readouterr()
    kept = as_json(capsys, "verify", "--set-aside", code=1)["kept_as"]
    assert Path(kept).read_text("utf-8").count("王建囯") == 1
    assert as_json(capsys, "verify")["entries"] == 1


@pytest.mark.parametrize("name", ["t.xlsx", "t.csv"])
def test_the_template_is_a_ledger_without_rows(shop, capsys, name):
    """Filled in or not, it can be imported."""
    assert as_json(capsys, "template", "-o", name)["files"]
    assert ledger(capsys, "import", name) == "没有变化\n"


@pytest.mark.parametrize(
    "words", [("export", "-o", "l.pdf"), ("export", "-o", "none/l.xlsx"), ("import", "none.xlsx")]
)
def test_what_cannot_be_done_is_said(shop, capsys, words):
    """Exit code 2 and one sentence, no traceback."""
    assert main(["ledger", *words]) == 2
    assert capsys.readouterr().err.count("\n") <= 3


def test_a_template_never_replaces_what_was_filled_in(shop, capsys):
    """A workbook that exists is left alone, and the person is told."""
    filled = shop.parent / "l.xlsx"
    filled.write_bytes(b"filled in")
    assert main(["ledger", "template", "-o", "l.xlsx"]) == 2
    assert "已存在" in capsys.readouterr().err
    assert filled.read_bytes() == b"filled in"


def test_a_name_cannot_steer_the_terminal(shop, capsys):
    """Control characters of a signature are blanks where they are shown."""
    drop_grinding(shop)
    ledger(capsys, "import", "l.csv", "--by", "王工\x1b[2J\r假", code=1)
    shown = ledger(capsys, "history")
    assert "王工" in shown
    assert "\x1b" not in shown
    assert "\r" not in shown


def test_a_history_of_a_newer_program_is_told(shop, capsys):
    """A whole journal with a record not known here gives a sentence, not a traceback."""
    newer = Change((RecordKind.ENTERPRISE, ""), None, {"id": "x", "field_of_2030": 1})
    (entry,) = chained([newer], checked(()), at_ms=1, day=date(2026, 7, 1), who="x",
                       source=Source.CONFIG)  # fmt: skip
    (shop.parent / "chulian.ledger.jsonl").write_text(entry.line() + "\n", "utf-8")
    assert main(["ledger", "history"]) == 2
    assert "升级" in capsys.readouterr().err
