"""node-opcua that restarts, hangs and is away, read by the whole agent: nothing wrong, no hole.

One server is read four times at once: plainly, encrypted, with a password, with a certificate.
"""

from __future__ import annotations

import json
import random
import subprocess
import time
from contextlib import asynccontextmanager

import pytest
from foreign.node_server import NODES, NodeServer
from foreign.shops import BACK_WITHIN_S, CHANGE_MS, VARIABLES, device, judge, options, shop, whole
from system.agent_process import MODULE
from system.waiting import passed
from unit.drivers.opcua.security.certificates import key, make, pem

pytestmark = [pytest.mark.foreign, pytest.mark.timeout(240)]

SEED = 20_260_718
LIMITS = ("--max-read", 10, "--max-monitored", 7, "--max-history", 5)
"""Fewer than there are variables, each in another way."""


def readers(url, folder):
    """Give the four readers; the user's certificate is made in the folder."""
    user = make("op", private_key=key("user"), uri="urn:user:op")
    (folder / "op.pem").write_bytes(pem(user))
    (folder / "op.key").write_bytes(pem(key("user")))
    (folder / "pw").write_text("geheim", "utf-8")
    (folder / "pw").chmod(0o600)
    aes = {"security": "Aes256_Sha256_RsaPss"}
    return [
        device("plain", url, NODES, security="none"),
        device("encrypted", url, NODES, security="Basic256Sha256"),
        device("password", url, NODES, username="op", password="file:pw", **aes),
        device("certificate", url, NODES, user_certificate="op.pem", user_key="op.key", **aes),
    ]


READERS = ("plain", "encrypted", "password", "certificate")


@asynccontextmanager
async def running(folder, *more, names=READERS):
    """Run the machine and its readers; a person trusts the server where one is asked for."""
    with NodeServer(*options(folder / "log"), "--user", "op:geheim", *more) as server:
        devices = [each for each in readers(server.url, folder) if each["id"] in names]
        prepare = None if set(names) == {"plain"} else _trust
        async with shop(folder, server, devices, prepare=prepare) as made:
            yield made


async def _trust(agent):
    """Do what the page says: trust the server that was met."""
    await agent.until(
        lambda s: any("not trusted yet" in str(d["problem"]) for d in s["devices"]),
        what="meets a server it does not know",
    )
    for found in json.loads(_cert(agent, "list", "--json", code=1))["certificates"]:
        if found["state"] == "rejected":
            _cert(agent, "trust", found["thumbprint"])


def _cert(agent, *words, code=0):
    """Type `chulian cert`; gives what it prints."""
    done = subprocess.run(
        [*MODULE, "cert", *words, "-c", agent.config],
        capture_output=True, text=True, check=False, cwd=agent.folder,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


async def test_restarts_lose_nothing_unannounced(tmp_path, report):
    """After each restart everything delivers again in time; what is missing was announced."""
    took = []
    async with running(tmp_path, names=("plain", "certificate")) as made:
        await made.server.order("restart 0")
        took.append(await made.back())
        made.server.kill()
        made.server.start()
        took.append(await made.back())
        assert await made.agent.stop() == 0
        judge(made, lambda line: report(f"worst {max(took):.1f} s after server-up; {line}"))
    assert max(took) < BACK_WITHIN_S


async def _outage(folder, report, *, away_s):
    """Let the server be away while its machine works on; everything comes in the end."""
    async with running(folder, "--history", 10_000, *LIMITS) as made:
        await made.server.order(f"restart {away_s}")
        took_s = await made.back()
        await whole(made, within_s=60 + away_s)
        assert await made.agent.stop() == 0
        judge(made, lambda line: report(f"back after {took_s:.1f} s; {line}"), whole=True)
        least = VARIABLES * (away_s * 1000 / CHANGE_MS - 1)
        assert all(found.late >= least for found in made.compared().values())


async def test_an_outage_is_filled_from_history(tmp_path, report):
    """What changed during 8 s without a server arrives from its history: no hole, nothing twice."""
    await _outage(tmp_path, report, away_s=8)


@pytest.mark.long
async def test_an_outage_of_a_minute_is_filled_from_history(tmp_path, report):
    """So does what changed during 60 s."""
    await _outage(tmp_path, report, away_s=60)


async def test_the_agents_own_absence_is_filled(tmp_path, report):
    """What changed while the agent itself was killed arrives from the server's history."""
    async with running(tmp_path, "--history", 10_000, names=("plain",)) as made:
        await made.server.order("restart 1")
        await made.back()
        await whole(made, within_s=60)  # from now on it is known that the server remembers
        await made.agent.kill()
        await passed(since_s=time.monotonic(), seconds=3)
        made.agent.start()
        await made.back()
        await whole(made, within_s=60)
        assert await made.agent.stop() == 0
        judge(made, report, whole=True)


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_fifty_restarts_of_fifty(tmp_path, report):
    """50 restarts, half of them by kill -9: every reader is back within 15 s of the server."""
    dice = random.Random(SEED)
    took = []
    async with running(tmp_path) as made:
        for number in range(50):
            if number % 2:
                made.server.kill()
                await passed(since_s=time.monotonic(), seconds=dice.uniform(0, 5))
                made.server.start()
            else:
                await made.server.order(f"restart {dice.uniform(0, 5):.2f}")
            took.append(await made.back())
        assert await made.agent.stop() == 0
        late = sum(each > BACK_WITHIN_S for each in took)
        said = (
            f"{50 - late} of 50 in time, median {sorted(took)[25]:.1f} s, worst {max(took):.1f} s"
        )
        judge(made, lambda line: report(f"{said}; {line}"))
    assert late == 0
