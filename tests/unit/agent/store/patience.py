"""Waiting for what another task or thread will do, with a deadline."""

from __future__ import annotations

import asyncio
import time

import pytest

POLL_S = 0.005


async def until(condition, *, within_s=30.0):
    """Poll until the condition gives something true, and give that; fail when time is over."""
    end_s = time.monotonic() + within_s
    while not (found := condition()):
        if time.monotonic() > end_s:
            pytest.fail(f"not within {within_s} s: {condition.__code__.co_name}")
        await asyncio.sleep(POLL_S)
    return found
