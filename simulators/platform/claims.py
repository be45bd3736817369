"""One machine that several gateways, or several enterprises, count as theirs.

What names a machine is what its device says of itself: maker, model and serial number. Compared are
machines under any control but manual and relay, in service or not; who is right people find out.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from simulators.platform.gateway import GatewayState

_NEVER: Final = frozenset({"manual", "relay"})
_LEAST_SERIAL: Final = 4


@dataclass(frozen=True, slots=True)
class Claim:
    """Who counts a machine."""

    enterprise: str
    gateway: str
    machine: str
    device: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """A machine counted more than once."""

    maker: str
    model: str
    serial: str
    claims: tuple[Claim, ...]
    """By enterprise, gateway and machine; of two gateways at least."""

    @property
    def across_enterprises(self) -> bool:
        """Whether several enterprises count it, and not one at several gateways."""
        return len({one.enterprise for one in self.claims}) > 1

    def as_dict(self) -> dict[str, Any]:
        """Give it as JSON values."""
        return {**asdict(self), "across_enterprises": self.across_enterprises}


def conflicts(gateways: Iterable[GatewayState]) -> list[Conflict]:
    """Give every machine that two gateways or more count, by its plate."""
    found: defaultdict[tuple[str, str, str], set[Claim]] = defaultdict(set)
    for state in gateways:
        for plate, claim in _claims(state):
            found[plate].add(claim)
    by_plate = (
        (plate, tuple(sorted(claims, key=lambda one: (one.enterprise, one.gateway, one.machine))))
        for plate, claims in sorted(found.items())
    )
    return [
        Conflict(*plate, claims)
        for plate, claims in by_plate
        if len({(one.enterprise, one.gateway) for one in claims}) > 1
    ]


def _claims(state: GatewayState) -> Iterator[tuple[tuple[str, str, str], Claim]]:
    """Yield plate and claim of each machine of a gateway whose device says who it is."""
    ledger = state.meta["ledger"]["equipment"] if state.meta else ()
    for item in ledger:
        said = state.identities.get(item["device"] or "")
        if said is None or item["control_type"] in _NEVER or item.get("part_of"):
            continue
        plate = _plate(said)
        if plate is not None:
            yield plate, Claim(state.enterprise, state.name, item["id"], item["device"])


def _plate(said: Mapping[str, Any]) -> tuple[str, str, str] | None:
    """Give maker, model and serial number in a plain form; None where they name no one machine."""
    maker, model, serial = (_plain(str(said.get(key, ""))) for key in ("maker", "model", "serial"))
    default = len(serial) < _LEAST_SERIAL or len(set(serial)) == 1 or serial in "0123456789"
    return None if default or not model else (maker, model, serial)


def _plain(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())
