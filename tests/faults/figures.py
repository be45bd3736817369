"""A fixture for every test a row of the fault matrix may name: what it measured, for the report."""

from __future__ import annotations

import pytest


@pytest.fixture
def figure(request):
    """Give a function that puts what was measured into the report of the run."""

    def put(name, value):
        print(f"{name}: {value}")
        request.node.user_properties.append((name, value))

    return put
