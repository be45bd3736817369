"""The broker as a process."""

import asyncio
import socket
import sys

import pytest

from simulators.mqtt import Faults, Limits, Reason
from simulators.mqtt.__main__ import main, make_broker, parse


async def test_it_prints_its_url_and_stops_on_a_signal(client):
    """`python -m simulators.mqtt` prints where it listens, serves, and ends cleanly on SIGTERM."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulators.mqtt", "--port", "0", stdout=-1
    )
    async with asyncio.timeout(20):
        url = (await process.stdout.readline()).decode().strip()
        _, reason, _ = await client("c").connect(Where(url))
        assert not reason.is_failure
        process.terminate()
        assert await process.wait() == 0


class Where:
    """Host and port of a URL, as a client wants them."""

    def __init__(self, url):
        self.host, port = url.removeprefix("mqtt://").split(":")
        self.port = int(port)


async def test_options_become_faults_and_limits():
    """What the command line asks for is what the broker does."""
    words = ["--port", "0", "--refuse", "--drop-pubacks", "3", "--receive-maximum", "1"]
    broker = make_broker(parse([*words, "--reason", "a/#=0x87", "--reason", "b=153"]))
    assert broker.faults == Faults(
        refuse_connect=Reason.SERVER_UNAVAILABLE,
        drop_pubacks=3,
        reason_by_filter={"a/#": 0x87, "b": 0x99},
    )
    assert broker.limits == Limits(receive_maximum=1)


@pytest.mark.parametrize("text", ["a/#", "=0x87", "a=0x187", "a=x"])
def test_a_wrong_reason_is_refused(text):
    """A reason that is not FILTER=CODE ends with exit code 2."""
    with pytest.raises(SystemExit) as leaving:
        parse(["--reason", text])
    assert leaving.value.code == 2


def test_a_taken_port_is_told(capsys):
    """A port that is taken ends with exit code 2 and a sentence, not a traceback."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert main(["--port", str(taken.getsockname()[1])]) == 2
    assert "无法启动" in capsys.readouterr().err
