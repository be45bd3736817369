"""Who a device says it is, held against who the ledger says it is. Pure.

A device may speak of the machine, of its controller, or of a gateway in between; so only what
speaks of the same thing as the ledger is compared, and a name that is merely different is none.
Which texts name simulators and controllers is data: `signatures.json`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final
from unicodedata import normalize

from agent.kpi.findings import Finding
from agent.kpi.reasons import Reason
from drivers.api import Identity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Self

    from agent.config.ledger import Equipment

_TEXTS: Final = ("maker", "model", "serial", "firmware", "uri")
LEAST_SERIAL: Final = 4
"""Characters of a serial number that can be one; shorter ones are defaults."""


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """What is known of a device beside its data; JSON-able by `document`."""

    identity: Identity = field(default_factory=Identity)
    endpoint: str = ""
    """Where it is reached: link and unit, as a text; equal for two names of one source."""
    controls: frozenset[str] = frozenset()
    """Addresses from which its control metrics are read."""
    unread: bool = False
    """Whether nobody knows yet who it says it is; False also where it was found to say nothing."""

    def document(self) -> dict[str, Any]:
        """Give everything as JSON types; equal facts give equal documents."""
        texts = {name: getattr(self.identity, name) for name in _TEXTS}
        unread = {"unread": True} if self.unread else {}
        return unread | {
            "controls": sorted(self.controls),
            "endpoint": self.endpoint,
            "identity": texts | {"raw": [list(pair) for pair in self.identity.raw]},
        }

    @classmethod
    def of_document(cls, document: Mapping[str, Any]) -> Self:
        """Take what `document` gave; raises ValueError if it is none."""
        try:
            said = document["identity"]
            raw = tuple((str(name), str(text)) for name, text in said["raw"])
            identity = Identity(**{name: str(said[name]) for name in _TEXTS}, raw=raw)
            controls = frozenset(map(str, document["controls"]))
            unread = bool(document.get("unread", False))
            return cls(identity, str(document["endpoint"]), controls, unread)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"not the facts of a device: {error!r}") from error


def facts_kept(
    said: Iterable[tuple[str, Identity | None]], devices: Iterable[str]
) -> dict[str, DeviceFacts]:
    """Give what a store keeps of each device: what it says, or that nobody knows yet."""
    known = {device: identity for device, identity in said if identity is not None}
    unread = {device: DeviceFacts(unread=True) for device in devices}
    return unread | {device: DeviceFacts(identity) for device, identity in known.items()}


def simulator(facts: DeviceFacts) -> Finding | None:
    """Tell whether a device says of itself that it is a simulator, and by which text."""
    identity = facts.identity
    texts = [getattr(identity, name) for name in _TEXTS] + [text for _, text in identity.raw]
    for text in texts:
        plain = normalize("NFKC", text).casefold()
        if any(word in plain for word in signatures()["simulators"]):
            return Finding(Reason.SIMULATOR, {"said": text})
    return None


def mismatch(machine: Equipment, facts: DeviceFacts) -> Finding | None:
    """Tell whether a device says that it is another machine than the ledger's, with both sides."""
    identity = facts.identity
    declared = _controller(machine.controller, "ledger")
    told = _controller(_says(identity), "device")
    if declared and told and declared != told:
        return _differs("controller", machine.controller, identity.model or identity.maker)
    if told:
        return None  # it speaks of its controller, whose model and serial are not the machine's
    same_maker = _agree(machine.maker, identity.maker)
    same_model = _agree(machine.model, identity.model)
    if same_maker and _plain(machine.model) and _plain(identity.model) and not same_model:
        return _differs("model", machine.model, identity.model)
    numbers = real_serial(machine.serial), real_serial(identity.serial)
    if (same_maker or same_model) and all(numbers) and not _agree(machine.serial, identity.serial):
        return _differs("serial", machine.serial, identity.serial)
    return None


def names_controller(machine: Equipment, facts: DeviceFacts) -> bool:
    """Tell whether the device gave the name of the very controller that the ledger declares."""
    declared = _controller(machine.controller, "ledger")
    return bool(declared) and declared == _controller(_says(facts.identity), "device")


def real_serial(serial: str) -> str:
    """Give a serial number in its plain form; empty if it is a default such as 0000."""
    plain = _plain(serial)
    if len(plain) < LEAST_SERIAL or len(set(plain)) == 1 or plain in "0123456789":
        return ""
    return plain


def _says(identity: Identity) -> str:
    return f"{identity.maker} {identity.model} {identity.uri}"


def _differs(what: str, ledger: str, device: str) -> Finding:
    return Finding(
        Reason.IDENTITY_MISMATCH, {"what": what, "ledger_says": ledger, "device_says": device}
    )


def _agree(one: str, other: str) -> bool:
    """Tell whether one text contains the other, leaving blanks, signs and case aside."""
    mine, theirs = _plain(one), _plain(other)
    return bool(mine and theirs) and (mine in theirs or theirs in mine)


def _plain(text: str) -> str:
    return "".join(c for c in normalize("NFKC", text).casefold() if c.isalnum())


def _controller(text: str, side: str) -> str:
    """Give the family of controllers that a text names; empty for none, or for several."""
    plain = normalize("NFKC", text).casefold()
    found = {
        family
        for family, words in signatures()["controllers"].items()
        if any(word in plain for word in words[side])
    }
    return found.pop() if len(found) == 1 else ""


@cache
def signatures() -> dict[str, Any]:
    """Give the lists of texts that name simulators and controllers; part of the rules."""
    text = files("agent.kpi").joinpath("signatures.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found
