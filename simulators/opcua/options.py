"""The options of `chulian simulate opcua`, with their words for people, and what they ask for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from simulators.opcua.limits import PROFILES, Limits, per_call
from simulators.opcua.words import CERTIFICATES, MOODS, POLICIES
from simulators.running import require

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from simulators.opcua.access import Access

MODELS: Final = ("counting", "plain", "cnc", "packml")
"""What `--model` takes."""
_LIMITS: Final = {
    "max-sessions": ("sessions", "sessions", "最多会话数"),
    "max-subscriptions": ("subscriptions", "subscriptions", "最多订阅数"),
    "max-items": ("items", "monitored items in all", "最多监视项总数"),
    "max-queue": ("queue", "longest queue of an item", "监视项队列的最大长度"),
    "min-publishing-ms": ("publishing_ms", "shortest publishing interval", "最短发布周期（毫秒）"),
    "min-sampling-ms": ("sampling_ms", "shortest sampling interval", "最短采样周期（毫秒）"),
    "max-references": ("references", "references per browse answer", "每次浏览应答的最多引用数"),
    "max-notifications": ("notifications", "notifications per message", "每条消息的最多通知数"),
    "buffer-bytes": ("buffer_bytes", "transport buffers", "传输缓冲区（字节）"),
}
"""Option -> field of `Limits`, and its words."""


def add_options(parser: argparse.ArgumentParser, text: Callable[[str, str], str]) -> None:
    """Add everything that the counting server has not."""
    _add_model(parser, text)
    _add_limits(parser, text)
    _add_access(parser, text)


def builds_device(args: argparse.Namespace) -> bool:
    """Tell whether more is asked for than the counting server."""
    return bool(
        args.model != "counting"
        or args.limits != "none"
        or args.per_call
        or args.policy
        or args.user
        or args.user_certificate
        or args.history
        or args.alarms
        or args.endpoint
        or args.clock != "true"
        or args.fault
        or any(getattr(args, name.replace("-", "_")) is not None for name in _LIMITS)
    )


def limits_of(args: argparse.Namespace) -> Limits:
    """Give the limits: the profile's, with what was given besides.

    Raises:
        ValueError: no such operation.
    """
    limits = PROFILES[args.limits]
    if args.per_call:
        limits = replace(limits, per_call={**limits.per_call, **per_call(args.per_call)})
    if args.tell:
        limits = replace(limits, tell=args.tell)
    for option, (name, _, _) in _LIMITS.items():
        given = getattr(args, option.replace("-", "_"))
        if given is not None:
            require(given >= 0, f"--{option} >= 0")
            limits = replace(limits, **{name: given})
    require(limits.buffer_bytes >= 8_192, "--buffer-bytes >= 8192")
    return limits


def access_of(args: argparse.Namespace) -> Access:
    """Give who may connect and how.

    Raises:
        ValueError: a user without a password.
        OSError: a certificate that cannot be read.
    """
    from simulators.opcua.access import Access

    users = {}
    for each in args.user:
        name, colon, password = each.partition(":")
        require(bool(name and colon), f"--user NAME:PASSWORD, not {name!r}")
        users[name] = password
    return Access(
        policies=tuple(args.policy) or ("None",),
        users=users,
        user_certificates=tuple(Path(each).read_bytes() for each in args.user_certificate),
        anonymous={"yes": True, "no": False}.get(args.anonymous),
        pki=Path(args.pki),
        certificate=args.certificate,
        suspicious=args.suspicious,
    )


def _add_model(parser: argparse.ArgumentParser, text: Callable[[str, str], str]) -> None:
    add = parser.add_argument
    add(
        "--model",
        choices=MODELS,
        default="counting",
        help=text("what it is shaped as", "地址空间的样式"),
    )
    add("--machines", type=int, default=2, help=text("machines of a model", "仿真设备台数"))
    add(
        "--seed",
        type=int,
        default=1,
        help=text("same seed, same values", "随机种子，相同则数值相同"),
    )
    add("--speed", type=float, default=3.0, help=text("simulated seconds per second", "时间倍率"))
    add(
        "--history",
        type=int,
        default=0,
        help=text("values kept per variable", "每个变量保存的历史值个数"),
    )
    add(
        "--history-portion",
        type=int,
        default=1_000,
        help=text("values per answer", "每次应答的最多历史值个数"),
    )
    add(
        "--history-mood",
        choices=tuple(MOODS),
        default="good",
        help=text("how history answers", "历史查询的应答方式"),
    )
    add(
        "--alarms", action="store_true",
        help=text("alarms begin and end, as conditions", "报警以条件（Condition）方式产生和解除"),
    )  # fmt: skip
    add(
        "--clock",
        default="true",
        help=text("true, 2000-01-01, +1y, -90s", "设备时钟：true、2000-01-01、+1y、-90s"),
    )
    add(
        "--endpoint",
        default="",
        metavar="URL",
        help=text("the URL it claims to have", "服务器自称的地址"),
    )
    add(
        "--fault", action="append", default=[], metavar="COMMAND",
        help=text("a fault from the start on, as typed; repeatable", "启动即生效的故障，可重复"),
    )  # fmt: skip
    add(
        "--list-faults", action="store_true",
        help=text("list what can be typed, and end", "列出全部可键入的命令后退出"),
    )  # fmt: skip


def _add_limits(parser: argparse.ArgumentParser, text: Callable[[str, str], str]) -> None:
    add = parser.add_argument
    add(
        "--limits",
        choices=tuple(PROFILES),
        default="none",
        help=text("limits in the manner of a server", "按某类服务器的方式设定限制"),
    )
    add(
        "--per-call",
        default="",
        metavar="N | read=N,items=N",
        help=text("most nodes or items of one request", "单次请求的最多节点数或监视项数"),
    )
    add(
        "--tell",
        choices=("true", "zero", "absent"),
        help=text("how these are announced", "如何公布上述限制"),
    )
    for option, (name, english, chinese) in _LIMITS.items():
        kind = float if name.endswith("_ms") else int
        add(f"--{option}", type=kind, help=text(english, chinese))


def _add_access(parser: argparse.ArgumentParser, text: Callable[[str, str], str]) -> None:
    add = parser.add_argument
    add(
        "--policy", action="append", default=[], choices=tuple(POLICIES),
        help=text("security policy; repeatable", "安全策略，可重复"),
    )  # fmt: skip
    add(
        "--user",
        action="append",
        default=[],
        metavar="NAME:PASSWORD",
        help=text("who may log in", "允许登录的用户"),
    )
    add(
        "--user-certificate", action="append", default=[], metavar="FILE",
        help=text("who may log in, DER", "允许登录的用户证书（DER）"),
    )  # fmt: skip
    add("--anonymous", choices=("yes", "no"), help=text("let anybody in", "是否允许匿名"))
    add(
        "--pki",
        default="pki",
        metavar="DIRECTORY",
        help=text("certificates; made if missing", "证书目录，缺少时自动生成"),
    )
    add(
        "--certificate",
        choices=tuple(CERTIFICATES),
        default="good",
        help=text("the server's own", "服务器证书的种类"),
    )
    add(
        "--suspicious", action="store_true",
        help=text("refuse client certificates until `trust` is typed", "输入 trust 前拒绝客户端"),
    )  # fmt: skip
