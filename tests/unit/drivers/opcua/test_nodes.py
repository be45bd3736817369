"""What addresses mean on a server whose namespaces come late, move, or have hostile names."""

from __future__ import annotations

import logging

import pytest

from drivers.api import SessionLost, Tag
from drivers.opcua import DRIVER, nodes
from drivers.opcua.nodes import MOST_NAMED, Nodes

STANDARD = "http://opcfoundation.org/UA/"


class Server:
    """Stands for the services of a session: a server's namespaces."""

    def __init__(self, *uris):
        self.uris = [STANDARD, *uris]
        self.asked = 0

    async def namespaces(self, *, timeout_s=None):
        self.asked += 1
        return list(self.uris)

    def node_ids(self, addresses, namespaces):
        return [namespaces.index(a.uri) if a.uri in namespaces else None for a in addresses]


def plan(*uris):
    config = DRIVER.config(driver="opcua", url="opc.tcp://plc")
    tags = [Tag(f"t{n}", f"nsu={uri};s=x") for n, uri in enumerate(uris)]
    return DRIVER.plan(config, tags, device="d", group="g")


@pytest.mark.parametrize("now", [("urn:b", "urn:a"), ("urn:a",), ("urn:c", "urn:a", "urn:b")])
async def test_namespaces_that_move_end_the_session(now):
    """Nodes found before would be other nodes: nothing is read of them any more."""
    server = Server("urn:a", "urn:b")
    found = Nodes(server)
    await found.read_namespaces()
    server.uris = [STANDARD, *now]
    with pytest.raises(SessionLost, match="changed the indexes"):
        await found.read_namespaces()


async def test_namespaces_that_are_added_or_not_told_change_nothing():
    """A server that loads more, or does not answer the question now, is believed as before."""
    server = Server("urn:a")
    found = Nodes(server)
    await found.read_namespaces()
    server.uris.append("urn:b")
    await found.read_namespaces()
    server.uris = []
    await found.read_namespaces()
    assert found.namespaces == [STANDARD, "urn:a", "urn:b"]


async def test_a_namespace_that_comes_late_is_found_however_often_the_session_asks(monkeypatch):
    """The keep-alive's own question does not put off that of a plan with unknown nodes."""
    server = Server("urn:a")
    found, wanted = Nodes(server), plan("urn:a", "urn:late")
    await found.read_namespaces()
    assert await found.of(wanted) == [1, None]
    server.uris.append("urn:late")
    assert await found.of(wanted) == [1, None]
    monkeypatch.setattr(nodes, "NAMESPACE_RETRY_S", 0.0)
    await found.read_namespaces()
    assert await found.of(wanted) == [1, 2]


async def test_hostile_names_do_not_reach_the_log(caplog):
    """A namespace's name is the server's word: no control characters, no end of line, no flood."""
    server = Server("urn:\x1b[2Jgone\nFAKE line", *(f"urn:{n}" for n in range(500)))
    found = Nodes(server)
    await found.read_namespaces()
    with caplog.at_level(logging.WARNING):
        await found.of(plan("urn:missing"))
    (record,) = caplog.records
    text = record.getMessage()
    assert text.isprintable()
    assert "urn:missing" in text
    assert f"and {502 - MOST_NAMED} more" in text
    assert len(text) < 1000
