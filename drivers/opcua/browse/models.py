"""Which information model a node belongs to, and what it is there.

An object belongs to the model that defines its type, or the type its own maker derived it from: the
nearest one of a published companion specification. What stands below it belongs to it too, until
an object of another model begins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from asyncua.ua.attribute_ids import AttributeIds

from drivers.opcua.browse.asking import below, browse, held, read_attributes
from drivers.opcua.browse.names import level
from drivers.opcua.structures.definitions import key_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from asyncua import ua

    from drivers.opcua.services import Services
    from drivers.opcua.structures.layout import Key

PUBLISHED: Final = "http://opcfoundation.org/UA/"
"""How the URIs of published companion specifications begin."""
DEVICES: Final = "http://opcfoundation.org/UA/DI/"
"""The base of all of them; its groups do not begin a model of their own within another."""
MOST_TYPES: Final = 2_000
MOST_ROUNDS: Final = 16

_HAS_SUBTYPE: Final = 45


@dataclass(frozen=True, slots=True)
class Role:
    """The place of a node in a model: its URI, and the path from the type that begins it."""

    model: str = ""
    path: str = ""

    def below(self, name: str) -> Role:
        """Give the place of a node below this one."""
        return Role(self.model, f"{self.path}/{name}") if self.model else self


@dataclass(slots=True)
class _Type:
    name: str
    supertype: Key | None


class Models:
    """The types of objects and variables met so far on one server."""

    def __init__(self, services: Services, namespaces: Sequence[str]) -> None:
        self._services = services
        self._namespaces = namespaces
        self._types: dict[Key, _Type] = {}

    async def learn(self, types: Iterable[ua.NodeId]) -> None:
        """Ask for the names of types, and of those they derive from.

        Raises:
            DriverError: the server does not answer such questions now.
            NoReply, SessionLost: the session is over.
        """
        asked = {key_of(node): node for node in types}
        for _ in range(MOST_ROUNDS):
            new = [node for key, node in asked.items() if key[0] and key not in self._types]
            new = new[: MOST_TYPES - len(self._types)]
            if not new:
                return
            wanted = [(node, AttributeIds.BrowseName) for node in new]
            names = await read_attributes(self._services, wanted)
            upward = [below(node, reference=_HAS_SUBTYPE, inverse=True) for node in new]
            references = await browse(self._services, upward)
            asked = {}
            for node, answer, (above, _) in zip(new, names, references, strict=True):
                supertype = key_of(above[0].NodeId) if above else None
                if supertype is not None:
                    asked[supertype] = above[0].NodeId
                name = level(getattr(held(answer), "Name", None))
                self._types[key_of(node)] = _Type(name, supertype)

    def role(self, parent: Role, name: str, type_key: Key | None) -> Role:
        """Give the place of a node of a type below a parent."""
        found = self._begins(type_key)
        if found is not None and found.model != parent.model:
            foreign = found.model.startswith(PUBLISHED) and found.model != DEVICES
            if foreign or not parent.model:
                return found
        return parent.below(name)

    def _begins(self, key: Key | None) -> Role | None:
        """Give the published type that a type is or derives from, else the type itself."""
        first: Role | None = None
        for _ in range(MOST_ROUNDS):
            known = self._types.get(key) if key is not None else None
            if known is None or key is None or key[0] >= len(self._namespaces):
                break
            role = Role(self._namespaces[key[0]], known.name)
            if role.model.startswith(PUBLISHED) and role.model != DEVICES:
                return role
            first = first or role
            key = known.supertype
        return first
