"""The JSON Schema of the whole configuration file, for editors and other programs.

Guarantees: built from the same models that check a file; each driver's own keys stand in its
branch of a device, told apart by `driver`. What a template may supply is not required.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic.json_schema import models_json_schema

from agent.config.fields import CHINESE
from agent.config.model import AgentConfig
from agent.telemetry.status import Message

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.registry import Registry
    from drivers.api import DeviceConfig, Driver

DIALECT = "https://json-schema.org/draft/2020-12/schema"
"""The dialect of the schema."""

_REF = "#/$defs/"
_TITLE = Message(en="Configuration of the Chulian edge agent.", zh="楚联边缘采集代理的配置。")


def build_schema(registry: Registry, *, lang: str = "en") -> dict[str, Any]:
    """Give the schema with every usable driver of the registry; descriptions in `lang`.

    Raises:
        Unusable: a driver cannot be loaded.
    """
    drivers = {name: registry.get(name) for name in registry.names()}
    models: list[Any] = [(AgentConfig, "validation")]
    models += [(driver.config, "validation") for driver in drivers.values()]
    _, schema = models_json_schema(models, ref_template=f"{_REF}{{model}}")
    defs: dict[str, Any] = schema["$defs"]
    if lang == "zh":
        _speak_chinese(defs)
    device = defs["DeviceEntry"]
    branches = {name: _branch(device, defs[driver.config.__name__], driver)
                for name, driver in drivers.items()}  # fmt: skip
    for driver in drivers.values():
        defs.pop(driver.config.__name__, None)
    for name, branch in branches.items():
        defs[f"Device-{name}"] = branch
    defs["DeviceEntry"] = _device(device, list(branches))
    defs["TagEntry"]["required"] = ["name"]  # the rest may come from a template
    root = defs.pop("AgentConfig")
    root |= {"title": "Chulian", "description": _TITLE.text(lang)}
    return {"$schema": DIALECT, **root, "$defs": dict(sorted(defs.items()))}


def _branch(
    device: Mapping[str, Any], config: Mapping[str, Any], driver: Driver[Any, Any, Any]
) -> dict[str, Any]:
    """Give one driver's device: the host's keys and the driver's."""
    settings = {**config["properties"], "driver": {"const": driver.name}}
    return {
        "title": f"Device ({driver.name})",
        "type": "object",
        "additionalProperties": False,
        "properties": {**device["properties"], **settings},
        "required": ["id", "driver"],
        "anyOf": [{"required": _required(driver.config)}, {"required": ["template"]}],
    }


def _required(config: type[DeviceConfig]) -> list[str]:
    return [name for name, field in config.model_fields.items() if field.is_required()]


def _device(device: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    """Give the union of all drivers; without `driver` a template must supply it."""
    from_template = {
        "title": "Device (driver named by its template)",
        "type": "object",
        "properties": {
            key: value for key, value in device["properties"].items() if key != "driver"
        },
        "required": ["id", "template"],
        "not": {"required": ["driver"]},
    }
    return {
        "title": device["title"],
        "description": device["description"],
        "discriminator": {
            "propertyName": "driver",
            "mapping": {name: f"{_REF}Device-{name}" for name in names},
        },
        "oneOf": [*({"$ref": f"{_REF}Device-{name}"} for name in names), from_template],
    }


def _speak_chinese(defs: Mapping[str, Any]) -> None:
    for model, schema in defs.items():
        for key, one in schema.get("properties", {}).items():
            chinese = CHINESE.get(f"{model}.{key}", one.get("zh"))
            if chinese:
                one["description"] = chinese
