"""The page on the simulators names every personality, in both languages."""

from pathlib import Path

import pytest

from simulators.modbus.personalities import PERSONALITIES

DOCS = Path(__file__).parents[4] / "docs"


@pytest.mark.parametrize(
    ("page", "language"), [("simulators.md", "en"), ("simulators.zh-CN.md", "zh")]
)
def test_every_personality_is_documented_as_it_is(page, language):
    """Each personality has a row with its usual value and what it does."""
    lines = (DOCS / page).read_text("utf-8").splitlines()
    for personality in PERSONALITIES.values():
        value = f":{personality.default}" if personality.default else ""
        what = personality.zh if language == "zh" else personality.en
        assert f"| `{personality.name}{value}` | {what} |" in lines
