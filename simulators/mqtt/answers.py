"""What a client is answered, in the words of its protocol version. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from simulators.mqtt.packets import Version
from simulators.mqtt.topics import valid_filter, valid_topic
from simulators.mqtt.wire import MqttError, Property, Reason

if TYPE_CHECKING:
    from simulators.mqtt.packets import Publish, Subscription

_V311_REFUSALS: Final = {
    Reason.UNSUPPORTED_PROTOCOL_VERSION: 1,
    Reason.CLIENT_IDENTIFIER_NOT_VALID: 2,
    Reason.BAD_USER_NAME_OR_PASSWORD: 4,
    Reason.NOT_AUTHORIZED: 5,
}
_V311_UNAVAILABLE: Final = 3


def connack_code(refusal: Reason, version: Version) -> int:
    """Give the CONNACK code of a refusal; 3.1.1 has five, the nearest is taken."""
    if version is Version.V5:
        return refusal
    return _V311_REFUSALS.get(refusal, _V311_UNAVAILABLE)


def granted(wanted: Subscription, version: Version) -> int:
    """Give the SUBACK reason of one filter: the granted QoS, or why not."""
    refusal: Reason | None = None
    if not valid_filter(wanted.topic_filter):
        refusal = Reason.TOPIC_FILTER_INVALID
    elif wanted.topic_filter.startswith("$share/"):
        refusal = Reason.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED
    if refusal is None:
        return min(wanted.qos, 1)
    return refusal if version is Version.V5 else Reason.UNSPECIFIED_ERROR


def check_publish(packet: Publish) -> None:
    """Raise MqttError for a message this broker does not take."""
    if packet.qos > 1:
        raise MqttError(Reason.QOS_NOT_SUPPORTED, "this broker takes QoS 0 and 1 only")
    if Property.TOPIC_ALIAS in packet.properties:
        raise MqttError(Reason.TOPIC_ALIAS_INVALID, "this broker takes no topic alias")
    if not valid_topic(packet.topic):
        raise MqttError(Reason.TOPIC_NAME_INVALID, "a topic name is empty or holds wildcards")
