"""What a device grants and demands while it is read, as its settings have it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drivers.modbus.config import ModbusConfig, TransactionIds


@dataclass(frozen=True, slots=True)
class Terms:
    """What a device grants and demands while it is read."""

    device: str
    timeout_s: float
    pause_s: float
    ids: TransactionIds
    late_s: float = 30.0
    alike_s: float = 0.005


def terms_of(config: ModbusConfig, device: str) -> Terms:
    """Give the terms of a device."""
    return Terms(
        device=device,
        timeout_s=config.timeout_s,
        pause_s=config.pause_between_s,
        alike_s=config.pause_alike_s,
        ids=config.transaction_ids,
        late_s=config.late_s,
    )
