"""Words typed at a running OPC UA simulator: faults come and go while it runs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from simulators.opcua import odd
from simulators.opcua.faults import SWITCHES
from simulators.opcua.words import MOODS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from simulators.opcua.device import Device

WORDS: Final = {
    "kill-session": ("close every session, connections stay", "关闭所有会话，连接保持"),
    "kill-subscription": ("delete every subscription, sessions stay", "删除所有订阅，会话保持"),
    "drop": ("reset every connection, sessions stay", "强制断开所有连接，会话保留"),
    "stop": ("the server goes away, the machine works on", "服务器停止，机床继续运行"),
    "start": ("the server comes back, with new sessions", "服务器恢复，原会话全部失效"),
    "restart SECONDS": ("away for so long, same namespaces", "停止若干秒后恢复"),
    "shuffle SECONDS": ("the same, with other namespace indexes", "同上，且命名空间序号改变"),
    "forget SECONDS": (
        "no node of the machine is known for so long",
        "若干秒内所有设备节点都返回 BadNodeIdUnknown",
    ),
    "slow SECONDS": ("every answer comes so much later", "每个应答都延迟若干秒"),
    "lose COUNT": ("so many notification messages are lost", "丢弃接下来的若干条通知消息"),
    "refuse PATTERN": (
        "nodes whose identifier matches cannot be monitored",
        "标识符匹配的节点不能订阅（仍可读取）",
    ),
    "odd NODE KIND": (
        "an odd value or status code in place of the value",
        "用异常值或状态码代替某节点的值",
    ),
    "history MOOD": ("how history answers from now on", "历史查询的应答方式"),
    "clock SETTING": ("true, 2000-01-01, +1y, -90s", "设备时钟：true、2000-01-01、+1y、-90s"),
    "trust": ("trust every client certificate refused so far", "信任此前被拒绝的所有客户端证书"),
    "none": ("end every fault", "取消全部故障"),
    "status": ("what acts, and what was counted", "查看当前故障与计数"),
    "list": ("all of this", "列出全部命令"),
}
"""Command with its argument -> what it does, in English and Chinese; `SWITCHES` are words too."""
_SHORT: Final = "|".join((*SWITCHES, *(word.split()[0] for word in WORDS)))
HELP: Final = (
    f"type: {_SHORT} | -NAME takes a switch away",
    f"可输入：{_SHORT}；-名称 取消该故障",
)
"""What can be typed, in English and Chinese."""


def listing(language: str) -> str:
    """Give every word with what it does, a line each."""
    chinese = language == "zh"
    tables: tuple[Mapping[str, tuple[str, str]], ...] = (SWITCHES, WORDS)
    lines = [f"{word}: {both[chinese]}" for table in tables for word, both in table.items()]
    lines += [f"odd NODE {kind}: {both[chinese]}" for kind, both in odd.KINDS.items()]
    lines += [f"history {mood}: {both[chinese]}" for mood, both in MOODS.items()]
    return "\n".join(lines)


class Control:
    """One running device and what people tell it."""

    def __init__(self, device: Device, *, language: str = "en") -> None:
        self._device = device
        self._language = language

    async def obey(self, line: str) -> str:
        """Do one typed command; give the answer for the person."""
        word, *rest = line.split()
        faults = self._device.faults
        try:
            if word in SWITCHES and not rest:
                faults.on.add(word)
            elif word.startswith("-") and word[1:] in SWITCHES and not rest:
                faults.on.discard(word[1:])
            else:
                answer = await self._do(word, rest)
                if answer:
                    return answer
        except (ValueError, IndexError, KeyError, re.error) as error:
            why = str(error) if isinstance(error, ValueError) else ""
            return f"{why}\n{HELP[self._language == 'zh']}".strip()
        except OSError as error:
            return f"cannot listen again / 无法重新监听: {error}"
        return f"{line}: {self._status()}"

    async def _do(self, word: str, rest: list[str]) -> str:
        """Do what is no switch; give an answer where it is more than the status.

        Raises:
            ValueError, IndexError, KeyError: it is not understood; nothing changed.
        """
        if word in {"odd", "refuse", "history", "clock"}:
            return await self._change(word, rest)
        if word in {"restart", "shuffle"} and not rest:
            rest = ["0"]
        if word in {"slow", "lose", "forget", "restart", "shuffle"}:
            return await self._for(word, float(rest[0]))
        actions: dict[str, Callable[[], Awaitable[str]]] = {
            "drop": self._drop,
            "kill-session": self._kill_sessions,
            "kill-subscription": self._kill_subscriptions,
            "list": self._list,
            "none": self._recover,
            "start": self._start,
            "status": self._nothing,
            "stop": self._stop,
            "trust": self._trust,
        }
        return await actions[word]()

    async def _change(self, word: str, rest: list[str]) -> str:
        device = self._device
        if word == "odd":
            identifier, kind = rest
            odd.check(kind)
            if not device.holds(identifier):
                return f"no such node / 没有该节点: {identifier}"
            device.faults.odd[identifier] = kind
            await device.show(identifier)
        elif word == "refuse":
            re.compile(rest[0])
            device.faults.refused.add(rest[0])
        elif word == "history":
            if rest[0] not in MOODS:
                raise ValueError(f"{rest[0]!r}: {', '.join(MOODS)}")
            device.historian.mood = rest[0]
        else:
            device.clock.set(rest[0])
        return ""

    async def _for(self, word: str, amount: float) -> str:
        faults = self._device.faults
        if amount < 0:
            raise ValueError(f"{amount:g}: 0 or more / 不能为负数")
        if word == "slow":
            faults.slow_s = amount
        elif word == "lose":
            faults.lose = int(amount)
        elif word == "forget":
            faults.forget_nodes(amount)
        else:
            await self._device.restart(away_s=amount, shuffle=word == "shuffle")
        return ""

    async def _nothing(self) -> str:
        return ""

    async def _list(self) -> str:
        return listing(self._language)

    async def _drop(self) -> str:
        return f"{self._device.drop_connections()} connections"

    async def _trust(self) -> str:
        return f"{self._device.trust.trust()} certificates"

    async def _kill_sessions(self) -> str:
        return f"{await self._device.kill_sessions()} sessions"

    async def _kill_subscriptions(self) -> str:
        return f"{await self._device.kill_subscriptions()} subscriptions"

    async def _stop(self) -> str:
        await self._device.stop()
        return ""

    async def _start(self) -> str:
        if not self._device.running:
            await self._device.start()
        return ""

    async def _recover(self) -> str:
        disguised = list(self._device.faults.odd)
        self._device.faults.recover()
        self._device.historian.mood = "good"
        self._device.clock.set("true")
        for identifier in disguised:
            await self._device.show(identifier)
        return ""

    def _status(self) -> str:
        device, faults = self._device, self._device.faults
        acting = [*sorted(faults.on)]
        acting += [f"refuse {pattern}" for pattern in sorted(faults.refused)]
        acting += [f"odd {node} {kind}" for node, kind in sorted(faults.odd.items())]
        acting += [f"slow {faults.slow_s:g}"] if faults.slow_s else []
        acting += [f"lose {faults.lose}"] if faults.lose else []
        acting += [] if device.running else ["stopped"]
        counts = " ".join(f"{n}={count}" for n, count in sorted(faults.counts.items()))
        return f"{' | '.join(acting) or 'none'}; starts={device.starts} {counts}".rstrip()
