"""A small MQTT broker with faults on demand; `Broker` is the way in."""

from simulators.mqtt.broker import Broker
from simulators.mqtt.faults import ALWAYS, BrokerStats, Faults, Limits
from simulators.mqtt.packets import Publish
from simulators.mqtt.wire import Reason

__all__ = ["ALWAYS", "Broker", "BrokerStats", "Faults", "Limits", "Publish", "Reason"]
