"""How much memory the agent may take, as it stands in `agent.yaml`."""

from __future__ import annotations

from agent.config.section import Section
from drivers.api.shape import Field

LEAST_MB = 60
"""Below this not even an agent without points runs."""


class Memory(Section):
    """What the agent may take of this box."""

    max_mb: float | None = Field(
        None,
        ge=LEAST_MB,
        le=1_000_000,
        description="Above this the agent does without comfort; empty: 85 % of the container's.",
    )
