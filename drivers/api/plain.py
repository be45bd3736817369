"""Plain classes made by the class bodies of pydantic models; they hold values and check none.

What is said of a field beyond its default is left aside, so are validators. Instances come from a
process that has validated them; they never change, compare by value, and give themselves as JSON
types exactly as pydantic does. `model_validate` puts back what such a process has written down.
"""

from __future__ import annotations

from datetime import date
from enum import Enum
from pathlib import PurePath
from types import NoneType
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from typing import Self

_MASK = "**********"
_PLAIN = (str, bool, int, float)


class ValidationError(ValueError):
    """What was written down does not fit the model."""


class PydanticCustomError(ValueError):
    """A refusal in a validator; none runs here."""


class SecretStr:
    """A text that shows itself to nobody who does not ask for it by name."""

    def __init__(self, text: str) -> None:
        self._text = text

    def get_secret_value(self) -> str:
        """Give the text."""
        return self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretStr) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __len__(self) -> int:
        return len(self._text)

    def __str__(self) -> str:
        return _MASK if self._text else ""

    def __repr__(self) -> str:
        return f"SecretStr({str(self)!r})"


class FieldInfo:
    """What is kept of a field: its default."""

    def __init__(
        self, default: Any = ..., *, default_factory: Callable[[], Any] | None = None
    ) -> None:
        self.default = default
        self.default_factory = default_factory

    def value(self) -> Any:
        """Give the default; ... where there is none."""
        return self.default if self.default_factory is None else self.default_factory()


def Field(  # noqa: N802 - as pydantic calls it
    default: Any = ..., *, default_factory: Callable[[], Any] | None = None, **_said: Any
) -> Any:
    """Take a field's default, and leave aside what else is said of it."""
    return FieldInfo(default, default_factory=default_factory)


def ConfigDict(**said: Any) -> dict[str, Any]:  # noqa: N802 - as pydantic calls it
    """Give what is said of a model."""
    return said


def StringConstraints(**said: Any) -> tuple[str, ...]:  # noqa: N802 - as pydantic calls it
    """Give what of a text is asked; annotations that hold it must be hashable."""
    return tuple(said)


def field_validator(*_fields: str, **_said: Any) -> Callable[[Any], Any]:
    """Leave a validator as it is: nobody calls it here."""
    return lambda method: method


def model_validator(**_said: Any) -> Callable[[Any], Any]:
    """Leave a validator as it is: nobody calls it here."""
    return lambda method: method


class _Maker(type):
    """Gives each model a slot per field, and keeps the defaults beside."""

    def __new__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> _Maker:
        fields: dict[str, Any] = {}
        for base in reversed(bases):
            fields |= getattr(base, "model_fields", {})
        own = [key for key, said in body.get("__annotations__", {}).items() if _is_field(key, said)]
        own_slots = tuple(key for key in own if key not in fields)
        body["__slots__"] = own_slots if bases else ("__dict__", "__weakref__")
        fields |= {key: _as_field(body.pop(key, ...)) for key in own}
        body["model_fields"] = fields
        return super().__new__(cls, name, bases, body)


def _is_field(name: str, annotation: Any) -> bool:
    return not name.startswith("_") and name != "model_config" and "ClassVar" not in str(annotation)


def _as_field(said: Any) -> FieldInfo:
    """Give what is kept of a field, also where a driver says it with pydantic's own `Field`."""
    if isinstance(said, FieldInfo):
        return said
    if not hasattr(said, "default_factory"):
        return FieldInfo(said)
    none = type(said.default).__name__ == "PydanticUndefinedType"  # pydantic is not imported here
    return FieldInfo(... if none else said.default, default_factory=said.default_factory)


class BaseModel(metaclass=_Maker):
    """A section: the values of its fields, which never change."""

    if TYPE_CHECKING:
        model_fields: dict[str, FieldInfo]

    def __init__(self, **values: Any) -> None:
        for name, field in type(self).model_fields.items():
            value = values.pop(name) if name in values else _default(field)
            if value is ...:
                raise ValidationError(f"{type(self).__name__}: {name} is missing")
            object.__setattr__(self, name, value)
        if values:
            raise ValidationError(f"{type(self).__name__}: unknown: {', '.join(values)}")

    @classmethod
    def model_construct(cls, **values: Any) -> Self:
        """Give a section of values that were validated elsewhere."""
        return cls(**values)

    @classmethod
    def model_validate(cls, document: Any) -> Self:
        """Put a section back that was written down as JSON types.

        Raises:
            ValidationError: it has not the shape of the model.
        """
        if not isinstance(document, dict):
            raise ValidationError(f"{cls.__name__}: an object is needed, not {document!r:.50}")
        hints = get_type_hints(cls)
        unknown = document.keys() - cls.model_fields.keys()
        if unknown:
            raise ValidationError(f"{cls.__name__}: unknown: {', '.join(sorted(unknown))}")
        return cls(**{key: _taken(hints[key], value) for key, value in document.items()})

    def model_copy(self, *, update: Mapping[str, Any] | None = None) -> Self:
        """Give a section with some values replaced."""
        return type(self)(**dict(_items(self)) | dict(update or {}))

    def model_dump(
        self,
        *,
        mode: str = "python",
        include: Collection[str] | None = None,
        exclude: Collection[str] = (),
        exclude_defaults: bool = False,
    ) -> dict[str, Any]:
        """Give the values by name; with mode json as JSON types.

        Raises:
            TypeError: fields of fields are to be chosen; only names are understood here.
        """
        if isinstance(include, dict) or isinstance(exclude, dict):
            raise TypeError("include and exclude are names of fields here, not a mapping")
        found: dict[str, Any] = {}
        for name, field in type(self).model_fields.items():
            if (include is not None and name not in include) or name in exclude:
                continue
            value = getattr(self, name)
            if not (exclude_defaults and value == _default(field)):
                found[name] = _given(value, mode=mode, exclude_defaults=exclude_defaults)
        return found

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} does not change: {name}")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and _items(self) == _items(other)

    def __hash__(self) -> int:
        return hash((type(self), *(value for _, value in _items(self))))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in _items(self))})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (type(self), dict(_items(self)))


def _again(model: type[BaseModel], values: dict[str, Any]) -> BaseModel:
    return model(**values)


def _items(section: object) -> list[tuple[str, Any]]:
    return [(name, getattr(section, name)) for name in type(section).model_fields]  # type: ignore[attr-defined]


def _default(field: Any) -> Any:
    return field.default if field.default_factory is None else field.default_factory()


def _given(value: Any, *, mode: str, exclude_defaults: bool) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode=mode, exclude_defaults=exclude_defaults)
    if isinstance(value, dict):
        return {
            _given(key, mode=mode, exclude_defaults=exclude_defaults): _given(
                one, mode=mode, exclude_defaults=exclude_defaults
            )
            for key, one in value.items()
        }
    if isinstance(value, (tuple, list)):
        found = [_given(one, mode=mode, exclude_defaults=exclude_defaults) for one in value]
        return found if mode == "json" else type(value)(found)
    return value if mode != "json" else _json(value)


def _json(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, (PurePath, SecretStr)) else value


def _taken(hint: Any, value: Any) -> Any:
    """Give a value of JSON as the annotation has it."""
    try:
        return _made(hint, value)
    except (TypeError, ValueError) as error:
        raise ValidationError(str(error)) from error


def _made(hint: Any, value: Any) -> Any:
    parts = get_args(hint)
    if NoneType in parts:
        return None if value is None else _made(parts[0], value)
    if get_origin(hint) is tuple and isinstance(value, list):
        return tuple(_made(parts[0], one) for one in value)
    if isinstance(hint, type) and issubclass(hint, (BaseModel, Enum)):
        return hint.model_validate(value) if issubclass(hint, BaseModel) else hint(value)
    if hint is date:
        return date.fromisoformat(value)
    if hint is float and type(value) is int:
        return float(value)
    if hint in _PLAIN and type(value) is hint:
        return value
    raise TypeError(f"{value!r:.50} is no {getattr(hint, '__name__', hint)}")
