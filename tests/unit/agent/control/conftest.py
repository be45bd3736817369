"""Tests of this folder run on both kinds of loop."""

import asyncio

import uvloop


def pytest_asyncio_loop_factories():
    """Run every test that needs a loop on both kinds of loop."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
