"""Checks a node of a file against a model of settings, and collects what is wrong as problems.

Where this process does not read settings (`agent.config.apart`), one that does is asked: nothing is
ever taken for valid because nobody could check it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from agent.config.apart import ask
from drivers.reads import reads_settings

if TYPE_CHECKING:
    from pydantic import BaseModel

    from agent.config.document import Node
    from agent.config.problems import Problem

ModelT = TypeVar("ModelT", bound="BaseModel")


def validated(
    model: type[ModelT], node: Node, *, where: str, problems: list[Problem]
) -> ModelT | None:
    """Give the model of a node's value, or None after adding every problem to the list.

    An unquoted number where text is wanted is taken as it was written: `region: 420111`.

    Raises:
        ReaderError: nobody could check it.
    """
    if reads_settings():
        from agent.config.fitting import fitted

        found, wrong = fitted(model, node, where)
    else:
        found, wrong = ask("agent.config.fitting:fitted", model, node, where).answer()
    problems.extend(wrong)
    return found
