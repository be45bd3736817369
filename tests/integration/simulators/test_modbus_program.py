"""`chulian simulate modbus` with maps, lines and personalities, as typed."""

import asyncio
import json
import signal
import socket
import struct
import sys

import pytest
from pymodbus.client import AsyncModbusTcpClient

from agent.cli.main import main
from simulators.modbus.patterns import expected
from simulators.modbus.personalities import PERSONALITIES

READY_S = 20


@pytest.fixture
async def started():
    """Start the program; whatever still runs at the end of the test is killed."""
    running = []

    async def start(*words):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "simulators", "modbus", "--json", *words,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        running.append(process)
        return process

    yield start
    for process in running:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(READY_S):
                _, errors = await process.communicate()
            assert (process.returncode, errors) == (0, b"")


async def said(process):
    async with asyncio.timeout(READY_S):
        return (await process.stdout.readline()).decode().strip()


async def test_a_map_a_pattern_and_a_personality(started, tmp_path):
    """A map with fixed values and pattern units share a port; moods change while it runs."""
    table = tmp_path / "press.csv"
    table.write_text("name,address,type,scale\nspeed,hr:100,float32,\n", "utf-8")
    values = tmp_path / "values.yaml"
    values.write_text("speed: 12.5\n", "utf-8")
    process = await started(
        "--port", "0", "--map", f"7={table}", "--values", str(values), "--units", "1-3",
        "--interval-ms", "1e9", "--personality", "exception:4#2", "--max-registers", "50",
    )  # fmt: skip
    where = json.loads(await said(process))
    assert where["units"] == [1, 2, 3, 7]
    port = int(where["modbus"].rpartition(":")[2])
    async with AsyncModbusTcpClient("127.0.0.1", port=port) as client:
        read = await client.read_holding_registers(100, count=2, device_id=7)
        assert struct.pack(">2H", *read.registers) == struct.pack(">f", 12.5)
        read = await client.read_holding_registers(9, count=50, device_id=3)
        assert read.registers == [expected(3, "hr", 9 + at) for at in range(50)]
        assert (await client.read_holding_registers(9, count=51, device_id=3)).exception_code == 3
        assert (await client.read_holding_registers(9, count=1, device_id=2)).exception_code == 4
        process.stdin.write(b"none\nbusy#3\nlazy\nstatus\n")
        assert (await said(process)).startswith("none: asked=4 answered=4 exception=1")
        assert (await said(process)).startswith("busy:6#3: asked=4")
        assert (await said(process)).startswith("type: ")
        assert (await said(process)).startswith("busy:6#3: asked=4")
        assert (await client.read_holding_registers(9, count=1, device_id=3)).exception_code == 6
        assert not (await client.read_holding_registers(9, count=1, device_id=2)).isError()
        process.stdin.write(b"-busy\n")
        assert (await said(process)).startswith("none: ")


async def test_a_line_of_its_own(started):
    """`--serial pty` tells the name of the line; nothing listens on a port."""
    process = await started("--serial", "pty", "--baud", "9600", "--units", "1-30")
    where = json.loads(await said(process))
    assert where["serial"].startswith("/dev/")
    assert where["transport"] == "rtu"
    assert len(where["units"]) == 30


async def test_dialling_from_the_command_line(started):
    """`--dial` calls a listener and sends the registration first."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        process = await started(
            "--dial", f"127.0.0.1:{port}", "--registration", "hex:0102", "--heartbeat", "HB",
            "--heartbeat-s", "0.01",
        )  # fmt: skip
        call, _ = await asyncio.to_thread(listener.accept)
        seen = b""
        while len(seen) < 4:
            seen += await asyncio.to_thread(call.recv, 10)
        assert seen.startswith(b"\x01\x02HB")
        call.close()
        assert json.loads(await said(process))["dial"] == f"127.0.0.1:{port}"


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["--personality", "lazy"], "没有这种故障"),
        (["--personality", "late:x"], "参数无效"),
        (["--map", "missing.csv"], "missing.csv"),
        (["--units", "0-300"], "站号"),
        (["--dial", "nowhere"], "--dial host:port"),
        (["--serial", "/dev/none", "--transport", "tcp"], "--transport rtu"),
        (["--serial", "/dev/does-not-exist"], "/dev/does-not-exist"),
        (["--units", "1", "--baud", "3"], "--baud"),
        (["--units", "1", "--size", "0"], "--size"),
    ],
)
def test_wrong_options(words, what, capsys):
    """Options that make no sense end with exit code 2 and say so."""
    assert main(["simulate", "modbus", "--port", "0", *words]) == 2
    errors = capsys.readouterr().err
    assert what in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize("language", ["zh", "en"])
def test_personalities_are_listed(language, capsys):
    """`--list-personalities` prints all of them and ends."""
    assert main(["simulate", "modbus", "--list-personalities", "--lang", language]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0].partition(":")[0] for line in lines] == list(PERSONALITIES)
