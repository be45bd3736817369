"""Fits a node of a file to a pydantic model: the section, or every problem."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError

from agent.config.document import Node
from agent.config.translate import shape_problems

if TYPE_CHECKING:
    from agent.config.problems import Problem

ModelT = TypeVar("ModelT", bound=BaseModel)


def fitted(model: type[ModelT], node: Node, where: str) -> tuple[ModelT | None, list[Problem]]:
    """Give the model of a node's value and nothing wrong with it, or None and every problem."""
    try:
        return model.model_validate(node.plain()), []
    except ValidationError as error:
        wanted_text = [one["loc"] for one in error.errors() if one["type"] == "string_type"]
        first = error
    changed = [loc for loc in wanted_text if _number_as_text(node, loc) is not None]
    if changed:
        for loc in changed:
            node = _replaced(node, loc)
        try:
            return model.model_validate(node.plain()), []
        except ValidationError as error:
            first = error
    return None, shape_problems(first, node, model=model, where=where)


def _number_as_text(node: Node, path: tuple[int | str, ...]) -> str | None:
    for step in path:
        inner = node.entries.get(step) if isinstance(step, str) else None
        if isinstance(step, int) and step < len(node.items):
            inner = node.items[step]
        if inner is None:
            return None
        node = inner
    is_number = isinstance(node.value, (int, float)) and not isinstance(node.value, bool)
    return node.raw if is_number and node.raw else None


def _replaced(node: Node, path: tuple[int | str, ...]) -> Node:
    """Copy a node with the number at a path turned into the text it was written as."""
    if not path:
        return Node(node.raw, node.place)
    step, rest = path[0], path[1:]
    if isinstance(step, int):
        items = list(node.items)
        items[step] = _replaced(items[step], rest)
        return Node(items, node.place, size=node.size)
    entries = dict(node.entries)
    entries[step] = _replaced(entries[step], rest)
    return Node(entries, node.place, node.keys, size=node.size)
