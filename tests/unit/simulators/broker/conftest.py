"""A paho client whose callbacks arrive in the test's event loop."""

from __future__ import annotations

import asyncio

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

WAIT_S = 10


class Client:
    """One paho client; connects, acknowledgements, messages and disconnects come as queues."""

    def __init__(self, client_id, protocol, *, clean=True, expiry_s=0):
        self.protocol = protocol
        self._loop = asyncio.get_running_loop()
        v5 = protocol is MQTTProtocolVersion.MQTTv5
        self.paho = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id,
            protocol=protocol,
            clean_session=None if v5 else clean,
            reconnect_on_failure=False,
        )
        self.connacks, self.acks = asyncio.Queue(), asyncio.Queue()
        self.subacks, self.messages, self.gone = asyncio.Queue(), asyncio.Queue(), asyncio.Queue()
        self.paho.on_connect = lambda *a: self._put(self.connacks, (a[2], a[3], a[4]))
        self.paho.on_publish = lambda *a: self._put(self.acks, (a[2], a[3].value))
        self.paho.on_subscribe = lambda *a: self._put(self.subacks, [r.value for r in a[3]])
        self.paho.on_message = lambda *a: self._put(self.messages, a[2])
        self.paho.on_disconnect = lambda *a: self._put(self.gone, a[3].value)
        self._connect = {"clean_start": clean, "properties": _expiry(expiry_s)} if v5 else {}

    def _put(self, queue, item):
        self._loop.call_soon_threadsafe(queue.put_nowait, item)

    async def connect(self, broker, *, keepalive_s=60):
        """Connect and give (flags, reason, properties) of the CONNACK."""
        await asyncio.to_thread(
            self.paho.connect, broker.host, broker.port, keepalive_s, **self._connect
        )
        self.paho.loop_start()
        async with asyncio.timeout(WAIT_S):
            return await self.connacks.get()

    async def subscribe(self, topic_filter, qos=1):
        """Subscribe and give the reasons granted."""
        self.paho.subscribe(topic_filter, qos)
        async with asyncio.timeout(WAIT_S):
            return await self.subacks.get()

    async def publish(self, topic, payload=b"x", *, qos=1, retain=False, properties=None):
        """Publish and give the PUBACK reason."""
        self.paho.publish(topic, payload, qos, retain, properties)
        async with asyncio.timeout(WAIT_S):
            return (await self.acks.get())[1]

    async def message(self):
        """Give the next message."""
        async with asyncio.timeout(WAIT_S):
            return await self.messages.get()

    async def disconnected(self):
        """Wait for the end of the connection and give its reason."""
        async with asyncio.timeout(WAIT_S):
            return await self.gone.get()

    async def close(self):
        """Say goodbye and stop the thread."""
        self.paho.disconnect()
        await asyncio.to_thread(self.paho.loop_stop)
        if self.paho.socket() is not None:  # stopped before its goodbye was out
            self.paho.socket().close()
        self.paho.on_connect = self.paho.on_publish = self.paho.on_subscribe = None
        self.paho.on_message = self.paho.on_disconnect = None  # else freed with its sockets open


def _expiry(expiry_s):
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = expiry_s
    return properties


@pytest.fixture(params=[MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311], ids=["5", "311"])
def protocol(request):
    """Both versions, one after the other."""
    return request.param


@pytest.fixture
async def client():
    """Give a factory of clients that are all closed at the end."""
    made = []

    def make(client_id="c", protocol=MQTTProtocolVersion.MQTTv5, **options):
        made.append(Client(client_id, protocol, **options))
        return made[-1]

    yield make
    for item in made:
        await item.close()
