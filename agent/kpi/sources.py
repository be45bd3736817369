"""Whether two devices of the configuration are one source: where they are read, who they say.

Pure. One address may serve several machines by different points, as a cell's controller does; so
only equal points at an equal address are one source. Source: docs/specs/rate, section 5.1.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from agent.kpi.findings import Finding
from agent.kpi.identity import DeviceFacts, real_serial
from agent.kpi.reasons import Reason
from agent.kpi.watched import is_control_metric
from drivers.api import Identity

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from agent.config.plan import DevicePlan


def facts_of(
    devices: Sequence[DevicePlan],
    identities: Mapping[str, Identity],
    unread: Collection[str] = (),
) -> dict[str, DeviceFacts]:
    """Gather what is known of each device: who it says it is, and where it is read.

    `unread` are those that nobody has asked yet.
    """
    return {
        device.id: DeviceFacts(
            identities.get(device.id, Identity()),
            f"{device.entry.driver} {device.link}",
            _controls(device),
            device.id in unread,
        )
        for device in devices
    }


def _controls(device: DevicePlan) -> frozenset[str]:
    """Give a device's control addresses; found once per plan: a plant has 100,000 tags."""
    known = _CONTROLS.get(device.id)
    if known is None or known[0] is not device:
        known = _CONTROLS[device.id] = device, frozenset(_control_addresses(device))
    return known[1]


_CONTROLS: Final[dict[str, tuple[DevicePlan, frozenset[str]]]] = {}


def _control_addresses(device: DevicePlan) -> Iterator[str]:
    """Yield unit and address of each control metric, so that equal texts are equal points."""
    unit = getattr(device.config, "unit_id", "")
    for group in device.groups:
        for tag in group.tags:
            if is_control_metric(tag.name):
                yield f"{unit}:{tag.address}"


def duplicates(facts: Mapping[str, DeviceFacts]) -> dict[str, list[Finding]]:
    """Give the findings against devices that are one source, or say that they are one machine."""
    found: defaultdict[str, list[Finding]] = defaultdict(list)
    for device, other in _alike(facts, lambda one: one.endpoint):
        if _one_source(facts[device].controls, facts[other].controls):
            about = {"endpoint": facts[device].endpoint}
            found[device].append(Finding(Reason.DUPLICATE_ENDPOINT, about, (other,)))
    for device, other in _alike(facts, _named):
        if facts[device].endpoint != facts[other].endpoint:
            about = {"serial": facts[device].identity.serial}
            found[device].append(Finding(Reason.DUPLICATE_SERIAL, about, (other,)))
    return dict(found)


def _one_source(mine: frozenset[str], theirs: frozenset[str]) -> bool:
    """Tell whether half of the fewer points are the other's; machines of a cell share a few."""
    fewer = min(len(mine), len(theirs))
    return fewer > 0 and 2 * len(mine & theirs) >= fewer


def _named(facts: DeviceFacts) -> str:
    """Give what names one machine of one maker; empty where it does not say."""
    identity = facts.identity
    serial = real_serial(identity.serial)
    return f"{identity.maker}/{identity.model}/{serial}" if serial and identity.model else ""


def _alike(
    facts: Mapping[str, DeviceFacts], key: Callable[[DeviceFacts], str]
) -> Iterator[tuple[str, str]]:
    """Yield each device with each other one that has an equal key."""
    owners: defaultdict[str, list[str]] = defaultdict(list)
    for device, one in facts.items():
        if key(one):
            owners[key(one)].append(device)
    for device in (one for group in owners.values() for one in group):
        for other in owners[key(facts[device])]:
            if other != device:
                yield device, other
