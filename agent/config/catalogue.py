"""The text of every problem, by code, in English and Chinese.

Stable: a code keeps its meaning for ever; a retired code is not used again. Braces are filled by
`agent.config.problems.problem`; `{seen}` is what stood in the file. Documented in docs/errors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.config.texts_derived import DERIVED
from agent.config.texts_device import DRIVERS, SECRETS, TABLES, WARNINGS
from agent.config.texts_file import FILE, REFERENCES, SHAPE
from agent.config.texts_ledger import LEDGER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.config.texts import Entry

CATALOGUE: Mapping[str, Entry] = (
    FILE | SHAPE | REFERENCES | DRIVERS | TABLES | SECRETS | WARNINGS | LEDGER | DERIVED
)  # fmt: skip
"""Every code and its texts."""
