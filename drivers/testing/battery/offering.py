"""Points 20 to 22: what plans and drivers may offer beyond reading is true where it is offered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from drivers.api import AddressError, DriverError, Expands, Explains, Learns
from drivers.testing.expect import Violation, require
from drivers.testing.stage import Stage, require_values, scenario

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers.api import Tag
    from drivers.testing.case import Case

_NONSENSE = ("{", "null", "[1]", '"x"', '{"never": "heard of"}', "\x00\ud7ff", "9" * 5000)
_SLIPS = (
    DriverError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RuntimeError,
)  # fmt: skip
"""What careless reading of a text raises."""


class Offering:
    """Explaining, learning and expanding, each where there is such."""

    case: ClassVar[Case]

    @scenario
    async def test_20_explained_requests_serve_every_tag(self) -> None:
        """A plan that explains itself shows as many requests as it makes, for all of its tags."""
        config = await self.case.start()
        plan = Stage.at(self.case, config, list(self.case.expected)).plan
        if not isinstance(plan, Explains):
            pytest.skip("plans do not explain themselves")
        shown = plan.explain()
        require(len(shown) == plan.requests, f"shows {len(shown)} requests of {plan.requests}")
        for one in shown:
            require(one.what and one.what.isprintable(), f"a request shows as {one.what!r}")
            require(one.unasked >= 0, f"{one.what}: {one.unasked} addresses read along")
            lasts = one.duration_s is None or 0 < one.duration_s < float("inf")
            require(lasts, f"{one.what}: takes {one.duration_s} s")
        served = {name for one in shown for name in one.tags}
        asked = {tag.name for tag in plan.tags}
        require(served == asked, f"requests serve {served ^ asked} too many or too few")

    @scenario
    async def test_21_lessons_outlive_a_plan(self) -> None:
        """Lessons of a plan that was read can be recalled by its twin, which then reads as well."""
        stage = await Stage.set_up(self.case)
        fresh = _learning(stage)
        require(not fresh.lessons, f"a new plan has learned {fresh.lessons!r} already")
        async with stage.open() as session:
            await stage.current(session)
        twin = Stage.at(self.case, stage.config, list(stage.plan.tags))
        learned = fresh.lessons
        _learning(twin).recall(learned)
        kept = _learning(twin).lessons
        require(kept == learned, f"recalled {learned!r}, and knows {kept!r}")
        async with twin.open() as session:
            require_values(await twin.current(session), stage.expects(), doing="a recalled plan")

    @scenario
    async def test_21_nonsense_is_not_recalled(self) -> None:
        """Lessons that cannot be understood are dropped; values are right as before."""
        stage = await Stage.set_up(self.case)
        plan = _learning(stage)
        for text in ("", *_NONSENSE):
            try:
                plan.recall(text)
            except _SLIPS as error:
                raise Violation(f"recalling {text[:40]!r} raised {error!r}") from error
        async with stage.open() as session:
            seen = await stage.current(session)
        require_values(seen, stage.expects(), doing="a plan that was told nonsense")

    @scenario
    async def test_22_expanded_tags_are_plain(self) -> None:
        """An array becomes tags named after it that can be planned; a single value stays."""
        expands: Any = self.case.driver
        if not isinstance(expands, Expands):
            pytest.skip("the driver has no arrays")
        config = await self.case.start()
        for tag in self.case.expected:
            require(list(expands.expand(tag)) == [tag], f"{tag.name}: one value, yet expanded")
        if self.case.array is None:
            pytest.skip("the case gives no array")
        array, count = self.case.array
        elements = list(expands.expand(array))
        require(len(elements) == count, f"{array.address}: {len(elements)} values, not {count}")
        _require_plain(expands, elements, array)
        Stage.at(self.case, config, elements)

    @scenario
    async def test_22_malformed_addresses_expand_to_no_others(self) -> None:
        """A malformed address is left to the plan, or refused by an AddressError."""
        expands: Any = self.case.driver
        if not isinstance(expands, Expands):
            pytest.skip("the driver has no arrays")
        for tag in self.case.malformed:
            try:
                seen = list(expands.expand(tag))
            except AddressError:
                continue
            require(seen == [tag], f"{tag.address!r} became {seen}")


def _learning(stage: Stage) -> Learns:
    plan: Any = stage.plan
    if not isinstance(plan, Learns):
        pytest.skip("plans do not learn")
    return plan


def _require_plain(expands: Expands, elements: Sequence[Tag], array: Tag) -> None:
    names = {element.name for element in elements}
    require(len(names) == len(elements), f"{array.name}: two elements of one name")
    for element in elements:
        require(element.name.startswith(f"{array.name}."), f"{element.name}: not named after it")
        require(list(expands.expand(element)) == [element], f"{element.name}: is an array again")
