"""What models of settings are made of: pydantic where settings are read, plain classes elsewhere.

A gateway reads its settings once and runs by them for months; pydantic would stay for it, a
quarter of its memory. So `chulian run` has another process read them, and there the same class
bodies make plain classes (`drivers.api.plain`). In every other process this is pydantic itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drivers.reads import reads_settings

if TYPE_CHECKING or reads_settings():
    from pydantic import (
        BaseModel,
        ConfigDict,
        Field,
        SecretStr,
        StringConstraints,
        ValidationError,
        field_validator,
        model_validator,
    )
    from pydantic_core import PydanticCustomError
else:
    from drivers.api.plain import (
        BaseModel,
        ConfigDict,
        Field,
        PydanticCustomError,
        SecretStr,
        StringConstraints,
        ValidationError,
        field_validator,
        model_validator,
    )

__all__ = [
    "BaseModel",
    "ConfigDict",
    "Field",
    "PydanticCustomError",
    "SecretStr",
    "StringConstraints",
    "ValidationError",
    "field_validator",
    "model_validator",
    "restored",
    "secret",
]


def restored(model: type[BaseModel], names: tuple[str, ...], values: tuple[Any, ...]) -> BaseModel:
    """Give a section that was validated elsewhere, by the values of its fields."""
    return model.model_construct(**dict(zip(names, values, strict=True)))


def secret(text: str) -> SecretStr:
    """Give a secret that was read elsewhere."""
    return SecretStr(text)
