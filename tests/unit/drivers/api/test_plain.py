"""Plain classes behave as pydantic's for what was validated before."""

from __future__ import annotations

import copy
import pickle
from datetime import date
from enum import StrEnum
from pathlib import Path

import pydantic
import pytest

from drivers.api import plain
from drivers.api.shape import restored


class Colour(StrEnum):
    """Something to choose from."""

    RED = "red"
    BLUE = "blue"


def models(lib):
    """Give the same two class bodies made by one library or the other."""

    class Inner(lib.BaseModel):
        model_config = lib.ConfigDict(extra="forbid", frozen=True)
        on: date = lib.Field(description="A day.")
        colour: Colour = lib.Field(Colour.RED, description="A colour.")

    class Outer(lib.BaseModel):
        model_config = lib.ConfigDict(extra="forbid", frozen=True)
        name: str = lib.Field(min_length=1, description="A name.")
        path: Path | None = lib.Field(None, description="A file.")
        inner: tuple[Inner, ...] = lib.Field((), description="Parts.")
        words: dict[str, Colour] = lib.Field(default_factory=dict, description="Words.")
        share: float = 0.5

        @lib.model_validator(mode="after")
        def _good(self):
            return self

        @property
        def loud(self) -> str:
            return self.name.upper()

    return Inner, Outer


def filled(lib):
    """Give an instance with a value of every kind."""
    inner, outer = models(lib)
    part = inner(on=date(2026, 11, 23), colour=Colour.BLUE)
    return outer(name="a", path=Path("/x"), inner=(part,), words={"k": Colour.RED})


@pytest.mark.parametrize("exclude_defaults", [False, True])
@pytest.mark.parametrize("include", [None, {"name", "inner"}])
def test_both_give_the_same_json_types(include, exclude_defaults):
    """What pydantic dumps for JSON, the plain class dumps too."""
    said = {"mode": "json", "include": include, "exclude_defaults": exclude_defaults}
    assert filled(plain).model_dump(**said) == filled(pydantic).model_dump(**said)


def test_a_copy_differs_in_what_was_updated_only():
    """`model_copy` replaces values and leaves the original as it was."""
    one = filled(plain)
    other = one.model_copy(update={"name": "b"})
    assert (one.name, other.name, other.loud, other.share) == ("a", "b", "B", 0.5)
    assert one != other
    assert one == one.model_copy()


def test_a_section_never_changes():
    """Setting a value is refused, as pydantic's frozen models refuse it."""
    with pytest.raises(AttributeError):
        filled(plain).name = "b"


def test_what_was_written_down_comes_back():
    """`model_validate` makes of the JSON types the section they were made of."""
    inner, _ = models(plain)
    one = inner(on=date(2026, 11, 23), colour=Colour.BLUE)
    globals()["Inner"] = inner  # annotations name it at module level, as in the program
    assert inner.model_validate(one.model_dump(mode="json")) == one


@pytest.mark.parametrize(
    "document",
    [{"on": "2026-13-01"}, {"on": 5}, {}, {"on": "2026-11-23", "x": 1}, [], {"on": None}],
)
def test_another_shape_is_refused(document):
    """A missing, unknown or unreadable value is an error, never a default."""
    inner, _ = models(plain)
    with pytest.raises(plain.ValidationError):
        inner.model_validate(document)


def test_a_secret_shows_itself_to_nobody():
    """Texts and dumps of a secret hold a mask; asked by name it gives itself."""
    one = plain.SecretStr("hush")
    assert "hush" not in f"{one} {one!r}"
    assert one.get_secret_value() == "hush"
    assert one == plain.SecretStr("hush")


def test_a_section_takes_no_dictionary():
    """Values stand in slots: a point of a table takes a fraction of what pydantic keeps."""
    one = filled(plain)
    assert not vars(one)
    assert pickle.loads(pickle.dumps(plain.SecretStr("x"))) == plain.SecretStr("x")


def test_a_choice_of_fields_of_fields_is_refused():
    """Where pydantic would drop one inner field, nothing is dropped as a whole without a word."""
    for said in ({"exclude": {"inner": {"on"}}}, {"include": {"inner": {"on"}}}):
        with pytest.raises(TypeError, match="names of fields"):
            filled(plain).model_dump(mode="json", **said)


def test_a_driver_may_use_pydantic_itself():
    """Fields, validators and nested models of pydantic's own stand in a plain class as they are."""

    class Axis(pydantic.BaseModel):
        number: int = pydantic.Field(0, alias="Nr")

    class Settings(plain.BaseModel):
        ports: int = pydantic.Field(ge=1)
        axes: tuple[Axis, ...] = pydantic.Field(default_factory=tuple)

        @pydantic.field_validator("ports")
        @classmethod
        def _never(cls, value):
            raise AssertionError(value)

        @pydantic.computed_field
        @property
        def twice(self) -> int:
            return 2 * self.ports

    axis = restored(Axis, ("number",), (7,))
    one = Settings(ports=3, axes=(axis,))
    assert (one.twice, one.axes[0].number, copy.deepcopy(one)) == (6, 7, one)
    assert Settings(ports=3).axes == ()
    with pytest.raises(plain.ValidationError, match="ports is missing"):
        Settings()
