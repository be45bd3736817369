from __future__ import annotations

import pytest
from unit.agent.store.outboxes import FakeTime, check_law, settings

from agent.store.sqlite import Outbox


@pytest.fixture
def store(tmp_path):
    """Settings of a store that does not exist yet."""
    return settings(tmp_path)


@pytest.fixture
def outbox(store):
    """A new store; whatever a test did to it, the law holds at its end."""
    opened = Outbox.open(store)
    yield opened
    check_law(opened)
    opened.close(clean=True)


@pytest.fixture
def clock(monkeypatch):
    """Time that goes by when told to; ask for it before the store is opened."""
    return FakeTime(monkeypatch)
