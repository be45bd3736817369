"""Kinds of servers: what is known of each beforehand, with the source of every figure.

A profile only makes requests smaller or fewer than a server might bear: it never leaves out a
point, and what the server itself declares or refuses holds above it. A figure that nobody has
published is not here, or is marked as assumed.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ASSUMED: Final = "assumed"
"""First word of the source of a figure that no maker and no field report backs."""

_UMH_2025 = "benthos-umh, server_profiles.go of 2025-11, from tests on such controllers"
_MYMACHINE_2018 = (
    "Siemens, SINUMERIK Access MyMachine / OPC UA, Configuration Manual 04/2018, chapter 8"
)
_SIEMENS_LIMITS = "Siemens Industry Online Support, entry 109755846"
_MODEST = f"{ASSUMED}: what clients ask of a server they do not know"


class Figure(NamedTuple):
    """One figure and where it comes from."""

    value: float
    source: str

    @property
    def assumed(self) -> bool:
        """Whether nobody has published it."""
        return self.source.startswith(ASSUMED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What is known of a kind of server; None where nothing is."""

    name: str
    title: str
    marks: tuple[str, ...] = ()
    """Lower-case texts, one of which such a server has in what it says of itself."""
    items_per_call: Figure | None = None
    """Most monitored items worth creating in one request."""
    items: Figure | None = None
    """Monitored items of the whole server, over all clients; for people, never a cap."""
    sessions: Figure | None = None
    """Sessions of the whole server; for people."""
    samples_per_s: Figure | None = None
    """Samples of all items in a second that the controller has time for."""
    sampling_s: Figure | None = None
    """Shortest sampling interval."""
    publishing_s: Figure | None = None
    """Shortest publishing interval."""
    deadband: bool = True
    """Whether a deadband may be asked for; where not, the request would be refused."""
    note: str = ""
    """What else an engineer should know."""


_KNOWN: Final = (
    Profile(
        name="s7-1200",
        title="SIMATIC S7-1200",
        marks=("s7-1200",),
        items_per_call=Figure(100, _UMH_2025),
        items=Figure(1000, _UMH_2025),
        sessions=Figure(10, _UMH_2025),
        deadband=False,
        note="Takes no deadband: a micro embedded server.",
    ),
    Profile(
        name="s7-1500",
        title="SIMATIC S7-1500, ET 200SP CPU",
        marks=("s7-1500",),
        items_per_call=Figure(500, _UMH_2025),
        note=f"Items and shortest intervals depend on the CPU and its project: {_SIEMENS_LIMITS}.",
    ),
    Profile(
        name="sinumerik-828d",
        title="SINUMERIK 828D",
        marks=("828d",),
        items_per_call=Figure(100, _MODEST),
        sessions=Figure(5, _MYMACHINE_2018),
        samples_per_s=Figure(500, _MYMACHINE_2018),
        sampling_s=Figure(0.1, _MYMACHINE_2018),
        publishing_s=Figure(0.1, _MYMACHINE_2018),
        note="Samples at 0.1, 0.25, 0.5, 1, 2.5 or 5 s.",
    ),
    Profile(
        name="sinumerik-840d",
        title="SINUMERIK 840D sl",
        marks=("sinumerik", "840d"),
        items_per_call=Figure(100, _MODEST),
        sessions=Figure(10, _MYMACHINE_2018),
        samples_per_s=Figure(1000, _MYMACHINE_2018),
        sampling_s=Figure(0.1, _MYMACHINE_2018),
        publishing_s=Figure(0.1, _MYMACHINE_2018),
        note="Samples at 0.1, 0.25, 0.5, 1, 2.5 or 5 s.",
    ),
    Profile(
        name="kepware",
        title="Kepware (KEPServerEX, ThingWorx Kepware Server)",
        marks=("kepware", "kepserver"),
        items_per_call=Figure(1000, _UMH_2025),
        sessions=Figure(128, _UMH_2025),
    ),
    Profile(
        name="fanuc",
        title="FANUC",
        marks=("fanuc",),
        items_per_call=Figure(100, _MODEST),
        note="No figure of the maker is public; the server's own refusals decide.",
    ),
    Profile(
        name="unknown",
        title="any other server",
        items_per_call=Figure(100, _MODEST),
    ),
)

PROFILES: Final[Mapping[str, Profile]] = MappingProxyType({one.name: one for one in _KNOWN})
"""Profiles by name, in the order in which they are tried."""

UNKNOWN: Final = PROFILES["unknown"]
"""What holds of a server that nothing is known of."""


def profile_of(texts: Iterable[str]) -> Profile:
    """Choose by what a server says of itself: its URIs, names and namespaces."""
    said = "\n".join(texts).lower()
    return next((one for one in _KNOWN if any(mark in said for mark in one.marks)), UNKNOWN)
