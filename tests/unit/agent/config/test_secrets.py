"""Secrets and other files: fetched from where the file points, never shown."""

import pytest

MQTT = """\
gateway: {{id: gw-1}}
enterprise: {{id: ent-1}}
publish: [{{url: "{scheme}://broker:8883", username: u, password: "{password}"}}]
"""


def of(look, password, scheme="mqtts", **more):
    return look(MQTT.format(password=password, scheme=scheme), head=False, **more)


def test_a_secret_comes_from_the_environment_or_a_file(look, tmp_path):
    """Both references give the secret; a file's last newline is no part of it."""
    by_env = of(look, "env:PW", environ={"PW": "s3cret"})
    assert by_env.loaded.secrets == {"platform": "s3cret"}
    (tmp_path / "pw").write_text("s3cret \n")
    (tmp_path / "pw").chmod(0o600)
    by_file = of(look, "file:pw")
    assert by_file.loaded.secrets == {"platform": "s3cret "}
    assert [one.code for one in by_file.problems] == ["W1605"]
    assert "s3cret" not in repr(by_file.loaded.config)


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("hunter2", "E1501"),
        ("env:", "E1501"),
        ("env:NOT_SET", "E1502"),
        ("file:none", "E1503"),
        ("file:.", "E1503"),
        ("file:/dev/zero", "E1503"),
        ("env:EMPTY", "E1504"),
    ],
)
def test_a_secret_that_is_not_there_is_told(look, password, code):
    """Each way of having no secret has its code, and none shows what was written instead."""
    examined = of(look, password, environ={"EMPTY": ""})
    assert examined.loaded is None
    assert [one.code for one in examined.problems if one.is_error] == [code]
    assert "hunter2" not in str([one.as_dict() for one in examined.problems])


def test_careless_secrets_are_warned_of(look, tmp_path):
    """A file others can read, and a password without encryption, are told."""
    (tmp_path / "pw").write_text("x")
    (tmp_path / "pw").chmod(0o644)
    examined = of(look, "file:pw", scheme="mqtt")
    assert {one.code for one in examined.problems} == {"W1605", "W1606", "W1607"}
    assert examined.loaded is not None


def test_a_secret_of_the_wrong_type_is_not_shown(look):
    """Even the message about a wrong type hides it."""
    examined = look(MQTT.format(password="x", scheme="mqtt").replace('"x"', "[12345]"), head=False)
    assert any(one.code == "E1103" for one in examined.problems)
    assert "12345" not in str([one.as_dict() for one in examined.problems])


@pytest.mark.parametrize("url", ["mqtts://u:hunter2@broker:8883", "opc.tcp://u:hunter2@plc"])
def test_a_login_in_a_url_is_refused(look, url):
    """A password in a URL would end up in logs; it is refused and not repeated."""
    driver = f"devices: [{{id: a, driver: scripted, wire: '{url}'}}]\n"
    head = MQTT.format(password="env:P", scheme="mqtts")
    text = head.replace("mqtts://broker:8883", url) if url.startswith("mqtt") else head + driver
    examined = look(text, head=False, environ={"P": "p"})
    assert [one.code for one in examined.problems if one.is_error] == ["E1505"]
    assert "hunter2" not in str([one.as_dict() for one in examined.problems])


def test_certificates_must_be_there(look, tmp_path):
    """A missing certificate is told before the first connection; what is there becomes absolute."""
    text = MQTT.format(password="env:P", scheme="mqtts").replace("}]", ", tls: {ca: ca.pem}}]")
    missing = look(text, head=False, environ={"P": "p"})
    assert [one.code for one in missing.problems if one.is_error] == ["E1506"]
    there = look(text, head=False, environ={"P": "p"}, files={"ca.pem": "x"})
    assert there.loaded.config.publish[0].tls.ca == tmp_path / "ca.pem"
    plain = look(text.replace("mqtts", "mqtt"), head=False, environ={"P": "p"})
    assert "W1608" in {one.code for one in plain.problems}


def test_a_drivers_secret_is_fetched_and_its_paths_anchored(tmp_path):
    """A driver's model gets the secret itself, and absolute paths."""
    from pathlib import Path
    from typing import Literal

    from pydantic import SecretStr

    from agent.config.load import examine
    from agent.registry import Registry
    from drivers.api import DeviceConfig
    from drivers.testing.scripted import ScriptedDriver

    class Config(DeviceConfig):
        driver: Literal["vault"] = "vault"
        password: SecretStr | None = None
        key: Path | None = None
        wire: str = "w"
        timeout_s: float = 1

    class Vault(ScriptedDriver):
        name = "vault"
        config = Config

    path = tmp_path / "a.yaml"
    path.write_text(
        MQTT.format(password="env:P", scheme="mqtts")
        + "devices: [{id: a, driver: vault, password: 'env:P', key: k.pem}]\n"
    )
    examined = examine(path, registry=Registry(extra={"vault": Vault()}), environ={"P": "s3"})
    config = examined.loaded.devices[0].config
    assert config.password.get_secret_value() == "s3"
    assert config.key == tmp_path / "k.pem"
