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


def address(http: Http) -> str:
    """Give the URL at which an agent with these settings answers on this box."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(http.host, http.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{http.port}"


def ask(http: Http, path: str) -> dict[str, Any] | None:
    """Give a JSON document of the running agent; None when none answers."""
    if not http.enabled or not http.port:
        return None
    opener = build_opener(ProxyHandler({}))  # never send a factory's data through a proxy
    try:
        with opener.open(address(http) + path, timeout=TIMEOUT_S) as response:
            document = json.loads(response.read(MAX_BYTES))
    except (URLError, OSError, ValueError):
        return None
    return document if isinstance(document, dict) else None
