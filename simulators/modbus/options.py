"""The options of `chulian simulate modbus`, with their words for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

TRANSPORTS: Final = ("tcp", "udp", "tls", "rtu-tcp", "ascii-tcp", "rtu", "ascii")
"""What `--transport` takes."""


def add_options(parser: argparse.ArgumentParser, text: Callable[[str, str], str]) -> None:
    """Add everything that the counting server has not."""
    _add_units(parser, text)
    _add_line(parser, text)
    add = parser.add_argument
    add(
        "--personality",
        action="append",
        default=[],
        metavar="NAME[:VALUE][@PROBABILITY][#UNIT]",
        help=text("misbehave so; repeatable", "按此方式制造故障，可重复"),
    )
    add(
        "--list-personalities",
        action="store_true",
        help=text("list what can be misbehaved, and end", "列出全部故障方式后退出"),
    )
    add(
        "--seed",
        type=int,
        default=1,
        help=text("same seed, same misbehaviour", "随机种子，相同则故障相同"),
    )


def builds_bus(args: argparse.Namespace) -> bool:
    """Tell whether more is asked for than the counting server."""
    return bool(
        args.map or args.units or args.transport or args.serial or args.dial or args.personality
    )


def unit_numbers(text: str) -> list[int]:
    """Read `1,3,7-9`; raises ValueError for what is no unit id."""
    numbers = list(_numbers(text))
    if not numbers or not all(0 <= number <= 255 for number in numbers):
        raise ValueError(f"{text!r}: units 0-255, such as 1,3,7-9 / 站号 0–255，如 1,3,7-9")
    return numbers


def _numbers(text: str) -> Iterator[int]:
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            return
        yield from range(int(first), int(last or first) + 1)


def _add_units(parser: argparse.ArgumentParser, text: Callable[[str, str], str]) -> None:
    add = parser.add_argument
    add(
        "--map",
        action="append",
        default=[],
        metavar="[UNITS=]FILE",
        help=text(
            "point table (.csv, .xlsx) or template (.yaml) that gives the registers; repeatable",
            "点表（.csv、.xlsx）或模板（.yaml），决定有哪些寄存器，可重复",
        ),
    )
    add(
        "--units",
        metavar="1,3,7-9",
        help=text("units that hold the known pattern", "存放已知规律数据的站号"),
    )
    add("--values", metavar="FILE", help=text("name: value, fixed", "固定数值文件，名称: 数值"))
    add(
        "--absent",
        choices=("2", "3", "silence", "zero"),
        default="2",
        help=text("answer where nothing is", "读取不存在的地址时的应答"),
    )
    add("--max-registers", type=int, default=125, help=text("longest read", "单次最多寄存器数"))
    add(
        "--too-long",
        choices=("2", "3", "silence"),
        default="3",
        help=text("answer to a longer one", "超过上述数量时的应答"),
    )
    add("--writable", action="store_true", help=text("take writes", "接受写入"))
    add(
        "--turnaround-ms",
        type=float,
        default=0.0,
        help=text("time to think before an answer", "应答前的处理时间（毫秒）"),
    )


def _add_line(parser: argparse.ArgumentParser, text: Callable[[str, str], str]) -> None:
    add = parser.add_argument
    add("--transport", choices=TRANSPORTS, help=text("how it is reached", "通信方式"))
    add(
        "--serial",
        metavar="PORT",
        help=text("serial port, or pty for one of its own", "串口；写 pty 则自建虚拟串口"),
    )
    add(
        "--baud", type=int, help=text("every byte takes its time", "波特率，按此计算每个字节的时间")
    )
    add("--parity", choices=("none", "even", "odd"), default="none", help=text("parity", "校验"))
    add("--stop-bits", type=int, choices=(1, 2), default=1, help=text("stop bits", "停止位"))
    add(
        "--dial",
        metavar="HOST:PORT",
        help=text("dial in to a listening agent, as a DTU", "像 DTU 那样主动连接采集侧"),
    )
    add("--registration", default="", help=text("sent first when dialling", "主动连接后的注册包"))
    add("--heartbeat", default="", help=text("sent now and then", "心跳包（文本或 hex:0A0B）"))
    add("--heartbeat-s", type=float, default=0.0, help=text("how often", "心跳间隔（秒）"))
    add(
        "--tls-dir",
        default="tls",
        metavar="DIRECTORY",
        help=text("certificates; made if missing", "证书目录，缺少时自动生成"),
    )
