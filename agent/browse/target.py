"""Which machine is to be browsed: a device of the configuration, or a URL with its settings.

A URL is tried on every driver that can browse and takes a `url`; the first whose settings accept it
is meant. A password comes from `env:` or `file:`, as in the configuration.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from agent.config.devices import read_device
from agent.config.document import parse
from agent.config.load import load
from agent.config.problems import ConfigError
from agent.config.reading import Reading
from agent.registry import Registry, Unusable, capabilities
from agent.telemetry.status import Message

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from agent.config.plan import DevicePlan
    from agent.config.problems import Problem
    from drivers.api import Driver

PKI: Final = "pki"
_CAPABILITY: Final = "browse"

NOT_BROWSABLE: Final = Message(
    "{driver} devices cannot tell what they offer: their registers have no names. Take the "
    "maker's list and start with an empty table: chulian points template -o points.xlsx",
    "{driver} 设备没有可浏览的内容：寄存器没有名称。请找厂家的点位表，"
    "用 chulian points template -o points.xlsx 生成空白点表来填写。",
)
_NO_DRIVER: Final = Message(
    "No driver that can browse takes the address {url}. OPC UA: opc.tcp://host:4840.",
    "没有可浏览的驱动能用地址 {url}。OPC UA 请写 opc.tcp://主机:4840。",
)
_NO_DEVICE: Final = Message(
    "There is no enabled device {device!r} (devices: {known}).",
    "没有已启用的设备 {device!r}（已有：{known}）。",
)


class NoTarget(Exception):  # noqa: N818 - says that there is nothing to browse
    """What is to be browsed cannot be; holds the sentence for people."""

    def __init__(self, message: Message) -> None:
        super().__init__(message.en)
        self.message = message


@dataclass(frozen=True, slots=True)
class Target:
    """A machine to browse."""

    driver: Driver[Any, Any, Any]
    link: Hashable
    pki: Path | None = None
    """Folder of certificates, where no configuration names the machine."""


def device_target(path: Path, device: str) -> Target:
    """Give a device of a configuration.

    Raises:
        NoTarget: there is none, or it cannot be browsed.
        ConfigError: the configuration cannot be used.
    """
    plans = load(path).devices
    plan = next((one for one in plans if one.id == device), None)
    if plan is None:
        known = ", ".join(one.id for one in plans)
        raise NoTarget(_filled(_NO_DEVICE, device=device, known=known))
    return _target(plan)


def url_target(
    url: str, settings: Mapping[str, Any], *, config: Path, environ: Mapping[str, str]
) -> Target:
    """Give the machine at a URL; certificates lie beside the store of a configuration there is.

    Raises:
        NoTarget: no driver that can browse takes the URL.
        ConfigError: the settings cannot be used; holds every problem.
    """
    registry = Registry()
    problems: Sequence[Problem] = ()
    for name in _browsers(registry):
        entries = {"id": _CAPABILITY, "driver": name, "url": url, **settings}
        pki = _pki(config) if "pki" in registry.get(name).config.model_fields else None
        if pki is not None:
            entries.setdefault("pki", str(pki))
        plan, found = _plan(entries, registry=registry, environ=environ)
        if plan is not None:
            return replace(_target(plan), pki=pki)
        if not any(one.where.endswith(".url") for one in found):
            problems = problems or found
    if problems:
        raise ConfigError(problems)
    scheme = url.partition("://")[0]
    if scheme in {"tcp", "rtu", "tls", "udp", "modbus", "serial"} or "://" not in url:
        raise NoTarget(_filled(NOT_BROWSABLE, driver="Modbus"))
    raise NoTarget(_filled(_NO_DRIVER, url=url))


def setting(text: str) -> tuple[str, Any]:
    """Read `key=value`; the value is a number, true, false or null where it reads as one.

    Raises:
        ValueError: there is no `=`, or no key.
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ValueError(text)
    try:
        read = json.loads(value)
    except ValueError:
        read = value
    return key.strip(), value if isinstance(read, dict | list | str) else read


def _browsers(registry: Registry) -> list[str]:
    """Name the drivers that can browse and are reached by a URL."""
    found = []
    for name in registry.names():
        try:
            driver = registry.get(name)
        except Unusable:
            continue
        if _CAPABILITY in capabilities(driver) and "url" in driver.config.model_fields:
            found.append(name)
    return found


def _plan(
    entries: Mapping[str, Any], *, registry: Registry, environ: Mapping[str, str]
) -> tuple[DevicePlan | None, list[Problem]]:
    """Read a device as if it stood in a file; what it does not read is no problem here."""
    reading = Reading(Path("chulian browse"), registry, environ)
    text = json.dumps(entries, ensure_ascii=False).encode()
    root, problems = parse(text, file="chulian browse")
    reading.problems.extend(problems)
    plan = None if root is None else read_device(root, index=0, reading=reading).plan
    return plan, [one for one in reading.problems if one.is_error]


def _target(plan: DevicePlan) -> Target:
    if _CAPABILITY not in capabilities(plan.driver):
        raise NoTarget(_filled(NOT_BROWSABLE, driver=plan.driver.name))
    return Target(plan.driver, plan.link)


def _pki(config: Path) -> Path:
    """Give the folder of certificates the agent would use; one here where nothing is configured."""
    try:
        store = load(config).config.store.path
    except ConfigError:
        return Path(PKI).absolute()
    return store.parent / PKI


def _filled(text: Message, **facts: object) -> Message:
    return Message(text.en.format(**facts), text.zh.format(**facts))
