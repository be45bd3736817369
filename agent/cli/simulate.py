"""`chulian simulate`: the simulators, by the same words as `python -m simulators`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulators import commands

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def add_arguments(parser: ArgumentParser) -> None:
    """Add one sub-command per simulator."""
    commands.add_arguments(parser, language=getattr(parser, "lang", "en"))


def run(args: Namespace) -> int:
    """Run the chosen simulator until Ctrl-C; 0 after a clean stop, 2 when it cannot start."""
    return commands.run(args)
