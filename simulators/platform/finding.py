"""One thing about a gateway's digests or indicators that does not hold."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, and where."""

    code: str
    """Stable: `unreadable_digest`, `missing_digest`, `replayed_digest`, `broken_chain`,
    `other_key`, `false_signature`, `missing_indicator`, `unknown_ledger`, `rate_differs`,
    `machine_differs`."""
    day: str
    """Shop day, empty where it cannot be read."""
    about: str
    """Number of the digest, machine, or name of the figure."""
    told: str = ""
    """What the gateway says."""
    found: str = ""
    """What is the case here."""

    def as_dict(self) -> dict[str, str]:
        """Give it as JSON values."""
        return asdict(self)
