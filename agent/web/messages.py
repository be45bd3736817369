"""What travels over HTTP: a parsed request, a response, and which hosts may be asked for.

Pure values and functions, no I/O. Paths are compared as they arrive, never decoded, so that
nothing can mean two things.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_MAX_QUERY_FIELDS: Final = 20


@dataclass(frozen=True, slots=True)
class Request:
    """One request; its body is empty unless it is a form of ours."""

    method: str
    path: str
    """As sent, without the query."""
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    """Lower-case name -> value; of a repeated header the last."""
    body: bytes = b""
    peer: str = ""
    """Address of who is connected; behind a proxy that is the proxy."""

    def cookie(self, name: str) -> str:
        """Give a cookie's value, empty without it."""
        for part in self.headers.get("cookie", "").split(";"):
            key, _, value = part.strip().partition("=")
            if key == name:
                return value
        return ""


@dataclass(frozen=True, slots=True)
class Response:
    """One response; length, security headers and connection handling are added when it is sent."""

    body: bytes
    content_type: str = "text/html; charset=utf-8"
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    cache: str = "no-store"
    forms: bool = False
    """Whether it holds forms of ours, which may then be sent to us."""


def plain(status: int, text: str, *headers: tuple[str, str]) -> Response:
    """Make a response of one line of text."""
    return Response(f"{text}\n".encode(), "text/plain; charset=utf-8", status, headers)


def parse_target(target: str) -> tuple[str, Mapping[str, str]]:
    """Split a request target into path and query; an unreadable one gives an empty path."""
    try:
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query, max_num_fields=_MAX_QUERY_FIELDS))
    except ValueError:
        return "", {}
    return parts.path, query


def host_name(host: str) -> str:
    """Give the name in a Host header without port and brackets, in lower case."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def host_allowed(host: str | None, names: Iterable[str]) -> bool:
    """Tell whether a Host header names this box: an address, localhost or one of `names`.

    A page of a stranger can point a name of its own at this box (DNS rebinding), but it cannot
    make a browser send an address or a name that we know. Without a Host no browser is asking.
    """
    if host is None:
        return True
    name = host_name(host)
    return name == "localhost" or _is_address(name) or name in {n.lower() for n in names}


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; base-uri 'none'; form-action {forms}; frame-ancestors 'none'"
)
_ALWAYS: Final = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)


def security_headers(*, forms: bool) -> tuple[tuple[str, str], ...]:
    """Give what is sent with every response: nothing foreign is loaded, nobody frames us.

    A page with forms may send them here; its browser tells where they come from, to us alone.
    """
    policy = _POLICY.format(forms="'self'" if forms else "'none'")
    referrer = "same-origin" if forms else "no-referrer"
    return (("Content-Security-Policy", policy), *_ALWAYS, ("Referrer-Policy", referrer))
