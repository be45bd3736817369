"""pydantic's errors in our own words: one problem each, at the line, in Chinese and English.

A driver's model is treated like ours. Its validators may raise `PydanticCustomError` with a
context entry `zh` to speak Chinese too, and `hint` and `hint_zh` to say what to do; its fields may
carry `json_schema_extra={"zh": ...}`.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel, ValidationError

from agent.config.problems import Place, Problem, problem
from agent.config.words import BOUNDS, FORMS, LENGTHS, RULES, WANTED, describe
from agent.telemetry.status import Message

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pydantic.fields import FieldInfo
    from pydantic_core import ErrorDetails

    from agent.config.document import Node

    Path = tuple[int | str, ...]

_SECRET_KEY = re.compile(r"pass|secret|token|private", re.IGNORECASE)
_KEY = "[key]"
_NOTHING = Message(en="", zh="")


def shape_problems(
    error: ValidationError, node: Node, *, model: type[BaseModel], where: str
) -> list[Problem]:
    """Translate every error of validating a node's value against a model."""
    return [
        _translated(one, node, model=model, where=where)
        for one in error.errors(include_url=False)
    ]  # fmt: skip


def unknown_key(node: Node, key: str, *, known: Iterable[str], where: str) -> Problem:
    """Say that a mapping has a key it may not have, and which was meant, or which it may."""
    names = sorted(known)
    every = ", ".join(names)
    advice = near(key, names)
    if not advice.en:
        advice = Message(en=f"Known keys: {every}.", zh=f"可用的键：{every}。")
    place = node.keys.get(key, node.place)
    return problem("E1102", place, where=where, seen=key, advice=advice)


def near(word: str, known: Iterable[str]) -> Message:
    """Give "Did you mean …?" for the known word nearest to a mistyped one; empty if none is."""
    by_lower = {one.lower(): one for one in known}
    found = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    if not found:
        return _NOTHING
    meant = by_lower[found[0]]
    return Message(en=f"Did you mean {meant}? ", zh=f"是否想写 {meant}？")


def locate(node: Node, path: Path) -> Place:
    """Give the place of the value at a path, or of the last thing on the way that exists."""
    for number, step in enumerate(path):
        if _KEY in path[number + 1 : number + 2] and str(step) in node.keys:
            return node.keys[str(step)]
        child = _child(node, step)
        if child is None:
            return node.keys.get(str(step), node.place)
        node = child
    return node.place


def path_text(where: str, node: Node | None, path: Path) -> str:
    """Write a path for people: list items by their id or name, as `devices[cnc-01].tags[x]`."""
    text = where
    for step in path:
        if step == _KEY:
            continue
        child = _child(node, step) if node is not None else None
        if isinstance(step, int):
            name = (child.text("id") or child.text("name")) if child is not None else ""
            text += f"[{name or step}]"
        else:
            text += f".{step}" if text else step
        node = child
    return text


def _child(node: Node, step: int | str) -> Node | None:
    if isinstance(step, int):
        return node.items[step] if step < len(node.items) else None
    return node.entries.get(step)


def _translated(error: ErrorDetails, node: Node, *, model: type[BaseModel], where: str) -> Problem:
    path, kind = error["loc"], error["type"]
    place, name = locate(node, path), path_text(where, node, path)
    owner, field = _field(model, path)
    last = str(path[-1]) if path else ""
    about = describe(owner, last, field)
    if kind == "missing":
        return problem("E1101", place, where=name, key=last, about=about)
    if kind == "extra_forbidden":
        known = owner.model_fields if owner is not None else ()
        return unknown_key(_parent(node, path), last, known=known, where=name)
    code, facts = _value_problem(error, about)
    secret = any(isinstance(step, str) and _SECRET_KEY.search(step) for step in path)
    return problem(code, place, where=name, seen="***" if secret else error["input"], **facts)


def _value_problem(error: ErrorDetails, about: Message) -> tuple[str, dict[str, str | Message]]:
    """Give the code of a wrong value and what its texts need."""
    kind, context = error["type"], error.get("ctx", {})
    if kind in {"enum", "literal_error"}:
        allowed = re.findall(r"'([^']*)'", str(context.get("expected", "")))
        suggestion = near(str(error["input"]), allowed)
        return "E1105", {"allowed": ", ".join(allowed), "near": suggestion}
    if kind == "string_pattern_mismatch":
        pattern = str(context.get("pattern", ""))
        unknown = Message(en=f"Pattern: {pattern}", zh=f"格式：{pattern}")
        return "E1106", {"form": FORMS.get(pattern, unknown)}
    if kind in WANTED:
        advice = _advice(error["input"], kind, about)
        return "E1103", {"wanted": WANTED[kind], "advice": advice}
    if kind in BOUNDS:
        code = "E1107" if kind in LENGTHS else "E1104"
        return code, {"bound": _bound(kind, context), "about": about}
    return "E1108", {"why": _why(error), "about": _own_hint(context) or about}


def _bound(kind: str, context: dict[str, Any]) -> Message:
    limits = [context[key] for key in sorted(context) if isinstance(context[key], (int, float))]
    limit = f"{limits[0]:g}" if limits else "?"
    return Message(en=BOUNDS[kind].en.format(limit), zh=BOUNDS[kind].zh.format(limit))


def _advice(value: Any, kind: str, about: Message) -> Message:
    if value is None:
        return Message(en="Write a value after the colon, or remove the key.",
                       zh="请在冒号后填写内容，或删去该键。")  # fmt: skip
    if kind == "string_type":
        return Message(en="Put the value in quotes.", zh="请给该值加引号。")
    return about


def _why(error: ErrorDetails) -> Message:
    text = error["msg"].removeprefix("Value error, ")
    chinese = error.get("ctx", {}).get("zh")
    return RULES.get(text, Message(en=text, zh=chinese if isinstance(chinese, str) else text))


def _own_hint(context: dict[str, Any]) -> Message | None:
    """Give what a driver's validator says is to be done; None where it says nothing."""
    english, chinese = (context.get(key) for key in ("hint", "hint_zh"))
    if not isinstance(english, str):
        return None
    return Message(en=english, zh=chinese if isinstance(chinese, str) else english)


def _parent(node: Node, path: Path) -> Node:
    for step in path[:-1]:
        child = _child(node, step)
        if child is None:
            break
        node = child
    return node


def _field(model: type[BaseModel], path: Path) -> tuple[type[BaseModel] | None, FieldInfo | None]:
    """Give the model that owns the last step of a path, and the field; None where unknown."""
    owner: type[BaseModel] | None = model
    field: FieldInfo | None = None
    for number, step in enumerate(path):
        if owner is None:
            return None, None
        if not isinstance(step, str) or step not in owner.model_fields:
            continue
        field = owner.model_fields[step]
        if number < len(path) - 1:
            inner = _model_in(field.annotation)
            if inner is None:
                return owner, field
            owner, field = inner, None
    return owner, field


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found: Sequence[Any] = [_model_in(part) for part in get_args(annotation)]
    return next((one for one in found if one is not None), None)
