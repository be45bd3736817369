"""The base of every driver's configuration model.

A device's keys in the agent's file are the host's (id, name, groups, tags, ...) plus the fields of
the driver's own model. A driver's field may not bear a name in `HOST_KEYS`.
"""

from __future__ import annotations

from typing import Annotated

from drivers.api.shape import BaseModel, ConfigDict, Field

HOST_KEYS = frozenset(
    {
        "id", "name", "enabled", "template", "groups", "tags", "points", "workshop", "line",
        "description", "history", "computed", "states", "compress", "oee",
    }
)  # fmt: skip
"""Keys of a device that belong to the host; no driver model may use one."""

Seconds = Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)]
"""A time span in seconds, above 0, an hour at most."""

Port = Annotated[int, Field(ge=1, le=65535)]
"""A TCP port."""


class DeviceConfig(BaseModel):
    """What a driver must know to reach one device; subclassed by each driver.

    The subclass narrows `driver` to a Literal of its own name, equal to its entry point, and gives
    no default: a device always names its driver.
    Every field has a description; secrets are `pydantic.SecretStr`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    driver: str = Field(description="Name of the driver, as its entry point is called.")
