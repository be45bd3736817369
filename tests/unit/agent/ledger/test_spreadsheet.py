"""The spreadsheet: nothing lost either way, nothing computed, every error at its cell."""

from __future__ import annotations

import io
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from unit.agent.ledger.ledgers import any_ledger, machine, shop

from agent.config.ledger import Enterprise
from agent.config.problems import ConfigError
from agent.ledger.edit import prepare, read_config, read_current
from agent.ledger.importing import prepare_import
from agent.ledger.reading import csv_file
from agent.ledger.records import Declared
from agent.ledger.sheets import SHEETS
from agent.ledger.writing import Unwritable, write_csv, write_workbook

CONFIGS = Path(__file__).resolve().parents[4] / "configs"
SLOW = (HealthCheck.too_slow,)
"""A busy machine is no fault of the strategy."""
QUICK = (Phase.explicit, Phase.reuse, Phase.generate)
"""Without shrinking, which takes minutes on ledgers."""
HEAD = "gateway: {id: g}\nenterprise:\n  id: e\npublish:\n  - {name: p, url: mqtt://h}\n"


@pytest.fixture
def config(tmp_path):
    """The sample workshop's configuration."""
    path = tmp_path / "agent.yaml"
    path.write_text((CONFIGS / "workshop.yaml").read_text("utf-8"), "utf-8")
    return path


def declared(path):
    return Declared.of(read_config(path)[0])


def written(path, content, lang, suffix):
    """Write a ledger as a spreadsheet and give its path."""
    if suffix == ".xlsx":
        path.with_suffix(".xlsx").write_bytes(write_workbook(content, lang=lang))
    else:
        for sheet in SHEETS:
            data = write_csv(content, lang=lang)[sheet.key]
            csv_file(path.with_suffix(".csv"), sheet).write_bytes(data)
    return path.with_suffix(suffix)


def refused(config, table):
    with pytest.raises(ConfigError) as caught:
        prepare_import(config, table)
    return [(one.code, one.where, one.line) for one in caught.value.problems if one.is_error]


def workbook(path, **sheets):
    """Write a workbook of rows."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for title, rows in sheets.items():
        page = book.create_sheet(title)
        for row in rows:
            page.append(row)
    book.save(path)
    return path


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("suffix", [".xlsx", ".csv"])
def test_what_is_exported_and_imported_again_is_the_same(config, tmp_path, lang, suffix):
    """The sample workshop goes out and comes back without a single change."""
    table = written(tmp_path / "ledger", declared(config), lang, suffix)
    assert prepare_import(config, table).changes == ()


@settings(max_examples=8, deadline=None, phases=QUICK, suppress_health_check=SLOW)
@given(any_ledger())
@example(Declared(Enterprise(id="e", name="=1+1", chain="'=x", park="-1")))
@example(Declared(Enterprise(id="e"), (), (), (machine("M", serial="'0123", name="@SUM(A1)"),)))
def test_any_ledger_survives_both_ways(tmp_path_factory, ledger):
    """YAML to workbook and CSV, in both languages, and back to YAML: exactly the same records."""
    folder = tmp_path_factory.mktemp("sheet")
    for lang, suffix in (("zh", ".xlsx"), ("en", ".csv")):
        table = written(folder / f"l-{lang}", ledger, lang, suffix)
        path = folder / f"{lang}.yaml"
        path.write_text(HEAD, "utf-8")
        edit = prepare_import(path, table)
        assert edit.after.records() == ledger.records()
        path.write_text(edit.text, "utf-8")
        assert prepare_import(path, table).changes == ()


def test_excel_in_chinese_windows(config, tmp_path):
    """CSV in GB18030, as a Chinese Excel saves it, reads as what it is."""
    for key, data in write_csv(declared(config), lang="zh").items():
        text = data.decode("utf-8-sig")
        (tmp_path / f"l.{key}.csv").write_bytes(text.encode("gb18030"))
    assert prepare_import(config, tmp_path / "l.csv").changes == ()


def test_a_text_never_becomes_a_formula():
    """In CSV it gets an apostrophe in front, in a workbook it is marked as text."""
    ledger = shop(equipment=(machine("M", name="=cmd|' /C calc'!A0", maker="+1", model="-1"),))
    line = write_csv(ledger, lang="en")["equipment"].decode("utf-8-sig").splitlines()[1]
    assert line.startswith("M,'=cmd|' /C calc'!A0,'+1,'-1,")
    book = openpyxl.load_workbook(io.BytesIO(write_workbook(ledger, lang="en")))
    assert {cell.data_type for cell in book["equipment"][2] if cell.value is not None} == {"s"}


def test_a_formula_is_refused(config, tmp_path):
    """Also one whose result is stored is not taken: nobody sees what it was made of."""
    table = workbook(
        tmp_path / "t.xlsx", 设备=[["设备编号", "控制方式", "出厂编号"], ["X1", "CNC", "=1+1"]]
    )
    assert refused(config, table)[0] == ("E1704", "出厂编号 [设备!C2]", 2)


def test_errors_stand_at_their_cells(config, tmp_path):
    """Sheet, row and column of every mistake, all at once."""
    table = workbook(
        tmp_path / "t.xlsx",
        工序=[["工序编号", "工序名称", "关键工序", "开始日期"],
             ["turning", "车削", "也许", None], ["edm", "电加工", "是", "去年"]],
        设备=[["设备编号", "控制方式", "可承担工序", "所在场所"],
             ["L1", "CNC", "turning;lathe", "W9"], ["L1", "蒸汽", "turning", None]],
        证明资料=[["设备编号", "资料类别"], ["L7", "发票"]],
    )  # fmt: skip
    assert sorted(refused(config, table)) == [
        ("E1103", "processes[edm].valid_from [工序!D3]", 3),
        ("E1105", "equipment[L1].control_type [设备!B3]", 3),
        ("E1201", "equipment[L1].id [设备!A3]", 3),
        ("E1204", "equipment[L1].processes [设备!C2]", 2),
        ("E1701", "equipment[L1].location [设备!D2]", 2),
        ("E1702", "证明资料 [证明资料!A2]", 2),
        ("E1706", "关键工序 [工序!C2]", 2),
    ]


def test_headings_may_vary(config, tmp_path):
    """English keys, blanks, brackets and capitals are the same heading; an unknown one is told."""
    rows = [["ID ", "Control_Type", "名称（现场）"], ["X1", "cnc", "新"]]
    table = workbook(tmp_path / "t.xlsx", Equipment=rows)
    assert refused(config, table) == [("E1710", "设备 [Equipment!C1]", 1)]
    rows[0][2] = "设备名称（现场）"
    table = workbook(tmp_path / "t.xlsx", Equipment=rows)
    added = [one.after for one in prepare_import(config, table).changes if one.before is None]
    assert added == [{"control_type": "CNC", "id": "X1", "name": "新"}]


def test_a_sheet_that_is_not_there_changes_nothing(config, tmp_path):
    """Only the sheets that have rows speak; the template changes nothing at all."""
    table = written(tmp_path / "t", None, "zh", ".xlsx")
    assert prepare_import(config, table).changes == ()
    rows = [["设备编号", "日期"]]
    table = workbook(tmp_path / "u.xlsx", 说明=rows, 备注=rows)
    assert refused(config, table) == [("E1705", "", 0)]


def test_details_stay_where_their_sheet_is_missing(tmp_path):
    """Documents of a machine are not lost by a table that has only machines."""
    path = tmp_path / "agent.yaml"
    path.write_text(
        HEAD + "equipment:\n  - id: L1\n    control_type: CNC\n    documents: [{kind: asset}]\n"
    )
    table = workbook(tmp_path / "t.xlsx", 设备=[["设备编号", "控制方式"], ["L1", "NC"]])
    after = prepare_import(path, table).after.equipment[0]
    assert (after.control_type, len(after.documents)) == ("NC", 1)
    table = workbook(tmp_path / "t.xlsx", 设备=[["设备编号", "控制方式"], ["L1", "NC"]],
                     证明资料=[["设备编号", "资料类别"]])  # fmt: skip
    assert prepare_import(path, table).after.equipment[0].documents == ()


@pytest.mark.parametrize(
    ("written_as", "day"),
    [("2026-3-1", "2026-03-01"), ("2026/03/01", "2026-03-01"), ("2026年3月1日", "2026-03-01")],
)
def test_dates_as_people_write_them(config, tmp_path, written_as, day):
    """Dashes, slashes, dots and 年月日 are the same day."""
    table = workbook(tmp_path / "t.xlsx",
                     工序=[["工序编号", "开始日期"], ["x", written_as]])  # fmt: skip
    path = tmp_path / "b.yaml"
    path.write_text(HEAD)
    assert prepare_import(path, table).after.processes[0].valid_from.isoformat() == day
    assert config.exists()


def test_what_no_spreadsheet_keeps_is_refused():
    """A control character or an endless text is told, not mangled."""
    for name in ("a\x07b", "长" * 40_000):
        with pytest.raises(Unwritable, match="equipment M: name"):
            write_workbook(shop(equipment=(machine("M", name=name),)), lang="zh")


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("t.xlsx", b"PK\x03\x04", "E1709"),
        ("t.xlsx", b"", "E1709"),
        ("t.equipment.csv", b'"open', "E1709"),
        ("t.equipment.csv", "设备编号\n".encode() + b"\xff\xff", "E1709"),
        ("t.ods", b"", "E1713"),
    ],
)
def test_any_bytes_give_a_problem(config, tmp_path, name, data, code):
    """What is no table is told by its file."""
    (tmp_path / name).write_bytes(data)
    asked = tmp_path / ("t.csv" if name.endswith(".csv") else name)
    assert [one[0] for one in refused(config, asked)] == [code]


def test_a_missing_file_is_told(config, tmp_path):
    """With the system's reason."""
    assert [one[0] for one in refused(config, tmp_path / "none.xlsx")] == ["E1709"]


def test_the_whole_shop_can_be_typed_in_a_spreadsheet(tmp_path):
    """From an empty configuration: places, processes, machines, dated links, papers, visits."""
    path = tmp_path / "agent.yaml"
    path.write_text(HEAD)
    table = workbook(
        tmp_path / "t.xlsx",
        企业=[["企业编号", "企业名称", "生产类型", "数据年份", "从业人员", "营业收入（万元）"],
             ["e", "示范厂", "离散", 2025, 30, 1200]],
        称号=[["称号", "发证日期"], ["专精特新中小企业", "2025-05-01"]],
        场所=[["场所编号", "类别", "名称"], ["W1", "车间", "一车间"]],
        工序=[["工序编号", "工序名称", "关键工序"], ["turning", "车削", "是"]],
        设备=[["设备编号", "控制方式", "可承担工序", "所在场所"], ["L1", "手动", "turning", "W1"]],
        设备工序=[["设备编号", "工序编号", "开始日期"], ["L1", "turning", "2026-01-01"]],
        证明资料=[["设备编号", "资料类别", "编号"], ["L1", "固定资产登记", "GD-77"]],
        现场核验=[["设备编号", "核验日期", "核验人"], ["L1", "2026-05-06", "李工"]],
    )  # fmt: skip
    after = prepare_import(path, table).after
    assert after.enterprise.size.revenue_wan == 1200
    assert after.enterprise.titles[0].kind == "specialised"
    (one,) = after.equipment
    assert (one.control_type, one.location, one.processes) == ("manual", "W1", ("turning",))
    assert (one.links[0].process, one.documents[0].number) == ("turning", "GD-77")
    assert one.witnessed[0].by == "李工"
    assert prepare(read_current(path), after.records()).changes != ()


def test_a_value_without_a_heading_is_told(config, tmp_path):
    """What stands in a column nobody named is no part of the ledger, and is not dropped quietly."""
    rows = "id,name,\nturning,车削,张师傅\n"
    (tmp_path / "l.processes.csv").write_text(rows, "utf-8")
    with pytest.raises(ConfigError) as refused:
        prepare_import(config, tmp_path / "l.csv")
    assert "E1715" in [one.code for one in refused.value.problems]


def test_a_date_of_eight_digits_is_a_date(config, tmp_path):
    """20260701 is what many write; it is never taken for a number of seconds."""
    rows = "id,name,valid_from\n" + "".join(
        f"{one.id},{one.name},20260701\n" for one in declared(config).processes
    )
    (tmp_path / "l.processes.csv").write_text(rows, "utf-8")
    after = prepare_import(config, tmp_path / "l.csv").after
    assert {str(one.valid_from) for one in after.processes} == {"2026-07-01"}
