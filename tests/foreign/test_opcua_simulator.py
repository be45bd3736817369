"""Our OPC UA simulator and node-opcua, in JavaScript: each is held against what the other knows.

node-opcua brings the published node sets of the companion specifications along; the ids, names and
numbers in our models are compared with them. Its server is asked for what `server.js` promises.
"""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from contextlib import ExitStack
from datetime import timedelta

import pytest
from asyncua import ua
from asyncua.crypto.security_policies import SecurityPolicyAes256Sha256RsaPss
from foreign.node_server import URI, NodeServer, install
from integration.simulators.opcua.hearing import connected, read

from simulators.opcua.certificates import user_pair
from simulators.opcua.companion import Companion
from simulators.opcua.models import cnc, machinery, machinetool, packml

pytestmark = [pytest.mark.foreign, pytest.mark.timeout(240)]

XML = {"u": "http://opcfoundation.org/UA/2011/03/UANodeSet.xsd"}
FILES = {
    machinery.URI: "Opc.Ua.Machinery.NodeSet2.xml",
    machinery.DI: "Opc.Ua.Di.NodeSet2.xml",
    machinetool.URI: "Opc.Ua.MachineTool.NodeSet2.xml",
    cnc.URI: "Opc.Ua.CNC.NodeSet.xml",
    packml.URI: "Opc.Ua.PackML.NodeSet2.xml",
}
KINDS = {
    "object": "UAObjectType", "variable": "UAVariableType", "enumeration": "UADataType",
    "structure": "UADataType",
}  # fmt: skip


class NodeSet:
    """One published node set."""

    def __init__(self, path):
        root = ET.parse(path).getroot()
        self.uris = [each.text for each in root.findall("u:NamespaceUris/u:Uri", XML)]
        self.nodes = {each.get("NodeId"): each for each in root if each.get("NodeId")}

    def own(self, number):
        return self.nodes[f"ns=1;i={number}"]

    def absolute(self, node_id):
        """Give a node id as (namespace URI, number)."""
        index, _, number = node_id.rpartition("i=")
        uri = self.uris[int(index[3:-1]) - 1] if index else "http://opcfoundation.org/UA/"
        return uri, int(number)

    def supertype(self, node):
        for each in node.findall("u:References/u:Reference", XML):
            if each.get("ReferenceType") == "HasSubtype" and each.get("IsForward") == "false":
                return self.absolute(each.text)
        return None

    def state_number(self, state):
        """Give the StateNumber of a state node."""
        for node in self.nodes.values():
            ours = node.get("ParentNodeId") == state.get("NodeId")
            if ours and node.get("BrowseName") == "StateNumber":
                return int(next(node.find("u:Value", XML).iter()).find("*").text)
        return None


@pytest.fixture(scope="session")
def published():
    folder = install() / "node-opcua-nodesets" / "nodesets"
    return {uri: NodeSet(folder / name) for uri, name in FILES.items()}


TYPES = {
    (each.uri, each.number): each
    for content in (Companion.cnc_shop(), Companion.packml_line())
    for each in (*content._types, machinetool.MESSAGE_EVENT)
}


@pytest.mark.parametrize("each", TYPES.values(), ids=lambda each: each.name)
def test_a_type_is_as_published(published, each):
    """Id, name, kind, supertype, values, fields and states are those of the node set."""
    found = published[each.uri]
    node = found.own(each.number)
    assert node.get("BrowseName").split(":")[-1] == each.name
    assert node.tag.endswith("}" + KINDS[each.kind])
    assert found.supertype(node) == (each.base.uri, each.base.number)
    fields = node.findall("u:Definition/u:Field", XML)
    if each.kind == "enumeration":
        assert {int(f.get("Value", 0)): f.get("Name") for f in fields} == dict(each.values)
    if each.kind == "structure":
        assert [f.get("Name") for f in fields] == [name for name, _ in each.members]
        encoding = found.own(each.encoding)
        assert encoding.get("BrowseName") == "Default Binary"
        owners = [ref.text for ref in encoding.findall("u:References/u:Reference", XML)]
        assert node.get("NodeId") in owners
    for name, (number, state_number) in each.states.items():
        state = found.own(number)
        assert state.get("BrowseName").split(":")[-1] == name
        if "StateNumber" in {n.get("BrowseName") for n in found.nodes.values()}:
            assert found.state_number(state) == state_number


@pytest.mark.parametrize(
    ("uri", "number", "name"),
    [(machinery.URI, machinery.MACHINES_FOLDER, "Machines"), (packml.URI, 72, "PackMLObjects")],
)
def test_folders_are_as_published(published, uri, number, name):
    """The folders in which machines are found have the published ids."""
    assert published[uri].own(number).get("BrowseName") == f"1:{name}"


@pytest.fixture
def serve():
    with ExitStack() as stack:
        yield lambda *options: stack.enter_context(NodeServer(*options))


def secure(tmp_path, *, name="agent", certificate=None):
    own = user_pair(tmp_path, name=name)

    async def prepare(client):
        client.application_uri = f"urn:chulian:user:{name}"
        await client.set_security(
            SecurityPolicyAes256Sha256RsaPss,
            own.certificate,
            own.key,
            mode=ua.MessageSecurityMode.SignAndEncrypt,
        )
        if certificate is not None:
            await client.load_client_certificate(certificate.certificate)
            await client.load_private_key(certificate.key)

    return prepare


async def generation(client):
    index = await client.get_namespace_index(URI)
    [value] = await read(client, f"ns={index};s=Generation")
    return value


async def test_history_has_no_hole_over_a_restart(serve):
    """What changed while node-opcua's server was away is in its history, each value once."""
    server = serve("--variables", "1", "--interval-ms", "50", "--history", "2000")
    async with connected(server.url) as client:
        first = await generation(client)
    assert f"127.0.0.1:{await server.order('restart 1')}" in server.url
    async with connected(server.url) as client:
        last = await generation(client)
        index = await client.get_namespace_index(URI)
        node = client.get_node(f"ns={index};s=Generation")
        found = await node.read_raw_history(
            first.SourceTimestamp,
            last.SourceTimestamp + timedelta(milliseconds=1),
            return_bounds=False,
        )
    values = [each.Value.Value for each in found]
    assert values == list(range(first.Value.Value, last.Value.Value + 1))
    assert len(values) > 20


async def test_its_own_limits(serve):
    """The limits given are announced and enforced."""
    server = serve("--variables", "5", "--max-read", "3", "--max-browse", "2")
    async with connected(server.url) as client:
        index = await client.get_namespace_index(URI)
        names = [f"ns={index};s=V{n}" for n in range(4)]
        with pytest.raises(ua.UaStatusCodeError, match="BadTooManyOperations"):
            await read(client, *names)
        limit = ua.ObjectIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerBrowse
        assert await client.get_node(limit).read_value() == 2


async def test_only_encrypted_and_only_with_a_user_certificate(serve, tmp_path):
    """With policy, mode and user certificate set, nothing else is let in."""
    known, other = user_pair(tmp_path, name="known"), user_pair(tmp_path, name="other")
    server = serve(
        "--variables", "1", "--policies", "Aes256_Sha256_RsaPss", "--modes", "SignAndEncrypt",
        "--anonymous", "no", "--user-certificate", str(known.certificate),
    )  # fmt: skip
    async with connected(server.url, prepare=secure(tmp_path, certificate=known)) as client:
        assert (await generation(client)).StatusCode.is_good()
    with pytest.raises(ua.UaStatusCodeError, match="Bad"):
        async with connected(server.url, prepare=secure(tmp_path, certificate=other)):
            pass
    with pytest.raises((ua.UaError, ConnectionError, TimeoutError)):
        async with connected(server.url):
            pass


async def test_a_suspicious_server_trusts_when_told(serve, tmp_path):
    """An unknown client is refused until somebody trusts it."""
    server = serve("--variables", "1", "--suspicious", "yes")
    prepare = secure(tmp_path, name=f"agent{os.getpid()}")
    # asyncua's client asserts that an answer to OpenSecureChannel is no fault
    with pytest.raises((ua.UaError, ConnectionError, TimeoutError, AssertionError)):
        async with connected(server.url, prepare=prepare):
            pass
    assert int(await server.order("trust", answered="TRUSTED")) >= 1
    async with connected(server.url, prepare=prepare) as client:
        assert (await generation(client)).StatusCode.is_good()
