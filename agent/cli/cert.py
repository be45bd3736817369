"""`chulian cert`: whose certificates are trusted, and what the security codes mean.

Works on the files of the pki folder alone; a running agent sees every change at its next attempt.
Exit codes: 0 done, 1 something a person should look at, 2 refused or not possible.
"""

from __future__ import annotations

import base64
import socket
import sys
from argparse import SUPPRESS
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent.certs import show
from agent.certs.codes import CODES
from agent.certs.facts import NoCertificate
from agent.certs.folder import Entry, NotFound, State, add, entries, find, move, read_file
from agent.certs.place import folders, hand_over
from agent.certs.servers import SERVERS
from agent.cli.output import Exit, print_json, table_lines
from agent.config.load import load
from agent.telemetry.status import Message

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable

    from agent.certs.facts import Facts
    from agent.cli.arguments import Parser
    from agent.config.plan import DevicePlan

_NO_USER: Final = Message(
    "No device of this configuration uses certificates.", "该配置里没有使用证书的设备。"
)
_EMPTY: Final = Message("There are no certificates yet.", "还没有任何证书。")
_NOT_FOUND: Final = Message(
    "No certificate with the thumbprint {}: chulian cert list shows them (8 digits at least).",
    "没有指纹为 {} 的证书：用 chulian cert list 查看（至少输入 8 位）。",
)
_SEVERAL: Final = Message(
    "{} certificates begin with {}: type more digits.",
    "有 {} 张证书的指纹以 {} 开头：请多输入几位。",
)
_NO_FILE: Final = Message("{} cannot be read: {}", "无法读取 {}：{}")
_TRUSTED: Final = Message(
    "Trusted: {}. A running agent connects by itself at its next attempt, within a minute.",
    "已信任：{}。正在运行的采集程序会在一分钟内自动重试连接。",
)
_OUT_OF_TIME: Final = Message(
    "But it is out of its time ({}), and the agent refuses it still. If you accept it as it is, "
    "write into the device: server_certificate: {}",
    "但它不在有效期内（{}），程序仍会拒绝。确认就用这张证书的，请在该设备的配置里写："
    "server_certificate: {}",
)
_REJECTED: Final = Message(
    "No longer trusted: {}. A connection that is open goes on until it ends.",
    "已取消信任：{}。已建立的连接会持续到断开为止。",
)
_NOT_A_SERVER: Final = Message(
    "{} is our own certificate; it is the server that must trust it (chulian cert export).",
    "{} 是本机证书，应由服务器信任它（chulian cert export）。",
)
_EXPORTED: Final = Message(
    "Our certificate is in {} (SHA-1 {}). Put it into the server's trust list:",
    "本机证书已导出到 {}（SHA-1 {}）。请放进服务器的信任列表：",
)
_MADE: Final = Message("Our certificate: {}, valid until {}", "本机证书：{}，有效期至 {}")
_MADE_ANEW: Final = Message(
    "Every server must trust the new one: chulian cert export. Restart the agent afterwards.",
    "每台服务器都要重新信任它：chulian cert export。完成后重启采集程序。",
)
_UNKNOWN_CODE: Final = Message("There is no code {}; known: {}", "没有代码 {}，可查询：{}")
_WHAT: Final = Message("what to do: ", "处理办法：")


class _Stop(Exception):  # noqa: N818 - ends the command, with a sentence
    def __init__(self, message: Message, *values: object) -> None:
        super().__init__(message.en.format(*values))
        self.zh = message.zh.format(*values)


def add_arguments(parser: Parser) -> None:
    """Add what to do, and to which certificate."""
    text = parser.text
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    def action(name: str, *, en: str, zh: str) -> Parser:
        made: Parser = actions.add_parser(name, help=text(en=en, zh=zh))
        made.add_argument("-c", "--config", type=Path, default=SUPPRESS, metavar="FILE",
                          help=text(en="configuration file", zh="配置文件"))  # fmt: skip
        made.add_argument("--json", action="store_true", default=SUPPRESS,
                          help=text(en="answer as one JSON document",
                                    zh="以 JSON 输出结果"))  # fmt: skip
        return made

    action("list", en="list our own, trusted and rejected certificates",
           zh="列出本机、受信任和已拒绝的证书")  # fmt: skip
    thumbprint = text(en="first digits of its thumbprint", zh="证书指纹的前几位")
    one = action("show", en="show everything one certificate says", zh="显示一张证书的全部内容")
    one.add_argument("which", metavar="THUMBPRINT", help=thumbprint)
    one = action("trust", en="trust the certificate of a server", zh="信任一台服务器的证书")
    one.add_argument("which", metavar="THUMBPRINT|FILE",
                     help=text(en="first digits of its thumbprint, or a certificate file",
                               zh="证书指纹的前几位，或证书文件"))  # fmt: skip
    one = action("reject", en="trust a certificate no longer", zh="取消对一张证书的信任")
    one.add_argument("which", metavar="THUMBPRINT", help=thumbprint)
    one = action("make", en="make our own certificate now", zh="立即生成本机证书")
    one.add_argument("--anew", action="store_true",
                     help=text(en="replace the one there is", zh="替换现有证书"))  # fmt: skip
    one = action("export", en="write our own certificate to a file, for the server's trust list",
                 zh="导出本机证书，供服务器信任")  # fmt: skip
    one.add_argument("file", nargs="?", type=Path, metavar="FILE")
    one.add_argument("--pem", action="store_true",
                     help=text(en="as PEM, not DER", zh="用 PEM 格式（默认 DER）"))  # fmt: skip
    one = action("explain", en="explain a security code", zh="解释安全代码")
    one.add_argument("code", nargs="?", metavar="CODE")


def run(args: Namespace) -> int:
    """Do what was asked; what is not possible is said in one sentence."""
    actions: dict[str, Callable[[Namespace], int]] = {
        "list": _list, "show": _show, "trust": _trust, "reject": _reject,
        "make": _make, "export": _export, "explain": _explain,
    }  # fmt: skip
    try:
        try:
            return actions[args.action](args)
        except OSError as error:
            raise _Stop(_NO_FILE, error.filename or "", error.strerror or error) from error
    except _Stop as stop:
        print(stop.zh if args.lang == "zh" else stop, file=sys.stderr)
    return Exit.USAGE


def _list(args: Namespace) -> int:
    rows = []
    documents = []
    for folder, devices in _folders(args).items():
        found, users = entries(folder), _users(devices)
        documents += [show.document(one, users.get(one.url, ())) for one in found]
        rows += [(folder, *row) for row in show.list_rows(found, users, lang=args.lang)]
    if args.json:
        print_json({"certificates": documents})
    elif not rows:
        print(_EMPTY.text(args.lang))
    else:
        shown = table_lines([cells for _, _, cells in rows])
        before: tuple[Path, State] | None = None
        for (folder, state, _), line in zip(rows, shown, strict=True):
            if before != (folder, state):
                print(f"{show.TITLES[state].text(args.lang)}  ({folder / state})")
                before = (folder, state)
            print(f"  {line}")
    waiting = any(one["state"] == State.REJECTED for one in documents)
    return Exit.FINDINGS if waiting else Exit.OK


def _show(args: Namespace) -> int:
    _, one, devices = _find(args)
    if args.json:
        print_json(show.document(one, devices))
    else:
        print("\n".join(table_lines(show.detail_rows(one, devices, lang=args.lang))))
    return Exit.OK


def _trust(args: Namespace) -> int:
    if Path(args.which).is_file():
        folder = next(iter(_folders(args)))
        facts = _facts_of(Path(args.which))
        path = add(folder, facts, State.TRUSTED)
    else:
        folder, one, _ = _find(args)
        if one.state is State.OWN:
            raise _Stop(_NOT_A_SERVER, one.facts.short)
        facts = one.facts
        path = one.path if one.state is State.TRUSTED else move(folder, one, State.TRUSTED)
    hand_over(folder)
    if args.json:
        print_json({"trusted": facts.as_dict(), "file": str(path)})
        return Exit.OK
    print(_TRUSTED.text(args.lang).format(f"{facts.name} ({facts.short})"))
    if not show.in_time(facts):
        age = show.age_text(facts, lang=args.lang)
        print(_OUT_OF_TIME.text(args.lang).format(age, facts.sha256))
        return Exit.FINDINGS
    return Exit.OK


def _reject(args: Namespace) -> int:
    folder, one, _ = _find(args)
    if one.state is State.OWN:
        raise _Stop(_NOT_A_SERVER, one.facts.short)
    path = one.path if one.state is State.REJECTED else move(folder, one, State.REJECTED)
    hand_over(folder)
    if args.json:
        print_json({"rejected": one.facts.as_dict(), "file": str(path)})
    else:
        print(_REJECTED.text(args.lang).format(f"{one.facts.name} ({one.facts.short})"))
    return Exit.OK


def _make(args: Namespace) -> int:
    made = [_own(folder, devices, anew=args.anew) for folder, devices in _folders(args).items()]
    if args.json:
        print_json({"certificates": [show.document(one, ()) for one in made]})
        return Exit.OK
    for one in made:
        print(_MADE.text(args.lang).format(one.path, f"{one.facts.ends:%Y-%m-%d}"))
    if args.anew:
        print(_MADE_ANEW.text(args.lang))
    return Exit.OK


def _export(args: Namespace) -> int:
    folder, devices = next(iter(_folders(args).items()))
    facts = _own(folder, devices).facts
    suffix = "pem" if args.pem else "der"
    target = args.file or Path(f"chulian-{socket.gethostname()}.{suffix}")
    target.write_bytes(_as_pem(facts.der) if args.pem else facts.der)
    if args.json:
        print_json({"file": str(target), **facts.as_dict()})
        return Exit.OK
    print(_EXPORTED.text(args.lang).format(target, facts.sha1))
    for text in SERVERS.values():
        print(f"- {text.text(args.lang)}")
    return Exit.OK


def _explain(args: Namespace) -> int:
    wanted = (args.code or "").lower().removeprefix("bad")
    found = {name: one for name, one in CODES.items() if not wanted or name[3:].lower() == wanted}
    if not found:
        raise _Stop(_UNKNOWN_CODE, args.code, ", ".join(CODES))
    if args.json:
        print_json({
            name: {lang: {"means": one.means.text(lang), "do": one.act.text(lang)}
                   for lang in ("zh", "en")}
            for name, one in found.items()
        })  # fmt: skip
        return Exit.OK
    for name, one in found.items():
        print(f"{name}\n  {one.means.text(args.lang)}")
        print(f"  {_WHAT.text(args.lang)}{one.act.text(args.lang)}")
    return Exit.OK


def _folders(args: Namespace) -> dict[Path, list[DevicePlan]]:
    found = folders(load(args.config))
    if not found:
        raise _Stop(_NO_USER)
    return found


def _find(args: Namespace) -> tuple[Path, Entry, list[str]]:
    """Give the certificate a person means, its folder, and the devices that meet it."""
    several = 0
    for folder, devices in _folders(args).items():
        try:
            one = find(entries(folder), args.which)
        except NotFound as error:
            several = max(several, error.matches)
            continue
        return folder, one, _users(devices).get(one.url, [])
    raise _Stop(_SEVERAL, several, args.which) if several else _Stop(_NOT_FOUND, args.which)


def _users(devices: list[DevicePlan]) -> dict[str, list[str]]:
    """Map each server's URL to the devices that are read from it."""
    found: dict[str, list[str]] = {}
    for device in devices:
        found.setdefault(str(getattr(device.config, "url", "")), []).append(device.id)
    return found


def _own(folder: Path, devices: list[DevicePlan], *, anew: bool = False) -> Entry:
    """Give our certificate in a folder; the driver makes it where there is none."""
    config = devices[0].config
    path = config.make_certificate(folder, anew=anew)  # type: ignore[attr-defined]  # Certified
    hand_over(folder)
    return Entry(State.OWN, path, _facts_of(path))


def _facts_of(path: Path) -> Facts:
    try:
        return read_file(path)
    except NoCertificate as error:
        raise _Stop(_NO_FILE, path, error) from None


def _as_pem(der: bytes) -> bytes:
    body = base64.encodebytes(der)
    return b"-----BEGIN CERTIFICATE-----\n" + body + b"-----END CERTIFICATE-----\n"
