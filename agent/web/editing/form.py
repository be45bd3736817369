"""A form as it came over HTTP: whether it may be looked at, and what stands in it. Pure.

Guarantees: what a foreign page made a browser send is refused before a field of it is read.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlsplit

from agent.ledger.records import RecordKind
from agent.web.messages import Response, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.ledger.typed import Typed
    from agent.web.messages import Request

FIELD: Final = "f."
"""What stands before the name of a field of the ledger."""
_TYPE: Final = "application/x-www-form-urlencoded"
_MOST_FIELDS: Final = 4000

_NOT_OURS: Final = plain(
    HTTPStatus.FORBIDDEN,
    "this form was not sent by a page of this gateway; open the page and send it again / "
    "该表单不是由本网关页面提交的，请重新打开页面再提交",
)
_NO_FORM: Final = plain(
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"only {_TYPE} is taken / 仅接受 {_TYPE}"
)
_UNREADABLE: Final = plain(
    HTTPStatus.BAD_REQUEST, "the form cannot be read: UTF-8 is expected / 表单无法读取：应为 UTF-8"
)


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form, by name, in the order in which they came."""

    fields: Mapping[str, list[str]]

    def get(self, name: str) -> str:
        """Give the first text of a field; empty without one."""
        return next(iter(self.fields.get(name, ())), "")

    @property
    def kind(self) -> RecordKind | None:
        """The kind of record it is about; None where it names none."""
        return kind_of(self.get("kind"))

    @property
    def typed(self) -> Typed:
        """The fields of the ledger, without what stands before their names."""
        return {
            name.removeprefix(FIELD): texts
            for name, texts in self.fields.items()
            if name.startswith(FIELD)
        }


def form_of(request: Request) -> Form | Response:
    """Give the form of a request, or the refusal where it may not be looked at."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != _TYPE:
        return _NO_FORM
    if not _from_here(request):
        return _NOT_OURS
    try:
        pairs = parse_qsl(
            request.body.decode("ascii"), keep_blank_values=True, errors="strict",
            max_num_fields=_MOST_FIELDS,
        )  # fmt: skip
    except ValueError:  # UnicodeDecodeError is one
        return _UNREADABLE
    fields: defaultdict[str, list[str]] = defaultdict(list)
    for name, text in pairs:
        fields[name].append(text)
    return Form(dict(fields))


def over_tls(request: Request) -> bool:
    """Tell whether the browser speaks TLS to whatever stands in front of us."""
    return urlsplit(request.headers.get("origin", "")).scheme == "https"


def kind_of(word: str) -> RecordKind | None:
    """Give the kind of record a word names."""
    return next((one for one in RecordKind if one.value == word), None)


def _from_here(request: Request) -> bool:
    """Tell whether a form comes from a page of ours: its origin is the host that was asked."""
    host, origin = request.headers.get("host", ""), request.headers.get("origin", "")
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return bool(host) and parts.scheme in {"http", "https"} and parts.netloc.lower() == host.lower()
