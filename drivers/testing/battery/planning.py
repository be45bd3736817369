"""Point 2: planning is pure, deterministic, ordered, and names every bad address."""

from __future__ import annotations

import re
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

from drivers.api import AddressError
from drivers.testing.expect import Violation, require
from drivers.testing.stage import DEVICE, GROUP, Stage, scenario

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drivers.testing.case import Case

_HAN = re.compile(r"[\u4e00-\u9fff]")
_IO_EVENTS = ("socket.", "open", "subprocess.", "os.system", "os.exec", "os.posix_spawn")


class Planning:
    """A driver's `plan` and `link` compute, and do nothing else."""

    case: ClassVar[Case]

    @scenario
    async def test_02_plan_does_no_io(self) -> None:
        """Planning and linking touch no socket, file or process, before or after a first time."""
        config = await self.case.start()
        await self.case.stop()
        Stage.at(self.case, config, list(self.case.expected))
        with _no_io():
            Stage.at(self.case, config, list(self.case.expected))

    @scenario
    async def test_02_plan_keeps_the_tags_in_order(self) -> None:
        """A plan has the given tags in the given order, whatever order that is, and says whose."""
        config = await self.case.start()
        tags = list(self.case.expected)
        require(len(tags) > 1, "the case must expect two tags at least")
        for order in (tags, tags[::-1], tags[1:] + tags[:1]):
            plan = Stage.at(self.case, config, order).plan
            require(list(plan.tags) == order, f"plan has {list(plan.tags)}, given were {order}")
            require((plan.device, plan.group) == (DEVICE, GROUP), "plan names another group")
            require(
                plan.requests >= 1, f"a read of {len(tags)} tags takes {plan.requests} requests"
            )

    @scenario
    async def test_02_plan_is_deterministic(self) -> None:
        """Equal settings and tags give plans of as many requests, and equal links."""
        config = await self.case.start()
        twin = config.model_copy(deep=True)
        one, two = (Stage.at(self.case, each, list(self.case.expected)) for each in (config, twin))
        require(one.plan.requests == two.plan.requests, "the same tags take other requests")
        require(one.link == two.link, "equal configs give unequal links")
        require(hash(one.link) == hash(two.link), "equal links have unequal hashes")

    @scenario
    async def test_02_link_is_an_address_for_people(self) -> None:
        """A link prints as one short line."""
        config = await self.case.start()
        text = str(self.case.driver.link(config))
        short = text and len(text) <= 200 and text.isprintable()
        require(short, f"str(link) is {text!r}: one short line is due")

    @scenario
    async def test_02_bad_addresses_are_reported_together(self) -> None:
        """One AddressError names every bad address, and why, in English and Chinese."""
        case = self.case
        require(len(case.malformed) > 1, "the case must give two malformed addresses at least")
        config = await case.start()
        try:
            Stage.at(case, config, [*case.malformed, *case.expected])
        except AddressError as error:
            problems = {problem.tag: problem for problem in error.problems}
        else:
            raise Violation("plan() took malformed addresses")
        bad = {tag.name: tag.address for tag in case.malformed}
        named = {name: problem.address for name, problem in problems.items()}
        require(named == bad, f"AddressError names {named}, bad are {bad}")
        for name, problem in problems.items():
            require(problem.why, f"{name}: no reason in English (`why`)")
            require(_HAN.search(problem.why_zh), f"{name}: no reason in Chinese (`why_zh`)")


_watched = threading.local()


def _audit(event: str, args: tuple[object, ...]) -> None:
    if getattr(_watched, "on", False) and event.startswith(_IO_EVENTS):
        raise Violation(f"planning does I/O: {event} {args!r}")


@contextmanager
def _no_io() -> Iterator[None]:
    """Make every opening of a socket, file or process in this thread a violation."""
    if not hasattr(_no_io, "hooked"):
        # an audit hook cannot be taken out again; it is idle unless watched
        sys.addaudithook(_audit)
        _no_io.hooked = True  # type: ignore[attr-defined]  # remembers that there is one
    _watched.on = True
    try:
        yield
    finally:
        _watched.on = False
