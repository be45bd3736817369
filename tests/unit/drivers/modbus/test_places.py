"""Where a device is: what goes together, what a link is called, and what parts two links."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from drivers.modbus import DRIVER, ModbusConfig
from drivers.modbus.config import ProbeRegister


def link(**settings):
    """Make the link of some settings."""
    return DRIVER.link(ModbusConfig(**{"driver": "modbus"} | settings))


@pytest.mark.parametrize(
    ("settings", "en", "zh"),
    [
        ({}, "exactly one of", "只能填一个"),
        ({"host": "a", "serial": "/dev/ttyS0"}, "host and serial", "host、serial"),
        ({"serial": "/dev/ttyS0", "framing": "tcp"}, "needs a host", "只能用于 host"),
        ({"serial": "/dev/ttyS0", "network": "udp"}, "needs a host", "只能用于 host"),
        ({"serial": "/dev/ttyS0", "port": 5}, "port belongs to a host", "port 只能与 host"),
        ({"listen": "0.0.0.0:0"}, "no port from 1", "端口不在"),
        ({"listen": "0.0.0.0:99999"}, "no port from 1", "端口不在"),
        ({"listen": "0.0.0.0:1", "close_after_poll": True}, "the DTU", "由 DTU 建立"),
        ({"host": "a", "registration": "X"}, "belongs to listen", "listen"),
        ({"serial": "/dev/ttyS0", "heartbeat": "X"}, "heartbeat belongs", "心跳|heartbeat"),
        ({"listen": "0.0.0.0:1", "registration": "hex:0"}, "pairs of the digits", "成对"),
        ({"host": "a", "data_bits": 7}, "only ascii", "ascii"),
        ({"serial": "/dev/ttyS0", "unit": 0}, "broadcast", "广播"),
        ({"host": "a", "network": "udp", "close_after_poll": True}, "no connection", "没有连接"),
        ({"host": "a", "tls_name": "x"}, "needs network: tls", "network: tls"),
        ({"host": "a", "network": "tls", "tls_key": "k"}, "together", "同时"),
    ],
)
def test_what_does_not_go_together_is_said_in_both_languages(settings, en, zh):
    """Settings that contradict each other are refused, in English and in Chinese."""
    with pytest.raises(ValidationError) as caught:
        link(**settings)
    (error,) = caught.value.errors()
    assert en in error["msg"]
    assert any(each in error["ctx"]["zh"] for each in zh.split("|"))


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"host": "10.0.0.5"}, "modbus://10.0.0.5:502"),
        ({"host": "fe80::1"}, "modbus://[fe80::1]:502"),
        ({"host": "10.0.0.5", "framing": "rtu"}, "modbus+rtu://10.0.0.5:502"),
        ({"host": "10.0.0.5", "network": "udp"}, "modbus+udp://10.0.0.5:502"),
        ({"host": "10.0.0.5", "network": "tls"}, "modbus+tls://10.0.0.5:802"),
        ({"serial": "/dev/ttyUSB0"}, "serial:///dev/ttyUSB0"),
        ({"listen": "0.0.0.0:5020"}, "listen://0.0.0.0:5020"),
        ({"listen": "[::]:5020"}, "listen://[::]:5020"),
        ({"listen": "0.0.0.0:5020", "registration": "DTU-7"}, "listen://0.0.0.0:5020#DTU-7"),
        (
            {"listen": "0.0.0.0:5020", "registration": "hex:01ff"},
            "listen://0.0.0.0:5020#hex:01ff",
        ),
    ],
)
def test_a_link_reads_as_an_address(settings, text):
    """A link prints as a person would write it."""
    assert str(link(**settings)) == text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"baud": 9600}, {"baud": 19200}),
        ({"parity": "even"}, {}),
        ({"stop_bits": 2}, {}),
        ({"framing": "ascii"}, {}),
        ({"close_after_poll": True}, {}),
        ({"pause_after_connect_s": 1}, {}),
    ],
)
def test_a_contradiction_on_one_wire_is_seen(one, other):
    """Devices that name the same port with other parameters read the same and are not equal."""
    first, second = link(serial="/dev/ttyUSB0", **one), link(serial="/dev/ttyUSB0", **other)
    assert str(first) == str(second)
    assert first != second


def test_what_a_device_asks_for_itself_does_not_part_a_link():
    """Units, timeouts, and whatever else is a device's own, leave the link the same."""
    one = link(serial="/dev/ttyUSB0", unit=1, timeout_s=1, late_s=5, connect_timeout_s=1)
    other = link(serial="/dev/ttyUSB0", unit=2, timeout_s=2, late_s=9, connect_timeout_s=2)
    assert one == other
    assert hash(one) == hash(other)


def test_tls_files_belong_to_the_link():
    """Two certificates are two links."""
    settings = {"host": "a", "network": "tls"}
    assert link(**settings, tls_ca=Path("a.pem")) != link(**settings, tls_ca=Path("b.pem"))


@pytest.mark.parametrize("model", [ModbusConfig, ProbeRegister])
def test_every_setting_has_a_sentence_in_chinese(model):
    """What a setting means is told in both languages."""
    for name, field in model.model_fields.items():
        assert field.description, name
        assert field.json_schema_extra["zh"].endswith("。"), name
