"""Broken configurations by the thousand: problems, never anything else.

`CHULIAN_FUZZ` sets how many, `CHULIAN_SEED` which.
"""

import os
import random

import pytest

from agent.cli.output import problem_lines
from agent.config.load import examine
from agent.registry import Registry

FULL = """\
gateway: {id: gw-1, timezone: Asia/Shanghai}
enterprise: {id: e-1, uscc: 91420106MA4K00010G, region: '420111'}
store: {path: x.db, max_mb: 10}
publish:
  - {url: 'mqtts://b:8883', password: 'env:PW', tls: {ca: ca.pem}}
processes: [{id: p1, valid_from: 2026-01-01}]
equipment: [{id: q1, control_type: CNC, processes: [p1], device: d1}]
devices:
  - id: d1
    driver: modbus
    host: h
    groups: {slow: {interval_s: 10}}
    tags:
      - {name: a.b, address: 'hr:1', type: uint16, group: slow, states: {'0': idle}}
      - {name: c, address: 'ir:2', type: float32, scale: 0.1, min: 0, max: 9}
  - {id: d2, driver: opcua, url: 'opc.tcp://h', template: t}
  - {id: d3, driver: modbus, host: h, unit: 2, points: points/t.csv, groups: {slow: {}}}
"""
TEMPLATE = "tags: [{name: a, address: 'nsu=urn:m;s={id}.A', deadband: 1}]\n"
TABLE = "点位名称,地址,数据类型,采集组,下限\na,ir:0,float32,,0\nb,ir:2,float32,slow,\n"
PIECES = [
    *(": ", "- ", "[", "]", "{", "}", '"', "'", "\t", "\n", "\n  ", "null", ".nan", "-.inf"),
    *("1e999", "9" * 29, "9" * 5000, "-1", "0", "true", "~", "&a ", "*a", "!x ", "%", "|", ">"),
    *("：", "中", "\x00", "\x85", "\u2028", "../../etc/passwd", "env:X", "file:/dev/zero"),
    *('"\\ud800"', '"\\U0001F600"', "x" * 5000, "? ", "#", "---\n", "...\n", "<<: ", "@", "`"),
    *("template: plc-machine\n", "points: .\n", "!!binary ", "2026-13-01", "{}", "[]", "0x1F"),
]


def mutated(rng):
    text = FULL
    for _ in range(rng.choice([1, 1, 2, 3, 8])):
        at = rng.randrange(len(text) + 1)
        kind = rng.randrange(5)
        if kind == 0:
            text = text[:at] + rng.choice(PIECES) + text[at:]
        elif kind == 1:
            text = text[:at] + text[at + rng.choice([1, 2, 5, 30]) :]
        elif kind == 2:
            lines = text.split("\n")
            a, b = rng.randrange(len(lines)), rng.randrange(len(lines))
            lines[a], lines[b] = lines[b], lines[a]
            text = "\n".join(lines)
        elif kind == 3:
            values = [
                i for i, char in enumerate(text) if char == ":" and text[i + 1 : i + 2] == " "
            ]
            if values:
                start = rng.choice(values) + 2
                end = min(i for mark in ",}\n" if (i := (text + mark).find(mark, start)) >= 0)
                text = text[:start] + rng.choice(PIECES) + text[end:]
        else:
            text = text[:at] + chr(rng.choice([rng.randrange(32, 127), rng.randrange(0xD800)]))
            text += FULL[at:]
    data = text.encode(errors="replace")
    if rng.random() < 0.1:
        data = data[:at] + rng.randbytes(rng.randrange(1, 9)) + data[at:]
    return data


@pytest.fixture
def folder(tmp_path):
    """A folder with everything the configuration names."""
    for name, text in {"templates/t.yaml": TEMPLATE, "points/t.csv": TABLE, "ca.pem": "x"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_broken_configuration_is_only_ever_told(folder):
    """Whatever a file is changed to, the answer is a configuration or problems one can print."""
    rng = random.Random(int(os.environ.get("CHULIAN_SEED", "1")))
    registry = Registry()
    path = folder / "agent.yaml"
    usable = 0
    for _ in range(int(os.environ.get("CHULIAN_FUZZ", "2000"))):
        path.write_bytes(mutated(rng))
        examined = examine(path, registry=registry, environ={"PW": "hunter2"})
        usable += examined.loaded is not None
        assert (examined.loaded is None) == any(one.is_error for one in examined.problems)
        for problem in examined.problems:
            for lang in ("zh", "en"):
                text = "\n".join(problem_lines(problem, lang=lang))
                text.encode()
                assert "hunter2" not in text
    assert usable, "the mutations must be small enough to leave some configurations whole"


def test_the_original_is_whole(folder):
    """The file the mutations start from has no problem: each problem found is a mutation's."""
    path = folder / "agent.yaml"
    path.write_text(FULL)
    assert examine(path, environ={"PW": "x"}).problems == ()
