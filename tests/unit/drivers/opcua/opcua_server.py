"""A real server of the asyncua library in a thread of its own, with limits it keeps."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field

from asyncua import Server, ua
from asyncua.common.utils import ServiceError
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.internal_server import InternalServer
from asyncua.server.internal_session import InternalSession
from asyncua.server.user_managers import UserManager
from asyncua.ua.object_ids import ObjectIds

NAMESPACE = "urn:chulian:test"


@dataclass
class Users(UserManager):
    """Lets in who is listed; everybody where nobody is."""

    passwords: dict[str, str]
    certificates: list[bytes] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    """Every password that arrived."""

    def get_user(self, iserver, username=None, password=None, certificate=None):
        if password is not None:
            self.seen.append(password)
        if self.certificates and certificate not in self.certificates:
            return None
        if self.passwords and (username is None or self.passwords.get(username) != password):
            return None
        return User(role=UserRole.Admin)


class LimitedSession(InternalSession):
    """Refuses calls with more nodes than the server takes."""

    async def read(self, params):
        self.iserver.check(len(params.NodesToRead), "read")
        return await super().read(params)

    async def create_monitored_items(self, params):
        self.iserver.check(len(params.ItemsToCreate), "monitor")
        return await super().create_monitored_items(params)

    async def write(self, params):
        ignored = self.iserver.ignored
        if ignored is None:
            return await super().write(params)
        ignored.count += len(params.NodesToWrite)
        ignored.first.set()
        await asyncio.sleep(ignored.hold_s)
        return [ua.StatusCode(ignored.answer)] * len(params.NodesToWrite)


@dataclass
class Ignored:
    """Writes that are answered and change nothing."""

    answer: int
    hold_s: float
    count: int = 0
    first: threading.Event = field(default_factory=threading.Event)


class LimitedServer(InternalServer):
    """Makes sessions that keep limits, declared or not, and remembers the calls."""

    most: dict[str, int]
    calls: list[tuple[str, int]]
    ignored: Ignored | None = None

    def create_session(self, name, user=User(role=UserRole.Anonymous), external=False):  # noqa: B008, FBT002 - the library's signature
        kind = LimitedSession if external else InternalSession
        return kind(
            self, self.aspace, self.subscription_service, name, user=user, external=external
        )

    def check(self, count, call):
        self.calls.append((call, count))
        if count > self.most.get(call, count):
            raise ServiceError(ua.StatusCodes.BadTooManyOperations)


@dataclass
class OpcuaPeer:
    """One server at a time, on one port for its life; `start` after `stop` is a new server."""

    variables: dict[str, ua.Variant]
    namespaces: tuple[str, ...] = (NAMESPACE,)
    most: dict[str, int] = field(default_factory=dict)
    """Limits that are kept and not declared: read, monitor."""
    passwords: dict[str, str] = field(default_factory=dict)
    certificates: list[bytes] = field(default_factory=list)
    """Users by their certificates (DER); none: everybody is let in."""
    writable: tuple[str, ...] = ()
    """Variables that a client may write."""
    port: int = 0
    security: tuple[ua.SecurityPolicyType, ...] = (ua.SecurityPolicyType.NoSecurity,)
    identity: tuple[bytes, bytes] | None = None
    """Certificate (DER) and private key (DER) of the server."""
    application_uri: str = "urn:freeopcua:python:server"
    validator: object = None
    """Judges the certificates of clients, as the library's `set_certificate_validator` has it."""

    def __post_init__(self):
        self._loop = None
        self._thread = None

    @property
    def passwords_seen(self):
        """Every password that arrived, as the server read it."""
        return self._server.iserver.user_manager.seen

    def become(self, identity, *, security=None, application_uri=None):
        """Go on as a server with another certificate, other policies, or another name."""
        self.identity = identity
        self.security = security or self.security
        self.application_uri = application_uri or self.application_uri
        self._run(self._protect())

    @property
    def url(self):
        return f"opc.tcp://127.0.0.1:{self.port}/test"

    @property
    def calls(self):
        """(service, nodes) of every call of clients so far."""
        return self._server.iserver.calls

    def start(self):
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="opcua-peer")
        self._thread.start()
        self._run(self._start())

    def stop(self):
        if self._thread is None:
            return
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._thread = None

    def write(self, name, value, *, status=0, source=None):
        """Give a variable a value, a status and a source time (None: there is none)."""
        self._run(self._write(name, value, status, source))

    def read(self, name):
        """Give what a variable holds."""
        return self._run(self._nodes[name].read_value())

    async def _write(self, name, value, status, source):
        kind = self.variables[name].VariantType
        await self._nodes[name].write_value(
            ua.DataValue(ua.Variant(value, kind), ua.StatusCode(status), source)
        )

    def add(self, name, value):
        """Add an Int32 variable while the server runs."""
        variant = ua.Variant(value, ua.VariantType.Int32)
        node = ua.NodeId(name, self._index)
        self._run(self._server.nodes.objects.add_variable(node, name, variant))

    def declare(self, limits):
        """Declare operation limits: MaxNodesPerRead, MaxMonitoredItemsPerCall."""
        for name, most in limits.items():
            node = self._server.get_node(
                getattr(ObjectIds, f"Server_ServerCapabilities_OperationLimits_{name}")
            )
            self._run(node.write_value(most, ua.VariantType.UInt32))

    @contextmanager
    def ignoring_writes(self, *, answer=0, hold_s=0.0):
        """Answer writes of clients with a status, late if told so, and change nothing."""
        self._server.iserver.ignored = ignored = Ignored(answer, hold_s)
        try:
            yield ignored
        finally:
            self._server.iserver.ignored = None

    def emit(self, message, *, severity):
        """Let the Server object give a plain event."""
        self._run(self._emit(message, severity))

    async def _emit(self, message, severity):
        generator = await self._server.get_event_generator()
        generator.event.Severity = severity
        await generator.trigger(message=message)

    def end_subscriptions(self):
        """Let the server end every subscription by its own decision."""
        manager = self._server.iserver.subscription_service
        self._run(manager.delete_subscriptions(list(manager.subscriptions)))

    def _run(self, call):
        return asyncio.run_coroutine_threadsafe(call, self._loop).result(50)

    async def _start(self):
        inner = LimitedServer(user_manager=Users(self.passwords, self.certificates))
        inner.most, inner.calls = self.most, []
        self._server = Server(iserver=inner)
        await self._server.init()
        self._server.set_endpoint(self.url)
        self._server._application_uri = self.application_uri
        await self._load_identity()
        self._server.set_security_policy(list(self.security))
        indexes = {uri: await self._server.register_namespace(uri) for uri in self.namespaces}
        self._index = index = indexes.get(NAMESPACE, 0)
        self._nodes = {
            name: await self._server.nodes.objects.add_variable(ua.NodeId(name, index), name, value)
            for name, value in self.variables.items()
        }
        for name in self.writable:
            await self._nodes[name].set_writable()
        await self._server.start()
        self.port = self._server.bserver.port

    async def _load_identity(self):
        self._server.set_certificate_validator(self.validator)
        if self.identity is not None:
            certificate, key = self.identity
            await self._server.load_certificate(certificate, "der")
            await self._server.load_private_key(key, format="der")

    async def _protect(self):
        """Offer other endpoints from now on; the library does this at its start only."""
        self._server._application_uri = self.application_uri
        await self._load_identity()
        self._server.set_security_policy(list(self.security))
        self._server._policies.clear()
        self._server.iserver.endpoints.clear()
        await self._server._setup_server_nodes()

    async def _stop(self):
        await self._server.stop()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
