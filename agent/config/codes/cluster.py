"""Clusters of the province's 51020 plan, by code or by name; the table is a file with its source.

There is no official code; those of the table are this program's own. The table is known to be
incomplete: what it does not hold is unknown, not wrong.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from agent.config.codes.problem import CodeProblem, Severity
from agent.config.uscc import normalized
from agent.telemetry.status import Message

_FILE = "clusters.json"


@dataclass(frozen=True, slots=True)
class Table:
    """A version of the table."""

    version: str
    source: str
    complete: bool
    names: dict[str, str]
    """Code -> name."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster, as far as it is known."""

    code: str = ""
    """Empty where the table does not hold it."""
    name: str = ""
    problems: tuple[CodeProblem, ...] = ()


@cache
def cluster_table() -> Table:
    """Read the table that comes with the program."""
    text = (files("agent.config.codes") / _FILE).read_text("utf-8")
    return Table(**json.loads(text))


def parse_cluster(text: str) -> Cluster:
    """Look a cluster up by its code or name."""
    table, asked = cluster_table(), normalized(text)
    for code, name in table.names.items():
        if asked in {normalized(code), normalized(name)}:
            return Cluster(code, name)
    return Cluster(name=text.strip(), problems=(_unknown(text.strip(), table),))


def _unknown(text: str, table: Table) -> CodeProblem:
    message = Message(
        en=f"{text!r} is not in the table of clusters, version {table.version}",
        zh=f"产业集群表（{table.version} 版）中没有“{text}”",
    )
    return CodeProblem("cluster_unknown", Severity.WARNING, message)
