"""Past values as columns: brought to the one decoder that judges every value, live or past."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING

from asyncua.ua.ua_binary import struct_to_binary

from drivers.opcua.decoding.items import Columns, read_results

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncua import ua

_COUNT = struct.Struct("<i")


def columns_of(values: Sequence[ua.DataValue]) -> Columns:
    """Give values and statuses as a Read would have given them, without times.

    Raises:
        DecodeError: a value is none that a server may send.
    """
    data = _COUNT.pack(len(values)) + b"".join(map(_bytes_of, values))
    return replace(read_results(data, 0, expected=len(values)), sources=None)


def _bytes_of(value: ua.DataValue) -> bytes:
    plain = replace(
        value,
        SourceTimestamp=None,
        SourcePicoseconds=None,
        ServerTimestamp=None,
        ServerPicoseconds=None,
    )
    return struct_to_binary(plain)
