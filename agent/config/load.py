"""Reads `agent.yaml` and everything it names: the validated configuration, or every problem.

Guarantees: any bytes in the file give a `Loaded` or a `ConfigError`, never another exception; all
problems are told at once, each at its file, line and column; only drivers the file names are
imported; nothing touches the network; a secret is kept apart and never told.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

from agent.config.certificates import placed
from agent.config.destination import Destination
from agent.config.devices import Device, read_device
from agent.config.document import MAX_BYTES, Node, parse
from agent.config.model import AgentConfig
from agent.config.plan import Loaded
from agent.config.problems import ConfigError, Place, Problem, in_reading_order, problem
from agent.config.reading import Reading, why
from agent.config.references import (
    disagreeing_lines,
    overloaded_lines,
    reference_problems,
    shared_points,
)
from agent.config.secrets import fetch, has_login, readable
from agent.config.syntax import full_width_key
from agent.config.validate import validated
from agent.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Examined:
    """What one look at a file found."""

    loaded: Loaded | None
    """None when there is an error among the problems."""
    problems: tuple[Problem, ...]
    """In reading order; warnings may stand here beside a usable configuration."""


def load(path: Path, *, registry: Registry | None = None) -> Loaded:
    """Give the configuration in a file, ready to run.

    Raises:
        ConfigError: it cannot be used; holds every problem.
    """
    examined = examine(path, registry=registry)
    if examined.loaded is None:
        raise ConfigError(examined.problems)
    return examined.loaded


def examine(
    path: Path,
    *,
    registry: Registry | None = None,
    environ: Mapping[str, str] | None = None,
) -> Examined:
    """Look at a file and everything it names: what it means, and all that is wrong with it."""
    reading = Reading(path, registry or Registry(), os.environ if environ is None else environ)
    root = _read(reading)
    loaded = _understand(root, reading) if root is not None else None
    problems = in_reading_order(reading.problems)
    usable = not any(one.is_error for one in problems)
    return Examined(loaded if usable else None, tuple(problems))


def _read(reading: Reading) -> Node | None:
    """Give the file as a mapping of sections, or None after telling why it is none."""
    file = str(reading.path)
    try:
        with reading.path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = why(error) if isinstance(error, OSError) else str(error)
        reading.problems.append(problem("E1001", Place(file), why=reason))
        return None
    root, problems = parse(data, file=file)
    reading.problems.extend(problems)
    if root is None:
        return None
    if not isinstance(root.value, dict):
        lines = data.decode("utf-8-sig").splitlines()
        found = full_width_key(lines, before=len(lines))
        reading.problems.append(
            problem("E1009", root.place) if found is None
            else problem("E1010", Place(file, *found[:2]), seen=found[2])
        )  # fmt: skip
        return None
    return root


def _understand(root: Node, reading: Reading) -> Loaded | None:
    devices = _devices(root, reading)
    host = root
    section = root.entries.get("devices")
    if section is not None and isinstance(section.value, list):
        host = root.without("devices")  # checked one by one, with their drivers
    config = validated(AgentConfig, host, where="", problems=reading.problems)
    reading.problems.extend(reference_problems(root))
    plans = [(one.node, one.plan) for one in devices if one.plan is not None]
    for look in (shared_points, disagreeing_lines, overloaded_lines):
        reading.problems.extend(look(plans))
    secrets = _publish(root, reading)
    if config is None:
        return None
    entries = tuple(one.entry for one in devices if one.entry is not None)
    config = _anchored(config, reading).model_copy(update={"devices": entries})
    loaded = Loaded(reading.path.absolute(), config, tuple(plan for _, plan in plans), secrets,
                    version("chulian"))  # fmt: skip
    return placed(loaded)


def _devices(root: Node, reading: Reading) -> list[Device]:
    section = root.entries.get("devices")
    items = section.items if section is not None else []
    devices = [read_device(item, index=i, reading=reading) for i, item in enumerate(items)]
    if all(one.entry is not None and not one.entry.enabled for one in devices):
        place = section.place if section is not None else root.place
        reading.problems.append(problem("W1605", place, where="devices"))
    return devices


def _publish(root: Node, reading: Reading) -> dict[str, str]:
    """Fetch each destination's password, and look at what its keys say together."""
    secrets: dict[str, str] = {}
    section = root.entries.get("publish")
    for index, node in enumerate(section.items if section is not None else []):
        name = node.text("name") or str(Destination.model_fields["name"].default)
        where = f"publish[{node.text('name') or index}]"
        url = node.entries.get("url")
        if url is not None and has_login(node.text("url")):
            reading.problems.append(problem("E1505", url.place, where=f"{where}.url"))
        encrypted = node.text("url").startswith("mqtts://")
        secret = _password(node, encrypted=encrypted, where=where, reading=reading)
        if secret is not None:
            secrets[name] = secret
        _certificates(node, encrypted=encrypted, where=where, reading=reading)
    return secrets


def _password(node: Node, *, encrypted: bool, where: str, reading: Reading) -> str | None:
    password = node.entries.get("password")
    if password is None or not isinstance(password.value, str):
        return None
    where = f"{where}.password"
    secret = fetch(password.value, place=password.place, where=where, reading=reading)
    if secret is not None and not encrypted:
        reading.problems.append(problem("W1606", password.place, where=where))
    return secret


def _certificates(node: Node, *, encrypted: bool, where: str, reading: Reading) -> None:
    tls = node.entries.get("tls")
    if tls is None or not tls.entries:
        return
    if not encrypted:
        reading.problems.append(problem("W1608", tls.place, where=f"{where}.tls"))
    for key, child in tls.entries.items():
        if isinstance(child.value, str) and key in {"ca", "cert", "key"}:
            readable(child.value, place=child.place, where=f"{where}.tls.{key}", reading=reading)


def _anchored(config: AgentConfig, reading: Reading) -> AgentConfig:
    """Give the configuration with every path absolute, relative ones from the file's folder."""

    def anchor(path: Path | None) -> Path | None:
        return None if path is None else reading.resolve(path).absolute()

    store = config.store.model_copy(update={"path": anchor(config.store.path)})
    publish = tuple(
        one.model_copy(
            update={
                "tls": one.tls.model_copy(
                    update={name: anchor(path) for name, path in one.tls}  # ca, cert, key
                )
            }
        )
        for one in config.publish
    )
    clock = config.clock.model_copy(
        update={"synchronised_file": anchor(config.clock.synchronised_file)}
    )
    return config.model_copy(update={"store": store, "publish": publish, "clock": clock})
