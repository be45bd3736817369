"""Who is behind an OPC UA server: the server itself, and the machine it speaks for.

A machine is found where the companion specifications put it: in the folder Machines of OPC 40001-1
(which OPC 40501-1 machine tools use, too), else in the DeviceSet of OPC 10000-100. Of several
machines the configuration names the one; without a name none is taken, since another machine's
serial number would be worse than none. A machine's own words are never mixed with the server's.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from asyncua import ua

from drivers.api import DriverError, Identity, SessionLost
from drivers.opcua.address import parse
from drivers.opcua.browse.asking import below, browse
from drivers.opcua.browse.names import clean
from drivers.opcua.browse.resolve import node_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers.opcua.plan import OpcuaPlan
    from drivers.opcua.services import Services

MACHINERY: Final = "http://opcfoundation.org/UA/Machinery/"
DI: Final = "http://opcfoundation.org/UA/DI/"
PLACES: Final = ((MACHINERY, 1001), (DI, 5001))
"""Folders of machines: Machines of OPC 40001-1, DeviceSet of OPC 10000-100."""

IDENTIFICATION: Final = "Identification"
_IDENTIFICATION_TYPES: Final = {
    MACHINERY: frozenset({1004, 1005, 1012}),
    "http://opcfoundation.org/UA/MachineTool/": frozenset({11}),
}
"""Type definitions that say the same where the object has another name."""

NAMES: Final = frozenset(
    {
        "AssetId", "ComponentName", "DeviceClass", "DeviceRevision", "HardwareRevision",
        "InitialOperationDate", "Location", "Manufacturer", "ManufacturerUri", "Model",
        "MonthOfConstruction", "ProductCode", "ProductInstanceUri", "RevisionCounter",
        "SerialNumber", "SoftwareRevision", "YearOfConstruction",
    }
)  # fmt: skip
"""Properties of an identification that are read. Source: OPC 40001-1, 8; OPC 10000-100, 4.5."""

MOST_CHILDREN: Final = 500
"""Nodes below one that are looked at."""

_HIERARCHICAL: Final = 33
_MOST_NAMED: Final = 8
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Child:
    """One node below another."""

    name: str
    """Its browse name, without the namespace."""
    node: ua.NodeId
    kind: ua.NodeId
    """Its type definition."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is known of the server before anything is asked."""

    namespaces: Sequence[str]
    application_uri: str
    product_uri: str


async def identify(services: Services, plan: OpcuaPlan, asked: Asked) -> Identity:
    """Ask server and machine who they are; empty where they do not say.

    Raises:
        NoReply, SessionLost: the session is over.
    """
    info = await services.build_info()
    raw = {
        "ApplicationUri": asked.application_uri,
        "ApplicationProductUri": asked.product_uri,
        **info,
    }
    server = Identity(
        maker=info.get("ManufacturerName", ""),
        model=info.get("ProductName", ""),
        firmware=info.get("SoftwareVersion", ""),
        uri=asked.application_uri,
        raw=tuple((name, text) for name, text in raw.items() if text),
    )
    try:
        return await _with_machine(services, plan, asked, server)
    except SessionLost:
        raise
    except DriverError as error:
        _log.info("device %s: no machine is identified: %s", plan.device, error)
        return server


async def _with_machine(
    services: Services, plan: OpcuaPlan, asked: Asked, server: Identity
) -> Identity:
    """Give the identity of the machine, the server's words kept beside it."""
    found = await _machine(services, plan, asked)
    said = {} if found is None else await _identification(services, found.node, asked)
    if found is None or not said:
        return server
    own = tuple((f"Machine.{name}", text) for name, text in sorted(said.items()))
    return Identity(
        maker=said.get("Manufacturer", ""),
        model=said.get("Model", ""),
        serial=said.get("SerialNumber", ""),
        firmware=said.get("SoftwareRevision", ""),
        uri=said.get("ProductInstanceUri", "") or server.uri,
        raw=(("Machine", found.name), *own, *server.raw),
    )


async def _machine(services: Services, plan: OpcuaPlan, asked: Asked) -> Child | None:
    """Find the plan's machine: the one that is named, or the only one there is."""
    named = plan.machine
    if "=" in named:
        (node,) = services.node_ids([parse(named)], asked.namespaces)
        return None if node is None else Child(named, node, ua.NodeId())
    for uri, number in PLACES:
        if uri not in asked.namespaces:
            continue
        space = asked.namespaces.index(uri)
        folder = ua.NodeId(ua.Int32(number), ua.Int16(space))
        machines = [each for each in await _children(services, folder) if _is_machine(each)]
        wanted = [each for each in machines if named in {"", each.name}]
        if len(wanted) == 1:
            return wanted[0]
        if machines:
            _tell_choice(plan, machines)
            return None
    return None


def _is_machine(child: Child) -> bool:
    """Leave out what the specifications themselves put into the folder."""
    return child.name not in {"DeviceFeatures", "NetworkSet", "DeviceTopology", "MachinesUsage"}


def _tell_choice(plan: OpcuaPlan, machines: Sequence[Child]) -> None:
    names = ", ".join(clean(each.name) for each in machines[:_MOST_NAMED])
    more = " ..." if len(machines) > _MOST_NAMED else ""
    said = f"{plan.machine!r} is none of them" if plan.machine else "which one is this device?"
    _log.warning(
        "device %s: the server shows %d machines, %s Set machine to one of: %s%s",
        plan.device, len(machines), said, names, more,
    )  # fmt: skip


async def _identification(services: Services, machine: ua.NodeId, asked: Asked) -> dict[str, str]:
    """Read what a machine says of itself: in its Identification, else on the device itself."""
    children = await _children(services, machine)
    holders = [each for each in children if _identifies(each, asked.namespaces)]
    if holders:
        children = await _children(services, holders[0].node)
    wanted = {each.name: each.node for each in children if each.name in NAMES}
    said: dict[str, str] = {}
    for name, node in wanted.items():
        (value,) = (await services.read((node,))).values
        if value is not None and str(value).strip():
            said[name] = str(value).strip()
    return said


async def _children(services: Services, node: ua.NodeId) -> list[Child]:
    """List what stands below a node on this server; nothing where it refuses."""
    asked = [below(node, reference=_HIERARCHICAL)]
    ((found, _),) = await browse(services, asked, most=MOST_CHILDREN)
    return [
        Child(one.BrowseName.Name or "", node_of(one.NodeId), node_of(one.TypeDefinition))
        for one in found
        if not getattr(one.NodeId, "ServerIndex", 0)
    ]


def _identifies(child: Child, namespaces: Sequence[str]) -> bool:
    space = child.kind.NamespaceIndex
    uri = namespaces[space] if space < len(namespaces) else ""
    known = child.kind.Identifier in _IDENTIFICATION_TYPES.get(uri, ())
    return known or child.name == IDENTIFICATION
