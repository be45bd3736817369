"""`chulian simulate opcua` as typed."""

import asyncio
import json
import signal
import sys

import pytest
from integration.simulators.opcua.hearing import connected, read

from agent.cli.main import main
from simulators.opcua.faults import SWITCHES
from simulators.opcua.words import MOODS

READY_S = 20


@pytest.fixture
async def started():
    """Start the program; what still runs at the end of the test must end without a complaint."""
    running = []

    async def start(*words):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "simulators", "opcua", "--json", "--port", "0", *words,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        running.append(process)
        return process

    yield start
    for process in running:
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(READY_S):
            _, errors = await process.communicate()
        assert (process.returncode, errors) == (0, b"")


async def said(process):
    async with asyncio.timeout(READY_S):
        return (await process.stdout.readline()).decode().strip()


async def test_a_machine_with_limits_and_faults(started):
    """It says where it is, begins with the faults given, and obeys what is typed."""
    process = await started(
        "--model", "cnc", "--machines", "1", "--limits", "fanuc", "--per-call", "read=3",
        "--lang", "zh", "--fault", "odd L1.Monitoring.Spindle1.IsRotating gbk",
        "--interval-ms", "100", "--clock=-1y",
    )  # fmt: skip
    where = json.loads(await said(process))
    assert where["model"] == "cnc"
    assert (await said(process)).endswith("starts=1")
    async with connected(where["opcua_url"]) as client:
        index = await client.get_namespace_index("urn:chulian:simulator:workshop")
        name = f"ns={index};s=L1.Monitoring.Spindle1.IsRotating"
        [value] = await read(client, name)
        assert value.Value.Value.encode("utf-8", "surrogateescape").decode("gbk") == "主轴过载"
    process.stdin.write("freeze\nrestart 0\n哪里\n".encode())
    assert (await said(process)).startswith("freeze: freeze | odd")
    assert "starts=2" in await said(process)
    assert "可输入" in await said(process)


async def test_counting_stays_as_it_was(started):
    """Without options it is the counting server of the benchmarks."""
    process = await started("--size", "3", "--interval-ms", "1e6")
    where = json.loads(await said(process))
    async with connected(where["opcua_url"]) as client:
        index = await client.get_namespace_index("urn:chulian:simulator:workshop")
        values = await read(client, *(f"ns={index};s=COUNTER.V{n}" for n in range(3)))
    first = values[0].Value.Value
    assert [each.Value.Value for each in values] == [first, first + 1, first + 2]


def test_everything_that_can_be_typed_is_listed(capsys):
    """--list-faults names every word in both languages."""
    for language in ("en", "zh"):
        assert main(["simulate", "opcua", "--list-faults", "--lang", language]) == 0
        lines = capsys.readouterr().out.splitlines()
        for name, both in SWITCHES.items():
            assert f"{name}: {both[language == 'zh']}" in lines
        for mood, both in MOODS.items():
            assert f"history {mood}: {both[language == 'zh']}" in lines


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["--user", "nobody"], "NAME:PASSWORD"),
        (["--per-call", "reed=3"], "read"),
        (["--buffer-bytes", "100"], "8192"),
        (["--model", "plain", "--clock", "noon"], "2000-01-01"),
        (["--user-certificate", "/nowhere.der"], "nowhere"),
    ],
)
def test_what_cannot_be_is_refused_with_words(capsys, words, hint):
    """A wrong option ends with code 2 and says what would be right."""
    assert main(["simulate", "opcua", "--port", "0", *words]) == 2
    assert hint in capsys.readouterr().err
