"""What the broker can do wrong on demand, and the limits it announces.

Every field may be changed while clients are connected; each says from when it counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from simulators.mqtt.topics import levels_of, matches

if TYPE_CHECKING:
    from simulators.mqtt.wire import Reason

ALWAYS: Final = 1 << 62
"""For `Faults.drop_pubacks`: all of them."""


@dataclass(slots=True)
class Faults:
    """Misbehaviour; the default is a good broker."""

    refuse_connect: Reason | None = None
    """Answer every CONNECT with this reason."""
    stall_pubacks: bool = False
    """Hold PUBACKs back until `Broker.release_pubacks`; the messages are routed at once."""
    drop_pubacks: int = 0
    """Never send the next so many PUBACKs; the messages are routed."""
    puback_delay_s: float = 0.0
    """Send each PUBACK so much later."""
    double_pubacks: bool = False
    """Send each PUBACK twice."""
    reason_by_filter: dict[str, int] = field(default_factory=dict)
    """Topic filter -> PUBACK reason given without routing; MQTT 3.1.1 clients see success."""
    duplicate_deliveries: bool = False
    """Deliver each QoS 1 message twice, the second time with DUP."""

    def reason_for(self, topic: str) -> int | None:
        """Give the forced PUBACK reason of a topic; None where there is none."""
        levels = levels_of(topic)
        for topic_filter, reason in self.reason_by_filter.items():
            if matches(levels_of(topic_filter), levels):
                return reason
        return None

    def drops_next_puback(self) -> bool:
        """Count one PUBACK down; whether it is to be dropped."""
        if self.drop_pubacks <= 0:
            return False
        self.drop_pubacks -= 1
        return True


@dataclass(slots=True)
class Limits:
    """What the broker bears; a client is told the first two when it connects."""

    max_packet_bytes: int = 1_048_576
    """Maximum Packet Size; enforced on every packet from the moment it is set."""
    receive_maximum: int = 65_535
    """Unacknowledged QoS 1 messages one MQTT 5 client may have; counts from its next CONNECT."""
    queued_messages: int = 100_000
    """Messages waiting per session; above it a publisher gets 0x97."""
    queued_bytes: int = 67_108_864
    """Payload bytes waiting per session; above it a publisher gets 0x97."""
    retained_messages: int = 10_000
    """Retained messages in all; above it a publisher gets 0x97."""
    connections: int = 10_000
    """Connections in all; further ones are closed at once."""


@dataclass(slots=True)
class BrokerStats:
    """Counts since the broker object was made; they only grow."""

    connects: int = 0
    refused: int = 0
    published: int = 0
    """PUBLISH packets received, repeats included."""
    routed: int = 0
    """Messages that matched at least one subscriber."""
    delivered: int = 0
    """PUBLISH packets sent to subscribers."""
    acknowledged: int = 0
    """PUBACK packets sent."""
    dropped: int = 0
    """Messages lost for one subscriber: full queue, expired, over its size limit, slow at QoS 0."""
    takeovers: int = 0
    protocol_errors: int = 0
    wills: int = 0
