"""Asking the agent that runs on this box, over its own status page."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

if TYPE_CHECKING:
    from agent.config.model import Http

TIMEOUT_S = 2.0
"""The agent is on this box or next to it; a person waits."""
MAX_BYTES = 16_000_000
"""Above the status of 100,000 tags."""


def ask(http: Http, path: str, *, url: str = "") -> dict[str, Any] | None:
    """Give a JSON document of the running agent; None when none answers."""
    base = url or f"http://{http.host}:{http.port}"
    opener = build_opener(ProxyHandler({}))  # never through a proxy of the environment
    try:
        with opener.open(base + path, timeout=TIMEOUT_S) as response:
            document = json.loads(response.read(MAX_BYTES))
    except (URLError, OSError, ValueError):
        return None
    return document if isinstance(document, dict) else None
