"""Settings, links and what a plan makes of them."""

from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import SecretStr, ValidationError

from drivers.api import Identifies, Polls, Subscribes, Tag
from drivers.opcua import DRIVER


def config(**settings):
    return DRIVER.config(driver="opcua", **({"url": "opc.tcp://plc"} | settings))


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("opc.tcp://plc", "opc.tcp://plc:4840"),
        ("opc.tcp://10.0.0.7:4841/UA/Server", "opc.tcp://10.0.0.7:4841/UA/Server"),
        ("opc.tcp://[fe80::1]:62541", "opc.tcp://[fe80::1]:62541"),
    ],
)
def test_url_is_completed(given, kept):
    """A URL keeps its path and gets the standard port."""
    assert config(url=given).url == kept


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"url": "http://plc"}, "opc.tcp"),
        ({"url": "opc.tcp://"}, "opc.tcp"),
        ({"url": "opc.tcp://plc:99999"}, "port"),
        ({"url": "opc.tcp://user:secret@plc"}, "username and password"),
        ({"password": "secret"}, "username"),
        ({"timeout_s": 0}, "timeout_s"),
        ({"no_such": 1}, "no_such"),
        ({"security": "Basic128Rsa15"}, "security"),
        ({"certificate": "/c.pem"}, "certificate and key belong together"),
        ({"user_key": "/k.pem"}, "user_certificate and user_key belong together"),
        ({"user_certificate": "/c", "user_key": "/k", "username": "op"}, "not with both"),
        ({"security": "none", "server_certificate": "/c"}, "server_certificate cannot hold"),
        ({"security": "none", "security_mode": "sign"}, "security_mode cannot hold"),
        ({"security_mode": "sign", "username": "op", "password": "x"}, "a password needs"),
    ],
)
def test_wrong_settings_are_refused(settings, why):
    """A wrong setting is refused by name."""
    with pytest.raises(ValidationError, match=why):
        config(**settings)


def test_link_is_url_and_user():
    """Equal server and user share a session, whatever else differs; the password is nowhere."""
    one = DRIVER.link(config(username="op", password=SecretStr("geheim"), timeout_s=1))
    two = DRIVER.link(config(username="op", password=SecretStr("andere"), timeout_s=9))
    assert one == two
    assert hash(one) == hash(two)
    assert one != DRIVER.link(config(username="other", password=SecretStr("geheim")))
    assert str(one) == "opc.tcp://op@plc:4840"
    assert "geheim" not in repr(one) + str(one) + repr(config(username="op", password="geheim"))


@pytest.mark.parametrize(
    ("written", "thumbprint"),
    [
        ("ab" * 32, "AB" * 32),
        ("/etc/chulian/" + "AB" * 32, "AB" * 32),
        (":".join(["ab"] * 32), "AB" * 32),
        ("/etc/chulian/server.der", ""),
        ("ab" * 20, ""),
    ],
)
def test_a_pin_is_a_thumbprint_or_a_file(written, thumbprint):
    """A SHA-256 thumbprint is known by its form, also after the host made a path of it."""
    assert DRIVER.link(config(server_certificate=written)).pin_thumbprint == thumbprint


def test_what_protects_a_link_tells_it_apart():
    """Two devices share a session only if neither would lose its protection by it."""
    plain = DRIVER.link(config())
    for settings in ({"security": "none"}, {"server_certificate": "/c"}, {"pki": "/other"}):
        assert DRIVER.link(config(**settings)) != plain


def test_requests_count_batches():
    """A plan says how many requests one read takes."""
    tags = [Tag(f"t{n}", f"i={n}") for n in range(250)]
    plan = DRIVER.plan(config(max_items_per_call=100), tags, device="d", group="g")
    assert (plan.requests, len(plan.tags), plan.device, plan.group) == (3, 250, "d", "g")


@pytest.mark.parametrize(
    ("settings", "sampling_s", "publishing_s", "queued"),
    [
        ({}, 0.1, 0.5, 10),
        ({}, 1.0, 1.0, 2),
        ({}, 5.0, 1.0, 2),
        ({"publish_interval_s": 0.1}, 0.1, 0.1, 2),
        ({"publish_interval_s": 1}, 0.05, 1, 40),
        ({"queue_size": 3}, 0.05, 0.5, 3),
        ({"publish_interval_s": 3600}, 0.01, 3600, 10_000),
    ],
)
def test_queue_holds_what_comes_between_messages(settings, sampling_s, publishing_s, queued):
    """Changes are bundled, and the server is asked to hold twice what it samples meanwhile."""
    plan = DRIVER.plan(config(**settings), [Tag("a", "i=1")], device="d", group="g")
    assert plan.publishing_s(sampling_s) == publishing_s
    assert plan.queued(sampling_s=sampling_s, publishing_s=publishing_s) == queued


def test_sessions_poll_subscribe_and_identify():
    """What a session can do is told by its class."""
    assert issubclass(DRIVER.session, Polls)
    assert issubclass(DRIVER.session, Subscribes)
    assert issubclass(DRIVER.session, Identifies)


def test_import_is_light():
    """Importing the driver and making plans does not load the protocol library."""
    code = "import sys, drivers.opcua; sys.exit('asyncua' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=30).returncode == 0
