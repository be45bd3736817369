"""R2: a start with too few open files or threads says so in one clear text, and the next one works.

What a supervisor does: it starts the agent again and again, until somebody has raised the limit.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from system.agent_process import MODULE, AgentProcess
from system.loads import counting

from agent.process.enough import THREADS, missing
from simulators.mqtt.broker import Broker

pytestmark = pytest.mark.timeout(120)

ENOUGH = 256
TEXTS = {
    "files": {"en": "more files can be opened", "zh": "个文件，至少需要"},
    "threads": {"en": "more threads", "zh": "个线程，至少需要"},
}


@contextmanager
def task_group():
    """Give the file with the limit of a control group, and the shell's words to enter it."""
    base = Path("/sys/fs/cgroup/pids")
    group = (base if base.is_dir() else base.parent) / f"chulian-test-{os.getpid()}"
    try:
        group.mkdir()
        (group / "pids.max").write_text("max", "ascii")
    except OSError as error:
        with suppress(OSError):
            group.rmdir()
        pytest.skip(f"no control group of tasks ({error}); fallback: the test of `missing` below")
    try:
        yield group / "pids.max", f"echo $$ > {group}/cgroup.procs"
    finally:
        group.rmdir()


@contextmanager
def few(what, folder):
    """Give the file that holds the limit, and the shell's words that bring it about."""
    if what == "threads":
        with task_group() as made:
            yield made
    else:
        limit = folder / "limit"
        yield limit, f"ulimit -n $(cat {limit})"


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("what", ["files", "threads"])
async def test_r2_a_start_with_too_little_says_so_and_the_next_one_works(
    tmp_path, what, language, figure
):
    """Exit code 1, one text that names what is short and what to raise; with more, data comes."""
    with few(what, tmp_path) as (limit, enter):
        async with (
            Broker() as broker,
            counting(8) as machine,
            AgentProcess(
                tmp_path, broker_url=broker.url, devices=[machine],
                command=("sh", "-c", f'{enter}; exec "$@"', "sh", *MODULE),
                environment={"CHULIAN_LANG": language},
            ) as agent,
        ):  # fmt: skip
            limit.write_text("12", "ascii")
            agent.start()
            assert await agent.ended(within_s=60) == 1
            told = agent.complaints()
            limit.write_text(str(ENOUGH), "ascii")
            agent.start()
            await agent.collecting()
            assert await agent.stop(within_s=60) == 0
    assert TEXTS[what][language] in told
    assert "Traceback" not in told
    assert len(told.splitlines()) == 1
    figure("starts refused, and told", 1)


def test_what_is_there_is_enough():
    """Where nothing is short nothing is said, and what was tried is given back."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    assert missing() is None
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_threads_the_system_refuses_are_counted(monkeypatch):
    """The text tells how many there were, not only that they were too few."""
    given = []

    def start(self):
        if len(given) == THREADS // 2:
            raise RuntimeError("can't start new thread")
        given.append(self)

    monkeypatch.setattr("threading.Thread.start", start)
    monkeypatch.setattr("threading.Thread.join", lambda _: None)
    said = missing()
    assert f"only {THREADS // 2} more threads, {THREADS} are needed" in said.en
    assert f"只能再提供 {THREADS // 2} 个线程" in said.zh
