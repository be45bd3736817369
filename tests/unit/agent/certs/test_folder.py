"""The folder of certificates: what is listed, found, moved, and left alone."""

from __future__ import annotations

import json

import pytest
from unit.drivers.opcua.security.certificates import der, key, make, pem

from agent.certs.facts import MAX_BYTES, NoCertificate, read_facts
from agent.certs.folder import NotFound, State, add, entries, find, move, read_file
from agent.certs.show import age_text, list_rows, spaced
from drivers.opcua.security.certificate import read_facts as read_as_driver
from drivers.opcua.security.folder import Folder

ONE = der(make("CNC one"))
TWO = der(make("CNC two"))


@pytest.fixture
def folder(tmp_path):
    """A folder in which the driver has refused two servers."""
    for data, url in ((ONE, "opc.tcp://one:4840"), (TWO, "opc.tcp://two:4840")):
        Folder(tmp_path).reject(read_as_driver(data), url=url, why="BadCertificateUntrusted")
    return tmp_path


def test_agent_and_driver_read_a_certificate_alike():
    """Both halves name a certificate alike: a command finds what a message said."""
    here, there = read_facts(ONE), read_as_driver(ONE)
    assert (here.sha256, here.sha1, here.short, here.name, here.begins, here.ends) == (
        there.sha256, there.sha1, there.short, there.name, there.begins, there.ends
    )  # fmt: skip
    assert read_facts(pem(make("CNC one", private_key=key()))).key == "RSA 2048"


def test_what_the_driver_refused_is_listed_with_its_server(folder):
    """Each refused certificate comes with where and why it was met."""
    found = entries(folder)
    assert {(one.state, one.facts.der, one.url, one.why) for one in found} == {
        (State.REJECTED, ONE, "opc.tcp://one:4840", "BadCertificateUntrusted"),
        (State.REJECTED, TWO, "opc.tcp://two:4840", "BadCertificateUntrusted"),
    }
    assert all(one.seen for one in found)


def test_trusting_moves_the_file_and_the_driver_sees_it(folder):
    """After the move the driver's own reading of the folder trusts the server, and no other."""
    one = find(entries(folder), read_facts(ONE).sha256[:8])
    path = move(folder, one, State.TRUSTED)
    assert path.parent == folder / "trusted" / "certs"
    assert [facts.der for facts in Folder(folder).trusted()] == [ONE]
    again = find(entries(folder), one.facts.sha256)
    assert (again.state, again.url) == (State.TRUSTED, "opc.tcp://one:4840")
    move(folder, again, State.REJECTED)
    assert Folder(folder).trusted() == []


@pytest.mark.parametrize("form", ["sha256", "sha1", "colons", "small"])
def test_a_certificate_is_found_by_any_form_of_its_thumbprint(folder, form):
    """SHA-256 or SHA-1, with colons or in small letters, as other tools show it."""
    facts = read_facts(ONE)
    text = {
        "sha256": facts.sha256,
        "sha1": facts.sha1,
        "colons": spaced(facts.sha1).replace(" ", ":"),
        "small": facts.short.lower(),
    }[form]
    assert find(entries(folder), text).facts.der == ONE


@pytest.mark.parametrize(
    "text",
    ["", "A", read_facts(ONE).sha256[:7], "0" * 16],
    ids=["nothing", "one", "seven", "nobody's"],
)
def test_too_few_digits_name_nothing(folder, text):
    """A short or unknown thumbprint trusts nothing by accident."""
    with pytest.raises(NotFound) as caught:
        find(entries(folder), text)
    assert caught.value.matches == 0


def test_what_is_no_certificate_is_passed_over(folder):
    """Foreign, broken and huge files, and notes that are none, neither fail nor show."""
    place = folder / "trusted" / "certs"
    place.mkdir(parents=True)
    (place / "a.der").write_bytes(b"hello")
    (place / "b.der").write_bytes(b"\x30" * (MAX_BYTES + 2))
    (place / "c.txt").write_bytes(ONE)
    (place / "d.pem").mkdir()
    (place / "e.der").write_bytes(TWO)
    (place / "e.json").write_text("[1, 2", "utf-8")
    (one,) = [one for one in entries(folder) if one.state is State.TRUSTED]
    assert (one.facts.der, one.url) == (TWO, "")
    with pytest.raises(NoCertificate):
        read_file(place / "a.der")


def test_a_file_from_elsewhere_can_be_trusted(tmp_path):
    """A name that would leave the folder stays in it."""
    facts = read_facts(der(make("../../etc/机床")))
    path = add(tmp_path, facts, State.TRUSTED)
    assert path.parent == tmp_path / "trusted" / "certs"
    assert path.read_bytes() == facts.der


def test_names_cannot_steer_a_terminal():
    """Control characters in a stranger's certificate are shown as question marks."""
    facts = read_facts(der(make("CNC\x1b[2J\n")))
    assert facts.name == "CNC?[2J?"
    assert "\x1b" not in json.dumps(facts.as_dict(), ensure_ascii=False)


@pytest.mark.parametrize(
    ("times", "said"),
    [
        ({}, ""),
        ({"ends": 30}, "29 天后到期"),
        ({"begins": -30, "ends": -1}, "已过期"),
        ({"begins": 3}, "尚未生效"),
    ],
)
def test_age_is_told(times, said):
    """Out of its time, or soon: said in words."""
    assert age_text(read_facts(der(make(**times))), lang="zh") == said


def test_a_row_names_the_devices(folder):
    """The list tells which device of the configuration meets the server."""
    rows = list_rows(entries(folder), {"opc.tcp://one:4840": ["cnc-1", "cnc-2"]}, lang="en")
    cells = {row[0]: row[4] for _, row in rows}
    assert cells[read_facts(ONE).short] == "cnc-1, cnc-2"
    assert cells[read_facts(TWO).short] == ""


def test_a_changed_certificate_is_told_as_changed(folder):
    """The driver knows by the files what a person trusted at this server before."""
    assert Folder(folder).trusted_at("opc.tcp://one:4840") == ""
    move(folder, find(entries(folder), read_facts(ONE).short), State.TRUSTED)
    assert Folder(folder).trusted_at("opc.tcp://one:4840") == read_facts(ONE).short
    assert Folder(folder).trusted_at("opc.tcp://two:4840") == ""
