from __future__ import annotations

import asyncio
import os
import shutil
import socket
import ssl
import subprocess
from contextlib import asynccontextmanager
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

MOSQUITTO = Path(__file__).parents[3] / "deploy" / "mosquitto"
SKIP = os.environ.get("CHULIAN_SKIP_FOREIGN") == "1"


def need(program):
    """Find a program; missing it is a failure unless foreign programs are to be skipped."""
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")
    if path is None:
        if SKIP:
            pytest.skip(f"{program} is missing and CHULIAN_SKIP_FOREIGN=1")
        pytest.fail(f"{program} is missing; `make peers` installs it")
    return path


def make_certs(folder, *names, **variables):
    """Run the script as a person would."""
    need("openssl")
    return subprocess.run(
        [MOSQUITTO / "make-certs", folder, *names], capture_output=True, text=True, check=False,
        env={"PATH": os.environ["PATH"], **variables},
    )  # fmt: skip


def openssl(*arguments):
    """Ask openssl about a certificate."""
    done = subprocess.run(
        [need("openssl"), *map(str, arguments)], capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def test_certificates_are_of_one_private_ca(tmp_path):
    """Server and client certificates verify against the CA, for their own use and names only."""
    folder = tmp_path / "certs"
    done = make_certs(folder, "broker.plant", "10.0.0.5", CLIENTS="gw-hb-0001")
    assert done.returncode == 0, done.stderr
    ca = folder / "ca.crt"
    for name, purpose in (("server", "sslserver"), ("gw-hb-0001", "sslclient")):
        crt = folder / f"{name}.crt"
        assert openssl("verify", "-CAfile", ca, "-purpose", purpose, crt).endswith(": OK\n")
    text = openssl("x509", "-in", folder / "server.crt", "-noout", "-text")
    assert "DNS:broker.plant, IP Address:10.0.0.5" in text
    assert "error" in openssl("verify", "-CAfile", ca, "-purpose", "sslclient",
                              folder / "server.crt")  # fmt: skip
    assert (folder / "ca.key").stat().st_mode & 0o077 == 0
    assert (folder / "server.key").stat().st_mode & 0o007 == 0


def test_running_again_keeps_the_ca_and_renews_the_server(tmp_path):
    """Gateways know ca.crt only, so renewal never touches them."""
    make_certs(tmp_path / "c", "broker")
    before = {n: (tmp_path / "c" / n).read_bytes() for n in ("ca.crt", "server.crt")}
    make_certs(tmp_path / "c", "broker")
    assert (tmp_path / "c" / "ca.crt").read_bytes() == before["ca.crt"]
    assert (tmp_path / "c" / "server.crt").read_bytes() != before["server.crt"]


def test_without_a_name_the_script_says_how_it_is_used(tmp_path):
    """A call without arguments explains itself and makes nothing."""
    done = make_certs(tmp_path / "c")
    assert done.returncode == 2
    assert "make-certs FOLDER NAME" in done.stderr
    assert not (tmp_path / "c").exists()


@pytest.fixture
async def broker(tmp_path):
    """Run mosquitto on our configuration, with only its folders and its port replaced."""
    program, passwords = need("mosquitto"), tmp_path / "lib" / "passwords"
    certs = tmp_path / "etc" / "certs"
    assert make_certs(certs, "localhost", "127.0.0.1").returncode == 0
    shutil.copy(MOSQUITTO / "acl", tmp_path / "etc" / "acl")
    passwords.parent.mkdir()
    passwords.touch(mode=0o600)
    _add_account(passwords, "gw-hb-0001")
    _add_account(passwords, "platform")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    text = (MOSQUITTO / "mosquitto.conf").read_text("utf-8")
    text = text.replace("/etc/mosquitto", str(tmp_path / "etc"))
    text = text.replace("/var/lib/mosquitto", str(tmp_path / "lib")).replace("8883", str(port))
    # as root mosquitto would become a user that cannot read the test's own folder
    text += "user root\n" if os.geteuid() == 0 else ""
    conf = tmp_path / "mosquitto.conf"
    conf.write_text(text, "utf-8")
    process = await asyncio.create_subprocess_exec(
        program, "-c", str(conf), stderr=asyncio.subprocess.PIPE
    )
    try:
        await _until_listening(process, port)
        yield port, certs / "ca.crt", tmp_path / "lib"
    finally:
        process.terminate()
        await process.communicate()


def _add_account(passwords, name):
    command = [need("mosquitto_passwd"), "-b", passwords, name, "secret"]
    subprocess.run(command, check=True, capture_output=True)


async def _until_listening(process, port):
    """Connect until the port answers; a broker that ends instead shows what it said."""
    async with asyncio.timeout(10):
        while True:
            assert process.returncode is None, (await process.stderr.read()).decode()
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.02)
                continue
            writer.close()
            return


@asynccontextmanager
async def client(port, ca, name, password="secret"):
    """Connect over TLS with MQTT 5; gives the client, its CONNACK code and what arrives."""
    loop = asyncio.get_running_loop()
    connected, arrived = loop.create_future(), asyncio.Queue()
    one = mqtt.Client(CallbackAPIVersion.VERSION2, name, protocol=mqtt.MQTTv5)
    one.tls_set_context(ssl.create_default_context(cafile=str(ca)))
    one.username_pw_set(name, password)

    def on_connect(_client, _data, _flags, reason, _properties):
        loop.call_soon_threadsafe(lambda: connected.done() or connected.set_result(reason.value))

    def on_event(*event):
        loop.call_soon_threadsafe(arrived.put_nowait, event)

    one.on_connect = on_connect
    one.on_message = lambda _c, _d, message: on_event("message", message.topic)
    one.on_publish = lambda _c, _d, _m, reason, _p: on_event("ack", reason.value)
    one.on_subscribe = lambda *_: on_event("subscribed")
    keep = Properties(PacketTypes.CONNECT)
    keep.SessionExpiryInterval = 3600
    one.connect_async("localhost", port, clean_start=False, properties=keep)
    one.loop_start()
    try:
        async with asyncio.timeout(10):
            yield one, await connected, arrived
    finally:
        one.disconnect()
        one.loop_stop()


@pytest.mark.foreign
async def test_a_gateway_reaches_the_platform_over_tls(broker):
    """What a gateway publishes under its own id arrives at the platform, and is on disk."""
    port, ca, folder = broker
    async with client(port, ca, "platform") as (platform, code, arrived):
        assert code == 0
        platform.subscribe("hb/v1/#", qos=1)
        assert await arrived.get() == ("subscribed",)
    async with client(port, ca, "gw-hb-0001") as (gateway, code, acks):
        assert code == 0
        gateway.publish("hb/v1/acme/gw-hb-0001/data", b"{}", qos=1)
        assert await acks.get() == ("ack", 0)
        # the database is renamed into place: it is whole whenever it is there
        async with asyncio.timeout(5):
            while not (folder / "mosquitto.db").exists():  # noqa: ASYNC110 - a file of another process
                await asyncio.sleep(0.02)
    async with client(port, ca, "platform") as (_, code, arrived):
        assert code == 0
        assert await arrived.get() == ("message", "hb/v1/acme/gw-hb-0001/data")


@pytest.mark.foreign
async def test_a_gateway_cannot_write_as_another(broker):
    """Publishing under another gateway's id is refused with 'not authorized' (0x87)."""
    port, ca, _ = broker
    async with client(port, ca, "gw-hb-0001") as (gateway, code, acks):
        assert code == 0
        gateway.publish("hb/v1/acme/gw-hb-0002/data", b"{}", qos=1)
        assert await acks.get() == ("ack", 0x87)


@pytest.mark.foreign
async def test_a_wrong_password_is_refused(broker):
    """Nobody connects without a name and its password."""
    port, ca, _ = broker
    async with client(port, ca, "gw-hb-0001", password="guess") as (_, code, _):
        assert code == 0x87


@pytest.mark.foreign
async def test_the_port_speaks_tls_only(broker):
    """A client that trusts other authorities does not connect, and a plain one gets nothing."""
    port, _, _ = broker
    with pytest.raises(ssl.SSLCertVerificationError):
        await asyncio.open_connection("localhost", port, ssl=ssl.create_default_context())
    reader, writer = await asyncio.open_connection("localhost", port)
    writer.write(b"\x10\x10\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x03abc")
    async with asyncio.timeout(5):
        try:
            answer = await reader.read(100)
        except ConnectionResetError:
            answer = b""
    writer.close()
    connack = b"\x20"
    assert not answer.startswith(connack)
