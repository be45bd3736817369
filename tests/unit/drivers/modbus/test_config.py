"""Settings, links and what ships beside the driver."""

from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import ValidationError

from drivers.modbus import DRIVER, ModbusConfig


def config(**settings):
    """Make a config with little said."""
    return ModbusConfig(**{"driver": "modbus", "host": "10.0.0.5"} | settings)


def test_a_host_is_enough():
    """Everything but the host has a default that a plain device accepts."""
    made = config()
    assert (made.unit, made.timeout_s, made.max_registers) == (1, 1.0, 125)
    assert DRIVER.link(made).port == 502
    assert (made.max_gap, made.transaction_ids) == (None, "strict")


@pytest.mark.parametrize(
    "wrong",
    [
        {"host": ""},
        {"host": "http://10.0.0.5"},
        {"host": "10.0.0.5 10.0.0.6"},
        {"host": "user@10.0.0.5"},
        {"port": 0},
        {"unit": 256},
        {"unit": -1},
        {"timeout_s": 0},
        {"timeout_s": float("inf")},
        {"max_registers": 126},
        {"max_bits": 2001},
        {"max_gap": -1},
        {"word_order": "middle"},
        {"transaction_ids": True},
        {"pause_between_s": -1},
        {"slave": 1},
    ],
)
def test_wrong_settings_are_refused(wrong):
    """A setting out of range or unknown is an error, not a guess."""
    with pytest.raises(ValidationError):
        config(**wrong)


def test_units_and_timeouts_do_not_part_a_link():
    """Devices at the same host and port share a link, whatever their units and patience."""
    one = DRIVER.link(config(unit=1, connect_timeout_s=1))
    other = DRIVER.link(config(unit=2, connect_timeout_s=9, host=" 10.0.0.5 "))
    assert one == other
    assert hash(one) == hash(other)
    assert DRIVER.link(config(port=503)) != one


def test_a_host_name_has_no_case():
    """The same name in capitals is the same link."""
    assert DRIVER.link(config(host="PLC-1")) == DRIVER.link(config(host="plc-1"))


def test_importing_the_driver_is_light():
    """No protocol library is loaded before a device is asked who it is."""
    code = (
        "import sys, drivers.modbus;"
        "heavy = {'pymodbus', 'asyncua', 'paho', 'serial', 'agent'} & set(sys.modules);"
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, timeout=30)
    assert done.returncode == 0


def test_without_ids_and_units_a_device_has_its_link_to_itself():
    """Two units whose answers bear neither id nor unit are a contradiction on one link."""
    one, other = (config(unit=unit, transaction_ids="off") for unit in (1, 2))
    links = [DRIVER.link(each) for each in (one, other, config(unit=2))]
    assert len({str(link) for link in links}) == 1
    assert len(set(links)) == 3
    assert DRIVER.link(one) == DRIVER.link(config(unit=1, transaction_ids="off"))
