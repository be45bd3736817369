"""R5: everything that can go wrong with a gateway, mixed, for a day or any share of it.

An agent as a process of its own, over Modbus and OPC UA, with a real mosquitto behind a proxy, and
four tracks of faults at once. `CHULIAN_SOAK_LOG` names a file that keeps what happened when.
"""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from faults.scale import is_full, rounds
from faults.soak.memory import Diary, growth
from faults.soak.mixing import ENDS_S, Mixer, Pace
from faults.soak.plant import plant
from faults.soak.verdict import judge
from system.waiting import until

# 25 s on a quiet machine, minutes on a busy one: not among the quick ones
pytestmark = [pytest.mark.foreign, pytest.mark.long, pytest.mark.timeout(600)]

LOG = "CHULIAN_SOAK_LOG"
DAY_S = 86_400
JUDGED_S = 6 * 3600
"""A soak so long can tell growth of memory from its ups and downs."""
GROWTH_MB_PER_DAY = 1.0
QUICK = Pace(fault_s=(0.1, 0.5), pause_s=(0.05, 0.3))
CALM = Pace(fault_s=(0.3, 90), pause_s=(0.2, 120))
CONFIRM_EVERY_S = 1.0
STRETCH_S = 1800
"""A soak with room for two stretches so long has two."""
ENDING_SHARE = 0.05
"""Share of a stretch in which the process is ended, again and again."""
DRAINED_S = 600.0


async def test_r5_a_soak_with_everything_mixed(tmp_path, dice, figure):
    """Whatever was mixed: all that was stored has come, unaltered and in order; holes are told."""
    seconds = rounds(short=0, full=DAY_S)
    path = Path(os.environ.get(LOG) or tmp_path / "soak.log")
    diary = Diary()
    with path.open("w", encoding="utf-8") as log:
        async with plant(tmp_path) as made:
            mixer = Mixer(made, dice=dice, pace=CALM if is_full() else QUICK, log=log)
            made.agent.start()
            async with _beside(_confirm(made), _watch(made, diary),
                               mixer.read_pages(every_s=5.0)):  # fmt: skip
                await _mix(mixer, seconds)
                mixer.note("everything works again")
                stopped_ms, law = await _end(made)
    figure("length, min", round(seconds / 60))
    _tell(figure, mixer, diary)
    grown = growth(diary.lives)
    if grown is not None:
        by = f"{grown.mb_per_day:+.2f} ± {grown.error_mb_per_day:.2f}"
        figure("memory grows by, MB a day", by)
    found = judge(made.account, law, mixer.broker_kills, until_ms=stopped_ms)
    for name, value in found.items():
        figure(name, value)
    if seconds >= JUDGED_S:
        assert grown.mb_per_day - 2 * grown.error_mb_per_day <= GROWTH_MB_PER_DAY


async def _mix(mixer, seconds):
    """Mix for so long; the process is ended early in each stretch, and lives through the rest.

    So one or two of its lives are long, and growth of its memory shows.
    """
    stretches = 2 if seconds >= 2 * STRETCH_S else 1
    began_s, stretch_s = time.monotonic(), seconds / stretches
    async with asyncio.TaskGroup() as tracks:
        for faults in (mixer.brokers, mixer.links, mixer.machines):
            tracks.create_task(mixer.track(faults, until_s=began_s + seconds))
        for start_s in (began_s + at * stretch_s for at in range(stretches)):
            await mixer.track(mixer.ends | mixer.lives, until_s=start_s + ENDING_SHARE * stretch_s)
            if seconds:
                await mixer.track(mixer.lives, until_s=start_s + stretch_s)


async def _end(made):
    """Have everything sent and the agent stopped; give when, and the books of the closed store.

    What the agent says of itself while it stops is sent by its next life: that one has to come.
    """
    await made.agent.until(
        lambda s: all(d["state"] == "online" for d in s["devices"]),
        within_s=DRAINED_S, what="reads both machines again",
    )  # fmt: skip
    await made.agent.drained(within_s=DRAINED_S)
    stopped_ms = time.time_ns() // 1_000_000
    await _stop(made.agent)
    stored = made.agent.verify()["stored"]["rows"]
    made.agent.start()
    await until(
        lambda: made.account.whole_to() >= stored, within_s=DRAINED_S, what=f"{stored} rows come"
    )
    await made.agent.drained(within_s=DRAINED_S)
    await _stop(made.agent)
    assert "Traceback" not in made.agent.complaints()
    return stopped_ms, made.agent.verify()


async def _stop(agent):
    assert await agent.stop(within_s=ENDS_S) == 0, agent.complaints()


def _tell(figure, mixer, diary):
    for name, count in sorted(mixer.counts.items()):
        figure(name, count)
    if diary.largest is not None:
        figure("memory a minute after a start, MB", round(max(diary.after_a_minute), 1))
        figure("largest memory, MB", round(diary.largest, 1))


async def _confirm(made):
    while True:
        made.account.confirm()
        await asyncio.sleep(CONFIRM_EVERY_S)


async def _watch(made, diary):
    while True:
        diary.look(made.agent.pid)
        await asyncio.sleep(CONFIRM_EVERY_S)


@asynccontextmanager
async def _beside(*works):
    """Run things beside the block for as long as it lasts; their errors end it."""
    tasks = asyncio.TaskGroup()
    async with tasks:
        running = [tasks.create_task(work) for work in works]
        try:
            yield
        finally:
            for each in running:
                each.cancel()
                with suppress(asyncio.CancelledError):
                    await each
