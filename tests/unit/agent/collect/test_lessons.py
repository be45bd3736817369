"""What plans learn outlives the program: handed back first, kept when changed, then forgotten."""

from __future__ import annotations

import asyncio

import pytest
from unit.agent.collect.machines import Shop, machine
from unit.agent.store.patience import until

from agent.collect import lessons as lessons_module
from agent.collect.lessons import LESSON_CHARS
from drivers.testing.scripted import ScriptedDriver, ScriptedPlan


class Learning(ScriptedPlan):
    """A plan that learns; notes what it is told and when it is first read."""

    def __init__(self, plan):
        super().__init__(plan.device, plan.group, plan.tags)
        object.__setattr__(self, "state", {"lessons": "", "recalled": None})

    @property
    def lessons(self):
        """Give what was learned."""
        return self.state["lessons"]

    def recall(self, lessons):
        """Take up what was learned before."""
        self.state["recalled"] = lessons
        self.state["lessons"] = lessons


class Shops(Shop):
    """A shop whose plans learn."""

    def _group(self, id_, config, name, kind):
        group = super()._group(id_, config, name, kind)
        object.__setattr__(group, "plan", Learning(group.plan))
        return group

    def plan(self, device):
        """Give a device's only plan."""
        return next(p for p in self.plans if p.id == device).groups[0].plan


@pytest.fixture(autouse=True)
def _often(monkeypatch):
    monkeypatch.setattr(lessons_module, "KEEP_EVERY_S", 0.02)


def kept(shop):
    """Give what was handed in, without the times."""
    return [r[:3] for r in shop.sink.lessons if r[1] or not r[2]]  # the rest are identities


async def test_lessons_come_back_before_the_first_read():
    """A plan has its kept lessons when the collector is built; what is unchanged is not kept."""
    shop = Shops({"a": machine(), "b": machine()}, lessons=[("a", "g", '{"max": 40}', 1)])
    assert shop.plan("a").state["recalled"] == '{"max": 40}'
    assert shop.plan("b").state["recalled"] is None
    async with shop:
        await shop.reads("a", 3)
    assert kept(shop) == []


async def test_what_is_learned_is_kept_once():
    """A changed text is handed in, not again and again, and the last one at the end."""
    async with Shops({"a": machine()}) as shop:
        await shop.reads("a", 1)
        shop.plan("a").state["lessons"] = "one"
        await until(lambda: kept(shop) == [("a", "g", "one")])
        await asyncio.sleep(0.06)
        shop.plan("a").state["lessons"] = "two"
        await shop.stop()
    assert kept(shop) == [("a", "g", "one"), ("a", "g", "two")]


async def test_lessons_of_what_is_gone_are_forgotten():
    """Groups and devices that are not configured any more leave the table; identities stay."""
    rows = [("a", "old", "x", 1), ("z", "g", "x", 1), ("z", "", "{}", 1), ("a", "", "{}", 1)]
    async with Shops({"a": machine()}, lessons=rows) as shop:
        await shop.reads("a", 1)
    assert set(kept(shop)) == {("a", "old", ""), ("z", "g", ""), ("z", "", "")}


async def test_a_lesson_that_is_too_long_is_not_kept(caplog):
    """The table is bounded; that something is not kept is told."""
    async with Shops({"a": machine()}) as shop:
        await shop.reads("a", 1)
        shop.plan("a").state["lessons"] = "x" * (LESSON_CHARS + 1)
        await until(lambda: kept(shop) == [("a", "g", "")])
    assert "too long" in caplog.text


async def test_plans_that_do_not_learn_cost_nothing():
    """Without a learning plan nothing is kept and nothing is looked at."""
    assert not hasattr(ScriptedDriver().plan, "lessons")
    async with Shop({"a": machine()}) as shop:
        await shop.reads("a", 2)
    assert kept(shop) == []
