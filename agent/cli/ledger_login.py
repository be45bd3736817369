"""`chulian ledger login`: asks the agent that runs on this box for a code to edit the ledger.

Only root and the user the agent runs as get one. Exit codes: 0 a code was given, 2 not allowed,
3 no agent answered.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from agent.cli.output import Exit, print_json
from agent.control.client import NoAgent, NoAnswer, ask
from agent.control.place import login_path
from agent.ledger.edit import read_config
from agent.telemetry.status import Message
from agent.web.editing.codes import ASK, Code

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

_SAY: Final = Message(
    en="Code     {code}   (one login, within {minutes} minutes)\nPage     {url}",
    zh="验证码   {code}   （{minutes} 分钟内登录一次有效）\n页面     {url}",
)
_HERE_ONLY: Final = Message(
    en="The page is served to this box alone (http.host is {host}). From another computer, pass "
    "it on: ssh -L {port}:{host}:{port} USER@GATEWAY, then open {url} there.",
    zh="页面只在本机提供（http.host 为 {host}）。从其他电脑打开，先转发端口："
    "ssh -L {port}:{host}:{port} 用户@网关，再在该电脑打开 {url}。",
)
_ANY: Final = Message(en="ADDRESS-OF-THIS-GATEWAY", zh="本网关地址")
_NO_AGENT: Final = Message(
    en="No running agent gives codes at {path}. Start the agent, with http.enabled: true, and use "
    "its own configuration file (-c).",
    zh="{path} 处没有正在运行的采集程序。请启动采集程序（http.enabled 须为 true），"
    "并用 -c 指定它的配置文件。",
)
_NO_RIGHT: Final = Message(
    en="Only root and the user the agent runs as get a code: {path}. Try sudo.",
    zh="只有 root 或运行采集程序的用户才能获取验证码：{path}。请用 sudo 执行。",
)
_NO_ANSWER: Final = Message(
    en="The agent gave no code ({why}). Only root and its own user get one.",
    zh="采集程序没有给出验证码（{why}）。只有 root 或运行采集程序的用户才能获取。",
)


def login(args: argparse.Namespace) -> int:
    """Print a code and the page's address."""
    store = read_config(args.config)[0].store.path  # passwords and devices do not matter here
    path = login_path(args.config.absolute().parent / store)
    try:
        code = Code.from_line(ask(path, ASK))
    except NoAgent:
        return _refuse(args, _NO_AGENT, Exit.UNREACHABLE, path=path)
    except PermissionError:
        return _refuse(args, _NO_RIGHT, Exit.USAGE, path=path)
    except (NoAnswer, ValueError, KeyError, TypeError) as error:
        why = type(error).__name__
        return _refuse(args, _NO_ANSWER, Exit.UNREACHABLE, why=why)
    if args.json:
        print_json({"code": code.code, "valid_s": code.valid_s, "url": code.url})
    else:
        print("\n".join(_lines(code, lang=args.lang)))
    return Exit.OK


def _lines(code: Code, *, lang: str) -> list[str]:
    parts = urlsplit(code.url)
    host, port = parts.hostname or "", str(parts.port)
    url = code.url
    if host in {"0.0.0.0", "::"}:
        url = f"http://{_ANY.text(lang)}:{port}{parts.path}"
    minutes = f"{code.valid_s / 60:g}"
    said = [_SAY.text(lang).format(code=code.code, minutes=minutes, url=url)]
    if host.startswith("127.") or host == "::1":
        said.append(_HERE_ONLY.text(lang).format(host=host, port=port, url=url))
    return said


def _refuse(args: argparse.Namespace, text: Message, code: Exit, **facts: str | Path) -> int:
    said = Message(en=text.en.format(**facts), zh=text.zh.format(**facts))
    if args.json:
        print_json({"error": {"en": said.en, "zh": said.zh}})
    else:
        print(said.text(args.lang), file=sys.stderr)
    return code
