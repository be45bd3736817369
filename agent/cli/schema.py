"""`chulian schema`: the JSON Schema of the configuration, for editors to complete and check."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from agent.cli.output import Exit, print_json
from agent.config.schema import build_schema
from agent.registry import Registry, Unusable

if TYPE_CHECKING:
    from argparse import Namespace

    from agent.cli.arguments import Parser


def add_arguments(parser: Parser) -> None:
    """Say how an editor uses the schema."""
    parser.epilog = parser.text(
        en="Save it as agent.schema.json and begin agent.yaml with "
        "'# yaml-language-server: $schema=agent.schema.json'.",
        zh="将输出保存为 agent.schema.json，并在 agent.yaml 首行写 "
        "“# yaml-language-server: $schema=agent.schema.json”。",
    )


def run(args: Namespace) -> int:
    """Print the schema with the keys of every installed driver."""
    try:
        print_json(build_schema(Registry(), lang=args.lang))
    except Unusable as error:
        print(error, file=sys.stderr)
        return Exit.USAGE
    return Exit.OK
