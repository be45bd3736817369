"""A parser of arguments whose help and errors speak the reader's language.

Guarantees exit code 2 with one clear sentence for anything wrong on the command line.
"""

from __future__ import annotations

import argparse
import os
import re
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

_HEADINGS = (
    ("usage: ", "用法: "),
    ("\npositional arguments:\n", "\n参数:\n"),
    ("\noptions:\n", "\n选项:\n"),
    ("show this help message and exit", "显示本帮助并退出"),
)
_ERRORS = (
    (r"the following arguments are required: (.*)", r"缺少参数：\1"),
    (r"unrecognized arguments: (.*)", r"无法识别的参数：\1"),
    (r"argument (.*): expected one argument", r"参数 \1 需要一个值"),
    (r"argument (.*): invalid choice: (.*) \(choose from (.*)\)", r"参数 \1 不能是 \2，可选：\3"),
    (r"argument (.*): invalid \w+ value: (.*)", r"参数 \1 的值 \2 无效"),
    (r"argument (.*): not allowed with argument (.*)", r"参数 \1 不能与 \2 同时使用"),
)


class Parser(argparse.ArgumentParser):
    """An `ArgumentParser` in Chinese or English; a later option replaces an equal earlier one."""

    def __init__(self, *, lang: str = "en", **options: Any) -> None:
        super().__init__(conflict_handler="resolve", allow_abbrev=False, **options)
        self.lang = lang

    def add_subparsers(self, **options: Any) -> Any:
        """Add sub-commands, whose parsers speak the same language."""
        options.setdefault("parser_class", partial(Parser, lang=self.lang))
        return super().add_subparsers(**options)

    def text(self, *, en: str, zh: str) -> str:
        """Give the sentence in the reader's language; for `help=`."""
        return zh if self.lang == "zh" else en

    def format_help(self) -> str:
        """Give the help page."""
        return self._translated(super().format_help())

    def format_usage(self) -> str:
        """Give the usage line."""
        return self._translated(super().format_usage())

    def error(self, message: str) -> NoReturn:
        """Print what is wrong and leave with exit code 2."""
        if self.lang == "zh":
            for pattern, chinese in _ERRORS:
                message = re.sub(f"^{pattern}$", chinese, message)
        self.exit(2, f"{self.format_usage()}{self.prog}: {message}\n")

    def _translated(self, page: str) -> str:
        if self.lang != "zh":
            return page
        for english, chinese in _HEADINGS:
            page = page.replace(english, chinese)
        return page


def default_config() -> Path:
    """Give the configuration file a command takes when none is named."""
    return Path(os.environ.get("CHULIAN_CONFIG", "agent.yaml"))
