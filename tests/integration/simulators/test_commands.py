"""The simulators as programs: addresses first, a clean stop, clear refusals."""

import asyncio
import json
import signal
import socket
import sys

import pytest
from pymodbus.client import AsyncModbusTcpClient

from agent.cli.main import main

READY_S = 20


@pytest.fixture
async def started():
    """Start simulators as programs; whatever still runs at the end of the test is killed."""
    running = []

    async def start(*words):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "simulators", *words,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        running.append(process)
        return process

    yield start
    for process in running:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def said(process):
    async with asyncio.timeout(READY_S):
        return (await process.stdout.readline()).decode().strip()


async def stopped(process, number):
    process.send_signal(number)
    async with asyncio.timeout(READY_S):
        _, errors = await process.communicate()
    return process.returncode, errors.decode()


async def test_workshop_program(started):
    """It prints addresses and configuration as JSON, obeys typed faults, stops on SIGTERM."""
    process = await started(
        "workshop", "--opcua-port", "0", "--modbus-port", "0", "--json", "--lang", "zh"
    )
    where = json.loads(await said(process))
    assert {device["id"] for device in where["configuration"]["devices"]} >= {"L1", "P1", "M0"}
    process.stdin.write("off P1\n哪里 X9\nbad X9\n".encode())
    assert await said(process) == "P1: off"
    assert "可输入" in await said(process) + await said(process)
    assert "没有设备 X9" in await said(process)
    host, port = where["modbus"].split(":")
    async with AsyncModbusTcpClient(host, port=int(port)) as client:
        assert (await client.read_holding_registers(0, count=1, device_id=1)).registers == [0]
    assert await stopped(process, signal.SIGTERM) == (0, "")


async def test_proxy_program(started):
    """It forwards, obeys what is typed, and stops on SIGINT."""
    with socket.create_server(("127.0.0.1", 0)) as target:
        process = await started("proxy", f"127.0.0.1:{target.getsockname()[1]}", "--json")
        where = json.loads(await said(process))
        host, port = where["proxy"].split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"?")
        far, _ = await asyncio.to_thread(target.accept)
        far.sendall(far.recv(1))
        assert await reader.readexactly(1) == b"?"
        process.stdin.write(b"refuse\n")
        assert (await said(process)).startswith("refuse: connections=1")
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(host, int(port))
        process.stdin.write(b"delay\n")
        assert (await said(process)).startswith("type: ")
        writer.close()
        far.close()
    assert await stopped(process, signal.SIGINT) == (0, "")


@pytest.mark.parametrize("kind", ["modbus", "opcua"])
async def test_counting_programs(kind, started):
    """Benchmark servers say where they are and stop cleanly, with no input at all."""
    process = await started(kind, "--port", "0", "--size", "10", "--json")
    process.stdin.close()
    where = json.loads(await said(process))
    assert where["size"] == 10
    assert await stopped(process, signal.SIGINT) == (0, "")


@pytest.mark.parametrize("kind", ["modbus", "opcua"])
def test_taken_port(kind, capsys):
    """A taken port ends with exit code 2 and a sentence that names it, in both languages."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert main(["simulate", kind, "--port", str(port)]) == 2
    errors = capsys.readouterr().err
    assert f"127.0.0.1:{port}" in errors
    assert "请换一个端口" in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    "words",
    [
        ["proxy", "nowhere"],
        ["modbus", "--size", "0"],
        ["workshop", "--speed", "0"],
        ["nothing"],
        [],
    ],
)
def test_wrong_arguments(words, capsys):
    """A wrong argument ends with exit code 2 and no traceback."""
    try:
        code = main(["simulate", *words])
    except SystemExit as leaving:
        code = leaving.code
    assert code == 2
    assert "Traceback" not in capsys.readouterr().err


def test_other_programs_get_their_own_arguments(capsys):
    """`simulate broker --help` is the broker's own help."""
    with pytest.raises(SystemExit) as leaving:
        main(["simulate", "broker", "--help"])
    assert leaving.value.code == 0
    assert "simulators.mqtt" in capsys.readouterr().out
