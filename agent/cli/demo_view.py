"""What the demo shows: a live table in a terminal, a line every two seconds elsewhere."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from agent.telemetry.status import Message

if TYPE_CHECKING:
    from types import TracebackType

_STATES = {
    "running": (Message("running", "运行"), "green"),
    "idle": (Message("idle", "待机"), "yellow"),
    "alarm": (Message("alarm", "报警"), "bold red"),
    "setup": (Message("setup", "调整"), "cyan"),
    "off": (Message("off", "关机"), "dim"),
    "unknown": (Message("unknown", "未知"), "dim"),
    "": (Message("meter", "仪表"), "dim"),
}
_OPEN = Message("Open", "请用浏览器打开")
_KILL = Message(
    "Try to lose something: kill -9 {pid}   (it is started again; Ctrl-C ends the demo)",
    "试着弄丢数据：kill -9 {pid}  （会自动重启；按 Ctrl-C 结束演示）",
)
_LINE = Message(
    "read {read}  stored {stored}  acknowledged {acked}  waiting {waiting}  "
    "at the platform {arrived}  CNC rate declared {declared} verified {verified}",
    "已采集 {read}  已入库 {stored}  已确认 {acked}  待发送 {waiting}  "
    "平台收到 {arrived}  数控化率 申报 {declared} 已验证 {verified}",
)
_SIMULATED = Message(
    "the demo's machines say that they are simulators, so they are never verified; real ones are",
    "演示设备自报为模拟器，程序据实判为“有矛盾”，不计入已验证；接入真机床并采满天数后才计入",
)
_STARTING = Message("starting ...", "正在启动…")
_NO_RATE = "-"


@dataclass(frozen=True, slots=True)
class Moment:
    """Everything there is to show at one instant."""

    url: str
    pid: int | None
    restarts: int
    status: dict[str, Any] | None
    platform: dict[str, Any]


def make_view(lang: str) -> View:
    """Give the view that fits where we print."""
    return View(Console(), lang)


class View:
    """Shows moments; a context manager, as a live display must be ended."""

    def __init__(self, console: Console, lang: str) -> None:
        self._console = console
        self._lang = lang
        self._live = Live(console=console, auto_refresh=False, transient=False)
        self._announced = False
        self._printed_s = 0.0

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._live.stop()

    def show(self, moment: Moment) -> None:
        """Show one moment."""
        if self._console.is_terminal:
            self._live.update(self._table(moment), refresh=True)
            return
        if not self._announced:
            self._announced = True
            self._print(f"{_OPEN.text(self._lang)}: {moment.url}")
        if time.monotonic() - self._printed_s >= 2:
            self._printed_s = time.monotonic()
            self._print(self._line(moment))

    def summary(self, summary: dict[str, Any]) -> None:
        """Say how it ended."""
        store, platform = summary["store"], summary["platform"]
        law = " + ".join(
            f"{store[n]['rows']} {_WORDS[n].text(self._lang)}"
            for n in ("acked", "rejected", "dropped", "waiting")
        )
        mark = "✓" if summary["law_holds"] else "✗"
        stored = f"{store['stored']['rows']} {_WORDS['stored'].text(self._lang)}"
        self._print(f"{stored} = {law}  {mark}")
        agrees = "✓" if platform["agrees"] else "✗"
        text = Message(
            "the platform received {rows} rows, {values} values, {holes} holes, "
            "{duplicates} duplicates removed",
            "平台收到 {rows} 行、{values} 个值，缺口 {holes} 处，已去除重复 {duplicates} 行",
        ).text(self._lang)
        holes = len(platform["holes"])
        self._print(text.format(**(platform | {"holes": holes})) + f"  {agrees}")
        self._print(_SIMULATED.text(self._lang))

    def _print(self, text: str) -> None:
        self._console.print(text, highlight=False, soft_wrap=True)

    def _line(self, moment: Moment) -> str:
        if moment.status is None:
            return _STARTING.text(self._lang)
        store = moment.status["store"]
        declared, verified = _rates(moment)
        return _LINE.text(self._lang).format(
            read=sum(d["values"] for d in moment.status["devices"]),
            stored=store["stored"]["values"],
            acked=store["acked"]["values"],
            waiting=store["waiting"]["values"],
            arrived=moment.platform["values"],
            declared=declared,
            verified=verified,
        )

    def _table(self, moment: Moment) -> Group:
        lang = self._lang
        head = Text.assemble((f"{_OPEN.text(lang)}  ", "bold"), (moment.url, "bold underline cyan"))
        hint = Text(_KILL.text(lang).format(pid=moment.pid or "…"), style="dim")
        machines = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for title in _COLUMNS:
            machines.add_column(title.text(lang), justify="right" if title in _NUMBERS else "left")
        for device in (moment.status or {}).get("devices", []):
            word, style = _STATES[device["machine_state"]]
            machines.add_row(
                device["id"],
                device["name"],
                Text(word.text(lang), style=style),
                str(device["values"]),
                str(device["missed"]),
            )
        return Group(head, hint, Text(), machines, Text(), Text(self._line(moment), style="bold"))


_COLUMNS = (
    Message("machine", "设备"),
    Message("name", "名称"),
    Message("state", "状态"),
    Message("values read", "采集值数"),
    Message("polls missed", "漏采次数"),
)
_NUMBERS = _COLUMNS[3:]
_WORDS = {
    "stored": Message("stored", "行已入库"),
    "acked": Message("acknowledged", "已确认"),
    "rejected": Message("refused", "被拒收"),
    "dropped": Message("dropped", "已丢弃"),
    "waiting": Message("waiting", "待发送"),
}


def _rates(moment: Moment) -> tuple[str, str]:
    """Give the headline rates, declared and verified, as the page shows them."""
    rate = (moment.status or {}).get("rate") or {}
    return _percent(rate.get("declared")), _percent(rate.get("verified"))


def _percent(pair: list[int] | None) -> str:
    if not pair:
        return _NO_RATE
    from fractions import Fraction

    from agent.kpi.region import percent_text

    return percent_text(Fraction(*pair)) + " %"
