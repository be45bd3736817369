"""Maps from files, and what a flawless reader makes of them."""

import pytest
from openpyxl import Workbook

from simulators.modbus.images import MapImage, pattern_value, raw_of
from simulators.modbus.mapfile import load_map, load_values
from simulators.modbus.patterns import mix

YAML = """
driver: modbus
word_order: little
tags:
  - name: machine.state
    address: "hr:0"
    type: uint16
    states: {"0": "off", "1": idle, "2": running}
  - {name: energy.total, address: "hr:1", type: uint32, scale: 0.01}
  - {name: temperature, address: "hr:3", type: int16, scale: 0.1, offset: -40, min: -40, max: 150}
  - {name: axis.load, address: "hr:10[3]", type: float32, min: 0, max: 100}
  - {name: alarm.active, address: "hr:20.3", type: bit}
  - {name: alarm.class, address: "hr:20.4-7", type: uint16}
  - {name: made.at, address: "hr:30@unix32", type: datetime}
"""
CSV = """\
点位名称,地址,数据类型,倍率,状态映射,值
machine.state,hr:0,uint16,,0=关机;2=运行,运行
speed,ir:4,int32,0.5,,1500
"""


@pytest.fixture
def template(tmp_path):
    path = tmp_path / "press.yaml"
    path.write_text(YAML, "utf-8")
    return path


def test_a_template_gives_its_points(template):
    """Arrays are numbered, the device's word order is every value's."""
    points = load_map(template)
    assert [p.name for p in points] == [
        "machine.state", "energy.total", "temperature",
        "axis.load.0", "axis.load.1", "axis.load.2", "alarm.active", "alarm.class", "made.at",
    ]  # fmt: skip
    assert {p.place.order for p in points} == {"CDAB"}
    assert dict(points[0].states) == {0: "off", 1: "idle", 2: "running"}


def test_fixed_values_come_back_as_engineering_values(template):
    """What is put in through scale, offset and states is what a flawless reader gets."""
    values = {"machine.state": "running", "energy.total": 1234.56, "temperature": 21.5}
    image = MapImage(1, load_map(template), values=values)
    read = image.engineering()
    assert read["machine.state"] == "running"
    assert read["energy.total"] == pytest.approx(1234.56)
    assert read["temperature"] == pytest.approx(21.5)
    assert image.cells("hr", 0, 4, 0) == [2, 123456 & 0xFFFF, 123456 >> 16, 615]


def test_only_covered_addresses_exist(template):
    """An address that no point covers is no address."""
    image = MapImage(1, load_map(template))
    assert image.addresses("hr") == [0, 1, 2, 3, 10, 11, 12, 13, 14, 15, 20, 30, 31]
    with pytest.raises(KeyError):
        image.cells("hr", 3, 2, 0)


def test_two_points_share_a_register(template):
    """Bits of one register belong to several points without disturbing each other."""
    image = MapImage(1, load_map(template), values={"alarm.active": True, "alarm.class": 5})
    assert image.cells("hr", 20, 1, 0) == [0x58]


def test_the_pattern_keeps_limits_and_moves_on(template):
    """Values without a fixed one are known, within limits, and other in the next generation."""
    image = MapImage(1, load_map(template))
    seen = [image.engineering(generation) for generation in range(40)]
    assert all(-40 <= each["temperature"] <= 150 for each in seen)
    assert all(0 <= each["axis.load.1"] <= 100 for each in seen)
    assert {each["machine.state"] for each in seen} == {"off", "idle", "running"}
    assert len({each["energy.total"] for each in seen}) == 40
    assert image.engineering(3) == seen[3]


def test_the_pattern_fits_every_type(tmp_path):
    """Every point of every type holds its pattern, and its registers give it back."""
    types = ["int8", "uint8", "bcd16", "bcd32", "bcd64", "float16", "float64", "int64", "uint64"]
    rows = [
        f"p{at},hr:{10 * at}{'.h' if t.endswith('t8') else ''},{t}" for at, t in enumerate(types)
    ]
    rows += ["q,hr:900@q8,int32", "s,hr:910/8@gb18030,string", "d,hr:930@iec870,datetime"]
    path = tmp_path / "types.csv"
    path.write_text("\n".join(["name,address,type", *rows]), "utf-8")
    for point in load_map(path):
        for seed in range(200):
            raw = pattern_value(point, mix(seed))
            assert raw_of(point, raw) == raw
        image = MapImage(3, [point])
        assert image.cells("hr", point.place.start, point.place.words, 5)


@pytest.mark.parametrize("kind", ["utf-8-sig", "gb18030", "xlsx"])
def test_tables_in_chinese(tmp_path, kind):
    """Point tables are read as spreadsheets write them, with Chinese titles and states."""
    path = tmp_path / ("points.xlsx" if kind == "xlsx" else "points.csv")
    if kind == "xlsx":
        book = Workbook()
        for line in CSV.splitlines():
            book.active.append(line.split(","))
        book.save(path)
    else:
        path.write_bytes(CSV.encode(kind))
    image = MapImage(1, load_map(path))
    assert image.engineering() == {"machine.state": "running", "speed": 1500.0}
    assert image.cells("ir", 4, 2, 0) == [0, 3000]


def test_values_from_a_file(tmp_path):
    """Values stand in YAML, JSON or a table."""
    for name, text in (
        ("v.yaml", "speed: 12.5\nname: 甲"),
        ("v.json", '{"speed": 12.5, "name": "甲"}'),
        ("v.csv", "name,value\nspeed,12.5\nname,甲"),
    ):
        (tmp_path / name).write_text(text, "utf-8")
        assert load_values(tmp_path / name) == {"speed": 12.5, "name": "甲"}


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("a.yaml", "driver: modbus", "no list of tags"),
        ("a.yaml", "{", "a.yaml"),
        ("a.csv", "name,address\n", "no points"),
        ("a.csv", "name,address,type\nx,hr:zero,int16", "x: 'hr:zero'"),
        ("a.csv", "name,address,type\nx,hr:0,int16\nx,hr:1,int16", "named twice"),
    ],
)
def test_a_map_that_is_none_is_named(tmp_path, name, text, what):
    """File, point and cause are told."""
    (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(ValueError, match=what):
        load_map(tmp_path / name)


def test_a_value_that_does_not_fit_is_named(template):
    """A fixed value its point cannot hold is refused with the point's name."""
    for values in ({"machine.state": "flying"}, {"temperature": 1e9}, {"alarm.class": "x"}):
        with pytest.raises(ValueError, match=next(iter(values))):
            MapImage(1, load_map(template), values=values)
