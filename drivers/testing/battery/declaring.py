"""Points 1, 16 and 17: what a driver says of itself before it runs."""

from __future__ import annotations

import csv
import importlib
import inspect
import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args, get_origin

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

from drivers.api import API_VERSION, HOST_KEYS, DataType, DeviceConfig, Polls, Subscribes, Tag
from drivers.testing.case import SECRET
from drivers.testing.expect import require
from drivers.testing.stage import DEVICE, GROUP, scenario

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drivers.testing.case import Case

_GROUP = "chulian.drivers"
_SECRET_WORDS = ("password", "passphrase", "secret", "token")
_FILES = ("README.md", "README.zh-CN.md", "sample.yaml", "points.csv")
_IMPORT_S = 30


class Declaring:
    """A driver's declarations agree with each other and with what is installed."""

    case: ClassVar[Case]

    def test_01_name_is_literal_and_entry_point(self) -> None:
        """The driver's name, the Literal of its config and its entry point are one word."""
        driver = self.case.driver
        annotation = driver.config.model_fields["driver"].annotation
        literal = get_args(annotation) if get_origin(annotation) is Literal else annotation
        require(
            literal == (driver.name,), f"config.driver is {literal}, not Literal[{driver.name!r}]"
        )
        if not self.case.installed:
            return
        found = [point.value for point in entry_points(group=_GROUP, name=driver.name)]
        require(
            found == [self.case.reference],
            f"entry point {driver.name!r} of {_GROUP} gives {found}, not {self.case.reference!r}",
        )

    def test_01_reference_is_the_driver(self) -> None:
        """The reference of the case names the very driver object under test."""
        module, _, attribute = self.case.reference.partition(":")
        found = getattr(importlib.import_module(module), attribute)
        require(found is self.case.driver, f"{self.case.reference} is not the driver of the case")

    def test_01_built_for_this_api(self) -> None:
        """The driver was built for this major version of the contract, and none to come."""
        major, minor = self.case.driver.api_version
        require(
            major == API_VERSION[0] and minor <= API_VERSION[1],
            f"api_version is {(major, minor)}, the contract's is {API_VERSION}",
        )

    def test_01_session_gives_data(self) -> None:
        """Sessions read or subscribe, told by the protocols their class satisfies."""
        session = self.case.driver.session
        require(inspect.isclass(session), f"session is {session!r}, not a class")
        require(
            issubclass(session, Polls) or issubclass(session, Subscribes),
            f"{session.__name__} neither reads nor subscribes: it gives no data",
        )

    def test_01_fields_are_described_and_free(self) -> None:
        """Every field of the config has a description, and none bears a key of the host."""
        fields = self.case.driver.config.model_fields
        require(issubclass(self.case.driver.config, DeviceConfig), "config is no DeviceConfig")
        bare = sorted(name for name, field in fields.items() if not field.description)
        require(not bare, f"fields without a description: {bare}")
        taken = sorted(HOST_KEYS & fields.keys())
        require(not taken, f"fields that bear a key of the host: {taken}")

    @scenario
    async def test_01_extra_keys_are_refused(self) -> None:
        """A config is frozen and refuses keys it does not know."""
        config = await self.case.start()
        settings = _settings(config)
        require(
            self.case.driver.config.model_validate(settings) == config,
            "a config rebuilt from its own settings is another",
        )
        require(_refuses(config, "no_such_key"), "the config takes a key it does not know")
        require(config.model_config.get("frozen"), "the config can be changed: keep `frozen`")

    @scenario
    async def test_01_secrets_are_masked(self) -> None:
        """Nothing a person or a log may see of a config or a link holds a secret."""
        case = self.case
        secretive = {
            name
            for name, field in case.driver.config.model_fields.items()
            if any(word in name for word in _SECRET_WORDS)
            and field.annotation is not bool
            and "Secret" not in str(field.annotation)
        }
        require(not secretive, f"fields that should be SecretStr: {sorted(secretive)}")
        settings = _settings(await case.start()) | dict(case.secret_settings)
        config = case.driver.config.model_validate(settings)
        link = case.driver.link(config)
        printed = (repr(config), str(config), config.model_dump_json(), repr(link), str(link))
        shown = [text for text in printed if SECRET in text]
        require(not shown, f"a secret is printed: {shown}")

    def test_16_driver_never_imports_the_agent(self) -> None:
        """Importing the driver loads neither the agent nor what it promises to go without."""
        module = self.case.reference.partition(":")[0]
        code = f"import sys, {module}; print(*sys.modules)"
        done = subprocess.run(  # noqa: S603 - our own interpreter on our own module
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            check=False,
            text=True,
            timeout=_IMPORT_S,
        )
        require(done.returncode == 0, f"import {module} failed alone: {done.stderr[-800:]}")
        loaded = set(done.stdout.split())
        heavy = sorted(loaded & {"agent", *self.case.light_without})
        require(not heavy, f"import {module} loads {heavy}")

    def test_17_driver_is_shipped_whole(self) -> None:
        """Both READMEs lie beside the driver, and its sample and point table load and plan."""
        case = self.case
        if not case.shipped:
            pytest.skip("the case says the driver is not shipped (a test's own)")
        module = importlib.import_module(case.reference.partition(":")[0])
        folder = Path(str(module.__file__)).parent
        missing = [name for name in _FILES if not (folder / name).is_file()]
        require(not missing, f"missing beside {module.__name__}: {missing}")
        config = _sample_config(case.driver.config, folder / "sample.yaml")
        tags = _table_tags(folder / "points.csv")
        plan = case.driver.plan(config, tags, device=DEVICE, group=GROUP)
        require(tags and len(plan.tags) == len(tags), "points.csv holds no tags")


def _refuses(config: DeviceConfig, key: str) -> bool:
    try:
        type(config).model_validate(_settings(config) | {key: 1})
    except ValidationError:
        return True
    return False


def _settings(config: DeviceConfig) -> dict[str, Any]:
    return config.model_dump(exclude_unset=True) | {"driver": config.driver}


def _sample_config(model: type[DeviceConfig], path: Path) -> DeviceConfig:
    """Load the device of a sample: a device's keys, or a file with a list of `devices`."""
    loaded = YAML(typ="safe").load(path)
    devices: list[Mapping[str, Any]] = loaded.get("devices", [loaded])
    mine = [device for device in devices if device.get("driver") == _literal(model)]
    require(mine, f"{path.name} holds no device with driver {_literal(model)!r}")
    return model.model_validate({k: v for k, v in mine[0].items() if k not in HOST_KEYS})


def _literal(model: type[DeviceConfig]) -> str:
    return str(get_args(model.model_fields["driver"].annotation)[0])


def _table_tags(path: Path) -> list[Tag]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    missing = {"name", "address"} - set(rows[0] if rows else ())
    require(not missing, f"{path.name} lacks the columns {sorted(missing)}")
    return [
        Tag(row["name"], row["address"], DataType(row.get("type") or DataType.AUTO)) for row in rows
    ]
