"""A writer at work on a disk of its own, and what it told: what every row of full disks needs."""

from __future__ import annotations

import asyncio
import subprocess

from agent.config.model import Store
from agent.store.outbox import Kind, NewRow
from agent.store.sqlite import Outbox
from agent.store.writer import Writer
from drivers.api import Frame

BODY = b"y" * 50_000


class Codec:
    """One large row per frame; its body ends with the frame's number."""

    def encode(self, frames):
        return [NewRow(Kind.DATA, 7, 1, BODY + b"%d" % f.values[0]) for f in frames]


class Plant:
    """A writer on a small disk, and what it told."""

    def __init__(self, directory):
        self.outbox = Outbox.open(Store(path=directory / "s.db", commit_interval_s=0.02))
        self.accepted, self.given, self.gone, self.failures = [], 0, [], []
        self.writer = Writer(
            self.outbox, commit_interval_s=0.02,
            on_commit=self.told, on_failure=self.failures.append,
        )  # fmt: skip
        self.writer.start()

    def told(self, done):
        """Note what is accepted and what was dropped."""
        self.accepted += [row for row in done.rows if row.kind is Kind.DATA]
        self.gone += done.gone

    @property
    def numbers(self):
        """Numbers of the frames whose rows are accepted, in that order."""
        return [int(row.body[len(BODY) :]) for row in self.accepted]

    async def hand_in(self, frames):
        """Hand frames in whatever the disk does; waits while the intake is full."""
        codec = Codec()
        for _ in range(frames):
            self.given += 1
            await self.writer.put_frame(codec, Frame("d", "g", 1, (self.given,)))

    async def give(self, most):
        """Hand frames in until the disk refuses, at most so many; tell whether it did."""
        codec = Codec()
        for _ in range(most):
            self.given += 1
            await self.writer.put_frame(codec, Frame("d", "g", 1, (self.given,)))
            await asyncio.sleep(0.002)
            if self.writer.status().problem:
                return True
        return False


def mount(*words):
    """Mount, or mount otherwise; raises where that cannot be done."""
    subprocess.run(["mount", *map(str, words)], check=True, capture_output=True)


def unmount(place):
    """Take a file system away, whoever still uses it."""
    subprocess.run(["umount", "-l", str(place)], check=False, capture_output=True)
