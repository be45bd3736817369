"""A driver shipped with its READMEs, sample and point table passes point 17, and only so."""

import pytest
from pydantic import ValidationError
from unit.drivers.testing.scripted_cases import ScriptedCase

from drivers.api import AddressError
from drivers.testing.conformance import Conformance, Violation

FILES = {
    "__init__.py": "from drivers.testing.scripted import DRIVER",
    "README.md": "# Acme",
    "README.zh-CN.md": "# Acme",
    "sample.yaml": "devices:\n  - {id: m, driver: scripted, wire: w, timeout_s: 2}\n",
    "points.csv": "name,address,type\nspindle.speed,speed,float64\n",
}


@pytest.fixture
def judge(tmp_path, monkeypatch):
    """Judge a package that holds the files, some of them replaced."""
    monkeypatch.syspath_prepend(tmp_path)

    def run(name, **changed):
        (tmp_path / name).mkdir()
        for file, text in (FILES | changed).items():
            if text is not None:
                (tmp_path / name / file).write_text(text, encoding="utf-8")
        attributes = {"shipped": True, "reference": f"{name}:DRIVER"}
        case = type("Acme", (ScriptedCase,), attributes)()
        type("Judged", (Conformance,), {"case": case})().test_17_driver_is_shipped_whole()

    return run


def test_whole_driver_passes(judge):
    """All four files, loading and planning, are enough."""
    judge("acme_whole")


def test_single_device_sample_passes(judge):
    """A sample may be one device's keys, host keys among them."""
    judge("acme_single", **{"sample.yaml": "id: m\nname: 车床\ndriver: scripted\n"})


def test_missing_file_is_named(judge):
    """A driver without its Chinese README is not whole."""
    with pytest.raises(Violation, match=r"README\.zh-CN\.md"):
        judge("acme_missing", **{"README.zh-CN.md": None})


@pytest.mark.parametrize(
    ("name", "file", "text", "error"),
    [
        ("acme_other", "sample.yaml", "driver: modbus\n", Violation),
        ("acme_typo", "sample.yaml", "driver: scripted\ntimeot_s: 1\n", ValidationError),
        ("acme_empty", "points.csv", "name,address\n", Violation),
        ("acme_bare", "points.csv", "name\nspeed\n", Violation),
        ("acme_wrong", "points.csv", "name,address\nspeed,not one\n", AddressError),
    ],
)
def test_files_that_do_not_load_are_caught(judge, name, file, text, error):
    """A sample or point table that the driver itself refuses fails the point."""
    with pytest.raises(error):
        judge(name, **{file: text})
