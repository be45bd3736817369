"""Answers are made beside the loop, of what held when they were asked for."""

from __future__ import annotations

import asyncio
import threading

import pytest
from unit.agent.telemetry.status_samples import well

from agent.web import rendering
from agent.web.messages import Request
from agent.web.rendering import Renderer
from agent.web.routes import ROUTES, Source


@pytest.fixture
def asked(monkeypatch):
    """Threads in which answers are made; each waits until `go` is set."""
    threads, go, real = [], threading.Event(), rendering.answer

    def noted(request, source):
        threads.append(threading.current_thread().name)
        if not request.path.startswith(("/assets", "/healthz", "/nowhere")):
            assert go.wait(60)
        return real(request, source)

    monkeypatch.setattr(rendering, "answer", noted)
    noted.threads, noted.go = threads, go
    return noted


@pytest.fixture
def renderer():
    """One renderer, closed at the end."""
    made = Renderer(Source(well, list))
    yield made
    made.close()


@pytest.mark.parametrize("path", ["/", "/fragment", "/metrics", "/api/status", "/readyz"])
async def test_the_loop_goes_on_while_an_answer_is_made(asked, renderer, path):
    """The answer waits in another thread until the loop, which is free, lets it go on."""
    answer = asyncio.create_task(renderer.answer(Request("GET", path, {}, {})))
    while not asked.threads:  # noqa: ASYNC110 - filled by another thread
        await asyncio.sleep(0.005)
    assert not answer.done()
    asked.go.set()
    async with asyncio.timeout(60):
        assert (await answer).status == 200
    assert asked.threads == ["page_0"]


@pytest.mark.parametrize(
    "path", ["/healthz", "/nowhere", next(path for path in ROUTES if path.startswith("/assets"))]
)
async def test_what_needs_no_snapshot_is_answered_at_once(asked, path):
    """Health above all waits for no page and makes no snapshot."""
    renderer = Renderer(Source(lambda: pytest.fail("a snapshot was made"), list))
    await renderer.answer(Request("GET", path, {}, {}))
    renderer.close()
    assert asked.threads == [threading.current_thread().name]


async def test_the_snapshot_is_taken_once_and_in_the_loop(asked, renderer, monkeypatch):
    """Whatever an answer asks of the agent was gathered before, by the thread that may."""
    asked.go.set()
    seen = []

    def status():
        seen.append(threading.current_thread())
        return well()

    monkeypatch.setattr(renderer, "_source", Source(status, list))
    await renderer.answer(Request("GET", "/metrics", {}, {}))
    assert seen == [threading.current_thread()]
