"""What every section of the configuration is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, TypeVar

from drivers.api.shape import BaseModel, ConfigDict, StringConstraints

Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
"""An id that may stand in an MQTT topic."""

MetricName = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+){0,6}$", max_length=128)
]
"""A metric name: lower case, digits, underscores, at most seven levels joined by dots."""


class Section(BaseModel):
    """Base of every section: unknown keys are errors, values never change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


SectionT = TypeVar("SectionT", bound=Section)


@dataclass(frozen=True, slots=True)
class Packing:
    """Makes thousands of sections of one kind small: what is equal in them is kept once.

    A point of a table takes 0.5 KB instead of 0.8, and machines of one kind share its texts.
    """

    texts: dict[str, str] = field(default_factory=dict)
    stated: dict[frozenset[str], set[str]] = field(default_factory=dict)
    """Which keys were written, as pydantic keeps them."""

    def packed(self, section: SectionT) -> SectionT:
        """Give an equal section; its attributes are set one by one, so that keys are shared."""
        small = section.__class__.__new__(section.__class__)
        for name, value in section.__dict__.items():
            kept = self.texts.setdefault(value, value) if type(value) is str else value
            object.__setattr__(small, name, kept)
        stated = section.model_fields_set
        kept_stated = self.stated.setdefault(frozenset(stated), stated)
        object.__setattr__(small, "__pydantic_fields_set__", kept_stated)
        object.__setattr__(small, "__pydantic_extra__", None)
        object.__setattr__(small, "__pydantic_private__", None)
        return small
