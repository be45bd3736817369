"""The library's decoded values brought back to bytes, so that one decoder judges all of them.

Used only where the fast path's assumptions about the library do not hold.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING

from asyncua import ua
from asyncua.ua.ua_binary import struct_to_binary

from drivers.api import SessionLost
from drivers.opcua.binary import DecodeError
from drivers.opcua.status import name_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers.opcua.subscribe import Stream

_COUNT = struct.Struct("<i")
_HANDLE = struct.Struct("<I")
_NO_DIAGNOSTICS = _COUNT.pack(-1)


def result_bytes(values: Sequence[ua.DataValue]) -> bytes:
    """Encode the answer to a Read as the server sent it."""
    return _COUNT.pack(len(values)) + b"".join(map(_value_bytes, values))


def change_bytes(notification: ua.DataChangeNotification) -> bytes:
    """Encode the body of a DataChangeNotification as the server sent it."""
    items = notification.MonitoredItems
    return (
        _COUNT.pack(len(items))
        + b"".join(_HANDLE.pack(item.ClientHandle) + _value_bytes(item.Value) for item in items)
        + _NO_DIAGNOSTICS
    )


def _value_bytes(value: ua.DataValue) -> bytes:
    """Encode a value without picoseconds, which the library puts in the wrong place."""
    plain = replace(value, SourcePicoseconds=None, ServerPicoseconds=None, ServerTimestamp=None)
    return struct_to_binary(plain)


def take(result: ua.PublishResult, stream: Stream, *, read_ns: int) -> None:
    """Hand a message that the library decoded to a stream."""
    message = result.NotificationMessage
    parts = message.NotificationData or []
    stream.on_message(int(message.SequenceNumber), has_data=bool(parts))
    for part in parts:
        if isinstance(part, ua.DataChangeNotification):
            body = change_bytes(part)
            try:
                stream.on_changes(body, 0, len(body), read_ns=read_ns)
            except DecodeError as error:
                stream.end(SessionLost(f"Publish: {error}"))
        elif isinstance(part, ua.StatusChangeNotification):
            name = name_of(int(part.Status.value))
            stream.end(SessionLost(f"the server ended the subscription: {name}"))
