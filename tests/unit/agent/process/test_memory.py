from __future__ import annotations

import os
from pathlib import Path

import pytest

from agent.process import memory
from agent.process.memory import CALM_S, LOOK_S, SETTLE_S, MemoryGuard, Step, ceiling

MB = 1_000_000


class Box:
    """A guard over memory and time that the test sets."""

    def __init__(self, ceiling_bytes=100 * MB):
        self.now_s, self.resident, self.done = 1000.0, 50 * MB, []
        steps = [
            Step(n, lambda n=n: self.done.append(n), lambda n=n: self.done.append(f"-{n}"))
            for n in ("first", "second", "last")
        ]
        self.told = []
        self.guard = MemoryGuard(
            ceiling_bytes,
            steps,
            tell=lambda state, step: self.told.append((state, step)),
            resident=lambda: self.resident,
            monotonic=lambda: self.now_s,
        )

    def pass_s(self, seconds):
        """Look every `LOOK_S` for so long."""
        for _ in range(round(seconds / LOOK_S)):
            self.now_s += LOOK_S
            self.guard.look()


def test_steps_are_taken_in_order_one_at_a_time():
    """Above the ceiling each step gets the time to show its effect before the next."""
    box = Box()
    box.resident = 101 * MB
    box.pass_s(LOOK_S)
    assert box.done == ["first"]
    assert box.told == [("short", "first")]
    box.pass_s(SETTLE_S)
    assert box.done == ["first", "second"]
    box.pass_s(20)
    assert box.guard.shed == ("first", "second", "last")
    assert "second" in box.guard.problem.en
    assert "内存不足" in box.guard.problem.zh


def test_steps_are_taken_back_in_reverse_when_there_is_room_for_long():
    """Just below the ceiling nothing is taken back; with room for a while, one after the other."""
    box = Box()
    box.resident = 101 * MB
    box.pass_s(20)
    box.resident, box.done = 90 * MB, []
    box.pass_s(5 * CALM_S)
    assert box.done == []
    box.resident = 80 * MB
    box.pass_s(CALM_S)
    assert box.done == ["-last"]
    assert box.told[-1] == ("enough", "last")
    box.pass_s(3 * CALM_S)
    assert box.done == ["-last", "-second", "-first"]
    assert (box.guard.shed, box.guard.problem) == ((), None)


def test_without_a_ceiling_nothing_is_ever_given_up():
    """A box that sets no limit gets no limit."""
    box = Box(None)
    box.resident = 10_000 * MB
    box.pass_s(60)
    assert box.done == []


@pytest.mark.parametrize(
    ("groups", "files", "expected"),
    [
        ("0::/a/b\n", {"a/b/memory.max": "max", "a/memory.max": "200000000"}, 170_000_000),
        ("0::/a\n", {"a/memory.max": "300000000", "a/memory.high": "100000000"}, 85_000_000),
        (
            "4:cpu,memory:/a\n3:cpu:/x\n",
            {"memory/a/memory.limit_in_bytes": "100000000"},
            85_000_000,
        ),
        ("4:memory:/a\n", {"memory/a/memory.limit_in_bytes": "9223372036854771712"}, None),
        ("", {}, None),
        ("0::/a\n", {"a/memory.max": "max"}, None),
    ],
    ids=["v2-parent", "v2-high", "v1", "v1-unlimited", "none", "v2-unlimited"],
)
def test_the_ceiling_follows_the_container(tmp_path, groups, files, expected):
    """Both versions of control groups are read, up to the root; no limit is no ceiling."""
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text(groups)
    for name, text in files.items():
        path = tmp_path / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    assert ceiling(None, root=tmp_path) == expected
    assert ceiling(64, root=tmp_path) == 64 * MB


def test_resident_memory_is_the_kernels_figure():
    """The process and its descendants are measured, as the kernel accounts them."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    assert memory.resident_bytes() >= pages * os.sysconf("SC_PAGE_SIZE") * 0.8
    memory.give_back()
