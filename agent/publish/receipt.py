"""The shape of a receipt of the platform, checked to the letter: it decides what leaves the store.

Always pydantic, also where settings are plain (`drivers.api.shape`): what comes over the net is
validated where it arrives. Only gateways with such a platform import this.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

_Number = Annotated[int, Field(ge=0, le=2**53 - 1)]
_Span = tuple[_Number, _Number]


class Refused(BaseModel):
    """A row that the platform refuses for good."""

    model_config = ConfigDict(strict=True, frozen=True)

    seq: _Number
    code: int = Field(0, ge=0, le=255)
    reason: str = Field("RefusedByPlatform", min_length=1, max_length=64)


class Receipt(BaseModel):
    """One message on `ack`; unknown fields are ignored."""

    model_config = ConfigDict(strict=False, frozen=True)

    ep: str = Field(pattern=r"^[0-9A-Z]{10,26}$")
    seq: _Number | None = None
    ok: tuple[_Span, ...] = Field((), max_length=1000)
    rej: tuple[Refused, ...] = Field((), max_length=1000)
    want: tuple[_Span, ...] = Field((), max_length=16)


def parsed(payload: bytes) -> Receipt | str:
    """Give the receipt in a message, or what is wrong with it."""
    try:
        return Receipt.model_validate_json(payload)
    except ValidationError as error:
        return error.errors()[0]["msg"]
