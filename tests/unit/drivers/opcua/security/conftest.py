"""One protected server for all live tests, and what talks to it."""

from __future__ import annotations

import pytest
from asyncua import ua
from unit.drivers.opcua.opcua_server import OpcuaPeer
from unit.drivers.opcua.security.certificates import SERVER_URI
from unit.drivers.opcua.security.visiting import EVERY, IDENTITY, Visitor

from drivers.opcua.security.own import own_identity


@pytest.fixture(scope="session")
def protected():
    """One server for all tests: building one takes seconds."""
    peer = OpcuaPeer(
        {"V": ua.Variant(7, ua.VariantType.Int32)},
        security=EVERY,
        identity=IDENTITY,
        application_uri=SERVER_URI,
    )
    peer.start()
    yield peer
    peer.stop()


@pytest.fixture
def peer(protected):
    """The server, offering everything, with a good certificate that nobody trusts yet."""
    yield protected
    protected.passwords.clear()
    protected.passwords_seen.clear()
    protected.certificates.clear()
    protected.validator = None
    protected.become(IDENTITY, security=EVERY, application_uri=SERVER_URI)


@pytest.fixture(scope="session")
def own_pair(tmp_path_factory):
    """Our own certificate, made by the driver once: a key of 3072 bits takes a second."""
    folder = tmp_path_factory.mktemp("own")
    own_identity(folder)
    return folder / "own"


@pytest.fixture
def visitor(tmp_path, own_pair, peer):
    """The driver beside the server, with its own certificate and trusting nobody."""
    (tmp_path / "own").symlink_to(own_pair)
    return Visitor(tmp_path, peer.url)
