"""The pages that need no file: login, and one sentence with the way to go on. Pure."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from agent.web.editing import gate, words
from agent.web.markup import Markup, join, tag

if TYPE_CHECKING:
    from agent.telemetry.status import Message
    from agent.web.view import View


def login(view: View, *, file: str, problem: str = "", who: str = "") -> Markup:
    """Ask for a code and a name, and say how a code is had."""
    return join(
        (
            tag("h2", view.say(words.LOGIN_TITLE)),
            tag("p", view.say(words.HOW_TO_GET)),
            tag("pre", words.COMMAND.format(program=_program(), file=file)),
            notice(problem),
            tag(
                "form",
                _line("code", view.say(words.CODE), "", inputmode="numeric"),
                _line("who", view.say(words.WHO), who, means=view.say(words.WHO_MEANS)),
                tag("button", view.say(words.ENTER), type="submit"),
                method="post", action=gate.LOGIN, class_="law",
            ),
            way_to(view, "/ledger", words.TO_LEDGER),
        )
    )  # fmt: skip


def message(text: Message, view: View, *, way: str, to: Message) -> Markup:
    """Say one thing, and where to go on."""
    return join(
        (tag("h2", view.say(words.EDIT_TITLE)), notice(view.say(text)), way_to(view, way, to))
    )


def notice(text: str, *, tone: str = "problem") -> Markup | None:
    """Say one thing that must be seen; nothing for no text."""
    return tag("p", text, class_=f"notice {tone}", role="status") if text else None


def way_to(view: View, address: str, word: Message) -> Markup:
    """Give one line that leads elsewhere."""
    return tag("p", tag("a", view.say(word), href=address), class_="small")


def _line(name: str, label: str, value: str, *, means: str = "", inputmode: str = "text") -> Markup:
    return tag(
        "div",
        tag("label", label, for_=name),
        tag("input", id=name, name=name, value=value, type="text", required=True,
            autocomplete="off", inputmode=inputmode),
        tag("small", means) if means else None,
        class_="field",
    )  # fmt: skip


def _program() -> str:
    """Give how this program is called: sudo finds it by its full path only."""
    here = Path(sys.argv[0])
    return str(here.absolute()) if here.name == "chulian" else "chulian"
