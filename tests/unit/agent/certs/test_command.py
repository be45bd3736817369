"""`chulian cert` as a person types it."""

from __future__ import annotations

import json
import re
import stat

import pytest
from asyncua.ua.status_codes import code_to_name_doc
from unit.drivers.opcua.security.certificates import der, make

from agent.certs.codes import CODES
from agent.certs.facts import read_facts
from agent.certs.place import folders
from agent.certs.servers import SERVERS
from agent.cli.main import main
from agent.config.certificates import placed
from agent.config.load import load
from drivers.opcua.security.certificate import read_facts as read_as_driver
from drivers.opcua.security.folder import Folder

URL = "opc.tcp://192.168.1.20:4840"
SERVER = der(make("CNC server"))
SHORT = read_facts(SERVER).short


@pytest.fixture
def config(tmp_path):
    """A configuration with one OPC UA machine and one of another kind."""
    path = tmp_path / "agent.yaml"
    point = {"name": "part.count", "address": "ns=2;s=P"}
    modbus = {"id": "m", "driver": "modbus", "host": "192.0.2.1",
              "tags": [{"name": "a", "address": "hr:1", "type": "uint16"}]}  # fmt: skip
    document = {
        "gateway": {"id": "g"},
        "enterprise": {"id": "e"},
        "store": {"path": "data/chulian.db"},
        "publish": [{"url": "mqtt://127.0.0.1"}],
        "devices": [modbus, {"id": "cnc-1", "driver": "opcua", "url": URL, "tags": [point]}],
    }
    path.write_text(json.dumps(document), "utf-8")
    (tmp_path / "data").mkdir()
    return path


@pytest.fixture
def folder(config):
    return config.parent / "data" / "pki"


@pytest.fixture
def cert(config, capsys):
    """Run the command; gives exit code and what was printed."""

    def run(*words, lang="zh"):
        code = main(["cert", *words, "-c", str(config), "--lang", lang])
        told = capsys.readouterr()
        return code, told.out + told.err

    return run


def test_from_refused_to_trusted_and_back(cert, folder):
    """List, show, trust, reject: each says what it did, in Chinese, and files follow."""
    assert cert("list") == (0, "还没有任何证书。\n")
    Folder(folder).reject(read_as_driver(SERVER), url=URL, why="BadCertificateUntrusted")
    code, told = cert("list")
    assert code == 1
    assert "等待人工确认" in told
    assert all(word in told for word in (SHORT, "CNC server", "cnc-1", URL))
    code, told = cert("show", SHORT)
    assert code == 0
    assert all(word in told for word in ("cnc-1", "BadCertificateUntrusted", "自签名", "RSA 2048"))
    code, told = cert("trust", SHORT)
    assert (code, [one.der for one in Folder(folder).trusted()]) == (0, [SERVER])
    assert "自动重试连接" in told
    assert cert("list")[0] == 0
    code, told = cert("reject", SHORT)
    assert (code, Folder(folder).trusted()) == (0, [])
    assert "已取消信任" in told


def test_trusting_what_has_expired_says_what_is_missing(cert, folder):
    """Trust alone does not heal the dates: the person is told the line to write."""
    facts = read_as_driver(der(make(begins=-400, ends=-2)))
    Folder(folder).reject(facts, url=URL, why="BadCertificateTimeInvalid")
    code, told = cert("trust", facts.short)
    assert code == 1
    assert f"server_certificate: {facts.sha256}" in told


def test_a_file_is_trusted_before_the_first_meeting(cert, folder, tmp_path):
    """Whoever has the server's certificate as a file need not wait for a refusal."""
    (tmp_path / "s.der").write_bytes(SERVER)
    assert cert("trust", str(tmp_path / "s.der"))[0] == 0
    assert [one.der for one in Folder(folder).trusted()] == [SERVER]
    (tmp_path / "s.txt").write_text("hello")
    code, told = cert("trust", str(tmp_path / "s.txt"), lang="en")
    assert (code, "cannot be read" in told) == (2, True)


def test_our_own_is_made_once_and_exported(cert, folder, tmp_path):
    """Make, export as DER and PEM: one certificate, its key for its owner only, steps for all."""
    assert cert("make")[0] == 0
    own = read_facts((folder / "own" / "certs" / "chulian.der").read_bytes())
    key = folder / "own" / "private" / "chulian.pem"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700
    assert own.key == "RSA 3072"
    assert re.fullmatch(r"urn:[\w.-]+:chulian:edge-agent", own.uris[0])
    assert 1800 < (own.ends - own.begins).days < 1830
    code, told = cert("export", str(tmp_path / "our.der"))
    assert code == 0
    assert own.sha1 in told
    assert told.count("\n- ") == len(SERVERS)
    cert("export", str(tmp_path / "our.pem"), "--pem")
    assert read_facts((tmp_path / "our.der").read_bytes()).der == own.der
    assert read_facts((tmp_path / "our.pem").read_bytes()).der == own.der
    assert cert("trust", own.short)[0] == 2
    code, told = cert("make", "--anew")
    new = read_facts((folder / "own" / "certs" / "chulian.der").read_bytes())
    assert new.der != own.der
    assert "重新信任" in told


@pytest.mark.parametrize("word", ["00000000", "abc"])
def test_an_unknown_thumbprint_is_one_sentence(cert, folder, word):
    """Nothing is changed, and the sentence says how to find the right one."""
    Folder(folder).reject(read_as_driver(SERVER), url=URL, why="BadCertificateUntrusted")
    for action in ("show", "trust", "reject"):
        code, told = cert(action, word)
        assert (code, "chulian cert list" in told, told.count("\n")) == (2, True, 1)
    assert Folder(folder).trusted() == []


def test_codes_are_explained_in_both_languages(cert):
    """A code is found with or without Bad, in any case; an unknown one names the known."""
    assert "还不信任本机证书" in cert("explain", "badsecuritychecksfailed")[1]
    assert "does not trust" in cert("explain", "SecurityChecksFailed", lang="en")[1]
    code, told = cert("explain", "BadNews")
    assert (code, "BadCertificateUntrusted" in told) == (2, True)
    code, told = cert("explain", "--json")
    assert json.loads(told).keys() == CODES.keys()


def test_every_code_of_certificates_is_explained():
    """No certificate code of the standard is missing, and none is invented."""
    standard = {name for name, _ in code_to_name_doc.values()}
    assert {name for name in standard if name.startswith("BadCertificate")} <= CODES.keys()
    assert CODES.keys() <= standard


def test_json_holds_what_the_list_shows(cert, folder):
    """For programs: one document, with state, thumbprints, devices and reason."""
    Folder(folder).reject(read_as_driver(SERVER), url=URL, why="BadCertificateUntrusted")
    (one,) = json.loads(cert("list", "--json")[1])["certificates"]
    assert (one["state"], one["thumbprint"], one["devices"], one["why"]) == (
        "rejected", SHORT, ["cnc-1"], "BadCertificateUntrusted"
    )  # fmt: skip


def test_a_configuration_without_such_machines_says_so(cert, config):
    """Where no device uses certificates there is nothing to look for."""
    document = json.loads(config.read_text("utf-8"))
    document["devices"].pop()
    config.write_text(json.dumps(document), "utf-8")
    assert cert("list") == (2, "该配置里没有使用证书的设备。\n")


def test_the_folder_lies_beside_the_store(config, folder):
    """A device that names no folder gets the one beside the store, and its link knows it."""
    loaded = placed(load(config))
    (cnc,) = [one for one in loaded.devices if one.id == "cnc-1"]
    assert (cnc.config.pki, cnc.link.pki) == (folder, folder)
    document = json.loads(config.read_text("utf-8"))
    document["devices"][1]["pki"] = "certificates"
    config.write_text(json.dumps(document), "utf-8")
    assert list(folders(load(config))) == [config.parent / "certificates"]
