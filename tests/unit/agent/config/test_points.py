"""Point tables: every encoding and heading integrators use, and the same tags back again."""

import io
import os
import random
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from agent.config.columns import (
    COLUMNS,
    find_column,
    format_states,
    format_write,
    parse_states,
    parse_write,
)
from agent.config.model import TagEntry, Write
from agent.config.points import MAX_ROWS, read_points
from agent.config.tables import Unwritable, write_csv, write_workbook
from drivers.api import DataType

ENGLISH = "name,address,type,unit\nspindle.speed,hr:1,uint16,{rev}/min\n"
CHINESE = "点位名称;地址;数据类型;单位;说明\nspindle.speed;hr:1;UINT16;{rev}/min;主轴转速\n"


def table(tmp_path, data, name="t.csv"):
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return read_points(path)


def workbook(rows, title="Sheet1"):
    book = Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        ENGLISH.encode(),
        ENGLISH.encode("utf-8-sig"),
        ENGLISH.replace(",", "\t").encode("utf-16"),
        CHINESE.encode("gb18030"),
        CHINESE.encode("utf-8-sig"),
        b"sep=,\r\n" + ENGLISH.replace("\n", "\r\n").encode(),
        ENGLISH.replace("name,", "Name *,").replace("type", "数据类型 (type)").encode(),
        ("序号," + ENGLISH.replace("\nsp", "\n1,sp") + ",,,,\n#,a comment\n").encode(),
    ],
)
def test_every_usual_form_of_csv_is_read(tmp_path, data):
    """Encodings, separators, titles in either language, numbering and comments: one same tag."""
    nodes, problems = table(tmp_path, data)
    assert problems == []
    (tag,) = nodes
    assert tag.text("name") == "spindle.speed"
    assert tag.text("address") == "hr:1"
    assert tag.text("type") == "uint16"
    assert tag.text("unit") == "{rev}/min"


def test_cells_know_their_place(tmp_path):
    """Line, column and cell of a value are those a spreadsheet shows."""
    nodes, _ = table(tmp_path, 'name,address,description\na,"x","two\nlines"\nb,y,\n')
    place = nodes[1].entries["address"].place
    assert (place.line, place.column, place.cell) == (4, 2, "B3")
    nodes, _ = table(tmp_path, workbook([["name", "address"], [], ["a", 40001]], "点表"), "t.xlsx")
    place = nodes[0].entries["address"].place
    assert (place.line, place.column, place.cell) == (3, 2, "点表!B3")
    assert nodes[0].text("address") == "40001"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [("E1414", 0, 0), ("E1414", 0, 0)]),
        ("name,scale\na,1\n", [("E1414", 1, 1)]),
        ("name,address,scal\na,b,1\n", [("E1413", 1, 3)]),
        ("name,address,名称\na,b,c\n", [("E1415", 1, 3)]),
        ("name,address,states\na,b,0=idle;1\n", [("E1416", 2, 3)]),
        ("name,address,states\na,b,0=idle;0=off\n", [("E1416", 2, 3)]),
        ("name,address,write\na,b,0-100\n", [("E1420", 2, 3)]),
        ("name,address,允许写\na,b,min=0;下限=1\n", [("E1420", 2, 3)]),
        ("name,address\na,b,c\n", [("E1418", 2, 3)]),
        ('name,address\na,"b\n', [("E1411", 2, 0)]),
    ],
)
def test_a_bad_table_is_told_at_its_cell(tmp_path, text, expected):
    """Each mistake has its code and its cell."""
    _, problems = table(tmp_path, text)
    assert [(one.code, one.line, one.column) for one in problems] == expected


def test_a_mistyped_heading_has_a_suggestion(tmp_path):
    """The nearest title is offered, in the language it was written in."""
    _, problems = table(tmp_path, "name,adress\na,b\n")
    assert "address" in problems[0].hint.en
    _, problems = table(tmp_path, "点位名稱,地址\na,b\n")
    assert "点位名称" in problems[0].hint.zh


def test_size_is_bounded(tmp_path):
    """More rows than the limit are refused, not read in part."""
    _, problems = table(tmp_path, "name,address\n" + "a,b\n" * MAX_ROWS)
    assert [one.code for one in problems] == ["E1417"]


def test_other_files_are_refused(tmp_path):
    """A file that is no table is told by its name, a damaged one by its content."""
    assert table(tmp_path, "x", "t.doc")[1][0].code == "E1412"
    assert table(tmp_path, "not a workbook", "t.xlsx")[1][0].code == "E1411"
    assert table(tmp_path, b"\xff\xfe\x00", "t.csv")[1][0].code == "E1411"


def test_the_sheet_named_for_points_is_read(tmp_path):
    """`点表` is read wherever it stands; without it the first sheet is."""
    book = Workbook()
    book.active.append(["whatever"])
    sheet = book.create_sheet("点表")
    sheet.append(["name", "address"])
    sheet.append(["a", "b"])
    out = io.BytesIO()
    book.save(out)
    nodes, problems = table(tmp_path, out.getvalue(), "t.xlsx")
    assert problems == []
    assert [node.text("name") for node in nodes] == ["a"]


def test_a_formula_without_result_is_told(tmp_path):
    """A cell whose result was never stored is not read as blank, nor as text."""
    data = workbook([["name", "address", "scale"], ["a", "b", "=1/10"]])
    _, problems = table(tmp_path, data, "t.xlsx")
    assert [(one.code, one.line, one.column) for one in problems] == [("E1419", 2, 3)]


def test_the_template_guides_who_fills_it_in():
    """The workbook has a frozen heading, a note per column, and drop-downs for type and group."""
    sheet = load_workbook(io.BytesIO(write_workbook([], lang="zh", groups=["fast"]))).active
    assert sheet.title == "点表"
    assert sheet.freeze_panes == "B2"
    assert [cell.value for cell in sheet[1]] == [column.title_zh for column in COLUMNS]
    assert all(cell.comment is not None for cell in sheet[1])
    rules = {
        str(rule.sqref).split(":")[0]: rule.formula1
        for rule in sheet.data_validations.dataValidation
    }
    assert "float32" in rules["C2"]
    assert rules["E2"] == '"default,fast"'


def test_every_key_of_a_tag_has_its_column():
    """A table can say all that the file can."""
    assert [column.key for column in COLUMNS] == list(TagEntry.model_fields)
    for column in COLUMNS:
        for title in (column.key, column.title_zh, *column.aliases):
            assert find_column(f" {title.upper()}（说明）") is column


@pytest.mark.parametrize(
    ("text", "states"),
    [
        ("0=idle;1=running", {"0": "idle", "1": "running"}),
        ("0＝待机；1＝运行；", {"0": "idle", "1": "running"}),
        (" 0 = Idle ;\n1=ALARM", {"0": "idle", "1": "alarm"}),
        (r"a\;b=off;\==setup", {"a;b": "off", "=": "setup"}),
        ("0=busy", {"0": "busy"}),
        ("", {}),
        ("idle", None),
        ("0=", None),
        ("=idle", None),
        ("0=idle;;1", None),
    ],
)
def test_states_are_written_on_one_line(text, states):
    """Raw value and state, in either language; what is no such list is refused."""
    assert parse_states(text) == states


@pytest.mark.parametrize(
    ("text", "leave"),
    [
        ("min=0;max=100;step=1", {"min": "0", "max": "100", "step": "1"}),
        ("下限＝0；上限＝100；步长＝0.5；", {"min": "0", "max": "100", "step": "0.5"}),
        (" MIN = 0 ;\n间隔=5;确认=不确认", {"min": "0", "min_interval_s": "5", "confirm": "none"}),
        ("mni=0", {"mni": "0"}),
        ("yes", True),
        ("是", True),
        ("TRUE", True),
        ("否", False),
        ("no", False),
        ("100", None),
        ("min=", None),
        ("min=0;min=1", None),
        (";", None),
    ],
)
def test_leave_to_write_is_written_on_one_line(text, leave):
    """Limits, yes or no, in either language; what is none of these is refused."""
    assert parse_write(text) == leave


PLAIN = st.text(st.characters(exclude_categories=("C", "Z")), max_size=12)
WORDS = st.from_regex(r"[a-z0-9_]+(\.[a-z0-9_]+){0,2}", fullmatch=True)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
STATES = st.dictionaries(
    st.text(st.characters(exclude_categories=("C",)), min_size=1, max_size=6),
    st.sampled_from(["running", "idle", "alarm", "setup", "off", "unknown"]),
    min_size=1,
    max_size=4,
)


@given(STATES)
def test_states_survive_the_table(states):
    """What is written reads back, whatever characters the raw values hold."""
    assert parse_states(format_states(states)) == states


LEAVE = st.fixed_dictionaries(
    {"min": st.floats(-1e9, 0), "max": st.floats(1, 1e9)},
    optional={
        "step": st.floats(1e-6, 1e6),
        "min_interval_s": st.floats(0, 86_400),
        "confirm": st.sampled_from(["read-back", "none"]),
    },
)


@given(st.one_of(LEAVE.map(Write.model_validate), st.just(Write()), st.none()))
def test_leave_to_write_survives_the_table(leave):
    """What is written reads back, as the same limits with the same keys stated."""
    again = parse_write(format_write(leave))
    if leave is None or not leave.model_fields_set:
        assert again is (leave is not None)
    else:
        assert Write.model_validate(again) == leave
        assert set(again) == leave.model_fields_set


@st.composite
def tags(draw):
    given = {"name": draw(WORDS), "address": draw(PLAIN.filter(bool))}
    if draw(st.booleans()):
        given |= {"type": draw(st.sampled_from(["int16", "float32"])), "write": draw(LEAVE)}
        return TagEntry.model_validate(given)
    if draw(st.booleans()):
        given |= {"type": "bool", "write": draw(st.sampled_from([{}, None]))}
        return TagEntry.model_validate(given)
    optional = {
        "type": st.sampled_from([one.value for one in DataType]),
        "unit": PLAIN.filter(bool),
        "group": st.from_regex(r"[A-Za-z0-9_-]{1,8}", fullmatch=True),
        "min": st.floats(max_value=-1e-3, allow_nan=False, allow_infinity=False),
        "max": st.floats(min_value=1e-3, allow_nan=False, allow_infinity=False),
        "description": PLAIN.filter(bool),
    }
    if draw(st.booleans()):
        optional["states"] = STATES
    else:
        optional |= {
            "scale": NUMBERS.filter(bool),
            "offset": NUMBERS,
            "deadband": st.floats(min_value=0, allow_nan=False, allow_infinity=False),
        }
    for key, strategy in optional.items():
        if draw(st.booleans()):
            given[key] = draw(strategy)
    return TagEntry.model_validate(given)


@settings(max_examples=int(os.environ.get("CHULIAN_EXAMPLES", "20")), deadline=None)
@given(st.lists(tags(), max_size=4, unique_by=lambda tag: tag.name), st.sampled_from(["zh", "en"]))
def test_a_table_gives_the_same_tags_back(tmp_path_factory, some, lang):
    """Export then import is lossless, stated defaults included, in both formats and languages."""
    written = {
        ".csv": write_csv(some, lang=lang),
        ".xlsx": write_workbook(some, lang=lang),
    }
    for suffix, data in written.items():
        path = tmp_path_factory.getbasetemp() / f"table{suffix}"
        path.write_bytes(data)
        nodes, problems = read_points(path)
        assert problems == []
        again = [TagEntry.model_validate(node.plain()) for node in nodes]
        assert again == some
        assert [tag.model_fields_set for tag in again] == [tag.model_fields_set for tag in some]


def test_what_no_table_can_keep_is_refused():
    """A control character is told with tag and column, not dropped."""
    bad = TagEntry(name="a", address="b", description="x\x01")
    for write in (write_csv, write_workbook):
        with pytest.raises(Unwritable, match="a: description"):
            write([bad], lang="en")


def damaged(rng, data):
    data = bytearray(data)
    for _ in range(rng.choice([1, 4, 40])):
        at = rng.randrange(len(data))
        data[at : at + rng.choice([0, 1, 1, 50])] = rng.randbytes(1)
    return bytes(data)


def damaged_inside(rng, data):
    """Damage one file within a workbook, so that the archive itself stays whole."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        victim = rng.choice(old.namelist())
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, damaged(rng, content) if name == victim else content)
    return out.getvalue()


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_damaged_tables_never_raise(tmp_path, suffix):
    """Whatever bytes a table is changed to, the answer is rows or problems."""
    rng = random.Random(int(os.environ.get("CHULIAN_SEED", "1")))
    some = [TagEntry(name=f"t{n}", address="hr:1", type="uint16", scale=0.5) for n in range(5)]
    original = write_csv(some, lang="zh") if suffix == ".csv" else write_workbook(some, lang="en")
    for number in range(int(os.environ.get("CHULIAN_FUZZ", "2000")) // 20):
        inside = suffix == ".xlsx" and number % 2
        data = damaged_inside(rng, original) if inside else damaged(rng, original)
        nodes, problems = table(tmp_path, data, f"fuzz{suffix}")
        assert isinstance(nodes, list)
        assert all(one.code.startswith("E14") for one in problems)
