"""`chulian browse` against a simulated shop, and without one."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import signal

import pytest
from unit.drivers.opcua.live.machines import Shop

from agent.browse.gather import Bounds, gather
from agent.browse.target import Target, setting
from agent.cli.main import main
from agent.config.load import examine

MACHINE = "nsu=urn:chulian:simulator:workshop;s=L1"
CONFIG = """
gateway: {{id: gw}}
enterprise: {{id: e, name: 示例, uscc: 91420100MA4KXXXX0D, region: "420111"}}
publish: [{{url: "mqtt://127.0.0.1"}}]
devices:
  - {{id: l1, driver: opcua, url: "{url}", security: none, points: {points}}}
  - id: m1
    driver: modbus
    host: 127.0.0.1
    unit: 1
    tags: [{{name: a, address: "hr:0", type: uint16}}]
"""


@pytest.fixture(scope="module")
def shop():
    with Shop(machines=1) as running:
        yield running.device.url


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CHULIAN_CONFIG", raising=False)
    return tmp_path


def browse(capsys, *words, lang="zh"):
    code = main(["browse", "--lang", lang, *map(str, words)])
    told = capsys.readouterr()
    return code, told.out, told.err


def test_a_url_is_enough(shop, capsys):
    """What a machine offers is listed with the metrics it would become."""
    code, out, err = browse(capsys, shop, "--set", "security=none")
    assert code == 0
    assert "spindle.speed" in out
    assert "Machine Tools (OPC 40501)" in out
    assert "已识别" in err


def test_the_table_it_writes_is_the_table_a_device_reads(shop, capsys, place):
    """`-o points.csv` is a table that check accepts and import takes, states filled in."""
    table = place / "points.csv"
    code, _, err = browse(capsys, shop, "--set", "security=none", "--at", MACHINE, "-o", table)
    assert (code, "points: points.csv" in err) == (0, True)
    rows = {
        row["点位名称"]: row for row in csv.DictReader(io.StringIO(table.read_text("utf-8-sig")))
    }
    assert rows["machine.state"]["状态映射"] == "0=off;1=alarm;2=idle;3=running"
    assert rows["spindle.speed"]["单位"] == "{rev}/min"
    (place / "agent.yaml").write_text(CONFIG.format(url=shop, points="points.csv"), "utf-8")
    assert [one.code for one in examine(place / "agent.yaml").problems if one.is_error] == []
    assert main(["points", "import", str(table)]) == 0
    assert "machine.state" in capsys.readouterr().out


def test_a_device_of_the_configuration_is_browsed(shop, capsys, place):
    """With -d the settings come from the file, and a workbook is written as well."""
    (place / "points.csv").write_text("name,address\na.b,i=2258\n", "utf-8")
    (place / "agent.yaml").write_text(CONFIG.format(url=shop, points="points.csv"), "utf-8")
    code, out, _ = browse(capsys, "-d", "l1", "--format", "json", "--at", MACHINE)
    found = json.loads(out)
    speed = next(one for one in found if one["name"] == "spindle.speed")
    assert (code, speed["unit"], speed["high"]) == (0, "{rev}/min", 12_000.0)
    assert browse(capsys, "-d", "l1", "-o", place / "p.xlsx", "--max", 5)[0] == 0
    assert (place / "p.xlsx").read_bytes()[:2] == b"PK"
    code, _, err = browse(capsys, "-d", "m1")
    assert (code, "chulian points template" in err) == (2, True)
    code, _, err = browse(capsys, "-d", "other")
    assert (code, "l1, m1" in err) == (2, True)


def test_bounds_are_kept(shop, capsys):
    """--max and --depth say how far to go, and what there is beyond is said."""
    base = (shop, "--set", "security=none", "--format", "json", "--at", MACHINE)
    code, out, err = browse(capsys, *base, "--max", 3)
    assert (code, len(json.loads(out)), "--max" in err) == (0, 3, True)
    code, out, _ = browse(capsys, *base, "--depth", 2)
    assert {one["path"].count("/") for one in json.loads(out)} == {1}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 2, "opc.tcp://"),
        (("opc.tcp://127.0.0.1:1",), 3, "拒绝连接"),
        (("rtu:///dev/ttyS0",), 2, "chulian points template"),
        (("http://x",), 2, "opc.tcp://主机:4840"),
        (("opc.tcp://h", "--set", "securty=none"), 2, "security"),
        (("opc.tcp://h", "--password", "geheim", "--username", "a"), 2, "E1501"),
        (("opc.tcp://h", "--format", "xlsx"), 2, "-o points.xlsx"),
        (("-d", "x", "--username", "a"), 2, "--username"),
    ],
)
def test_what_is_wrong_is_said_with_its_exit_code(capsys, words, code, said):
    """A mistake is told in one sentence, with the code for its kind."""
    found, _, err = browse(capsys, *words)
    assert (found, said in err) == (code, True), err


def test_a_start_that_is_not_there_is_said(shop, capsys):
    """--at with an address that the server does not have is a mistake of the person."""
    code, _, err = browse(capsys, shop, "--set", "security=none", "--at", "path=/Objects/none")
    assert (code, "没有这个节点" in err) == (2, True)


def test_settings_are_read_as_they_are_meant():
    """Numbers and truths are read as such, everything else is text."""
    assert setting("timeout_s=2") == ("timeout_s", 2)
    assert setting("a=true") == ("a", True)
    assert setting("a=x=y") == ("a", "x=y")
    with pytest.raises(ValueError, match="novalue"):
        setting("novalue")


async def test_ctrl_c_keeps_what_was_found():
    """An interruption ends the walk and gives the points found until then."""

    class Endless:
        async def browse(self, _at):
            n = 0
            while True:
                yield _point(n)
                n += 1
                if n == 3:
                    os.kill(os.getpid(), signal.SIGINT)
                await asyncio.sleep(0)

    target = Target(_driver_of(Endless()), "link")
    async with asyncio.timeout(20):
        found = await gather(target, Bounds(), on_found=lambda _: None)
    assert found.interrupted
    assert len(found.points) >= 3


def _point(number):
    from drivers.api import DataType, FoundPoint

    return FoundPoint(f"a{number}", f"n{number}", DataType.AUTO, f"n{number}")


def _driver_of(session):
    from contextlib import asynccontextmanager

    class Driver:
        @asynccontextmanager
        async def open(self, _link):
            yield session

    return Driver()
