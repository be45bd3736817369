"""Words typed at a running simulator: faults on demand, for people and for shell scripts.

A line is one command. What is not understood is answered with what would be; it changes nothing.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from typing import TYPE_CHECKING

from simulators.faults import Direction, MachineFault
from simulators.machine import State

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from simulators.board import Held
    from simulators.proxy import TcpProxy
    from simulators.workshop import Workshop

_SHOP_EN = "type: freeze L1 | bad L1 | off L1 | none L1 (recover) | status"
_SHOP_ZH = (
    "可输入：freeze L1（数值冻结）| bad L1（数据无效）| off L1（断电）| none L1（恢复）| status"
)
_PROXY_EN = (
    "type: freeze [up|down] | thaw | cut | refuse | accept | delay SECONDS | drip BYTES_PER_S"
    " | clear | status"
)
_PROXY_ZH = (
    "可输入：freeze [up|down]（冻结）| thaw（解冻）| cut（强制断开）| refuse（拒绝新连接）"
    "| accept（恢复监听）| delay 秒数 | drip 每秒字节数 | clear（全部恢复）| status"
)
SHOP_HELP = (_SHOP_EN, _SHOP_ZH)
"""What can be typed at a workshop, in English and Chinese."""
PROXY_HELP = (_PROXY_EN, _PROXY_ZH)
"""What can be typed at a proxy, in English and Chinese."""

_MACHINE_WORDS = {fault.value for fault in MachineFault}
_TWO_WORDS = 2


async def lines() -> AsyncIterator[str]:
    """Yield what is typed on standard input, stripped; ends with the input.

    A process in the background of a terminal gets no lines: reading would stop it.
    """
    if not _in_foreground():
        return
    loop = asyncio.get_running_loop()
    typed: asyncio.Queue[str] = asyncio.Queue()

    def read() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(typed.put_nowait, line.strip())
        loop.call_soon_threadsafe(typed.put_nowait, "\0")

    # a daemon: nothing can wake a thread that waits for a key, and it must not hold up the exit
    threading.Thread(target=read, name="console", daemon=True).start()
    while (line := await typed.get()) != "\0":
        if line:
            yield line


async def command_shop(shop: Workshop, line: str) -> str:
    """Do one typed command; give the answer for the person."""
    words = line.split()
    if words == ["status"]:
        held = shop.snapshot()
        return "\n".join(f"{device}: {_state(tags)}" for device, tags in held.items())
    if len(words) == _TWO_WORDS and words[0] in _MACHINE_WORDS:
        try:
            await shop.fault(words[1], MachineFault(words[0]))
        except KeyError:
            return f"no device {words[1]} / 没有设备 {words[1]}: {', '.join(shop.snapshot())}"
        return f"{words[1]}: {words[0]}"
    return "\n".join(SHOP_HELP)


async def command_proxy(proxy: TcpProxy, line: str) -> str:
    """Do one typed command; give the answer for the person."""
    word, *rest = line.split()
    try:
        await _do_proxy(proxy, word, rest)
    except (ValueError, IndexError):
        return "\n".join(PROXY_HELP)
    except OSError as error:
        return f"cannot listen again / 无法重新监听: {error}"
    passed = [proxy.passed_bytes(way) for way in (Direction.UP, Direction.DOWN)]
    return f"{line}: connections={proxy.connections} up={passed[0]} B down={passed[1]} B"


async def _do_proxy(proxy: TcpProxy, word: str, rest: list[str]) -> None:
    simple = {"cut": proxy.cut, "refuse": proxy.refuse, "clear": proxy.clear}
    if word in simple and not rest:
        simple[word]()
    elif word == "accept":
        await proxy.accept()
    elif word in {"freeze", "thaw"}:
        direction = Direction(rest[0]) if rest else Direction.BOTH
        (proxy.freeze if word == "freeze" else proxy.thaw)(direction=direction)
    elif word == "delay":
        proxy.delay(float(rest[0]))
    elif word == "drip":
        proxy.drip(float(rest[0]))
    elif word != "status":
        raise ValueError(word)


def _state(tags: Mapping[str, Held]) -> str:
    state = tags.get("machine.state")
    if state is None:
        return f"{tags['power.active'].value} W"
    return "BAD" if state.value is None else State(int(state.value)).name


def _in_foreground() -> bool:
    if sys.stdin is None or sys.stdin.closed:
        return False
    return not sys.stdin.isatty() or os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
