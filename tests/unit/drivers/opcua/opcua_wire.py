"""An encoder of its own for data values, in the standard's order, and strategies to feed it."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from asyncua import ua
from asyncua.ua.ua_binary import variant_to_binary
from hypothesis import strategies as st

EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
NOW_TICKS = 134_000_000_000_000_000  # a day in 2025
T = ua.VariantType

SCALAR_VALUES = {
    T.Boolean: st.booleans(),
    T.SByte: st.integers(-128, 127),
    T.Byte: st.integers(0, 255),
    T.Int16: st.integers(-(2**15), 2**15 - 1),
    T.UInt16: st.integers(0, 2**16 - 1),
    T.Int32: st.integers(-(2**31), 2**31 - 1),
    T.UInt32: st.integers(0, 2**32 - 1),
    T.Int64: st.integers(-(2**63), 2**63 - 1),
    T.UInt64: st.integers(0, 2**64 - 1),
    T.Float: st.floats(width=32, allow_nan=False, allow_infinity=False),
    T.Double: st.floats(allow_nan=False, allow_infinity=False),
    T.String: st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    T.DateTime: st.integers(1, 2_650_467_743_000_000_00).map(
        lambda tens_of_us: EPOCH + timedelta(microseconds=tens_of_us)
    ),
    T.Guid: st.uuids(),
    T.ByteString: st.binary(max_size=20),
    T.StatusCode: st.integers(0, 2**32 - 1).map(ua.StatusCode),
    T.QualifiedName: st.text(st.characters(codec="utf-8"), max_size=9).map(
        lambda name: ua.QualifiedName(name, 1)
    ),
    T.LocalizedText: st.text(st.characters(codec="utf-8"), max_size=9).map(
        lambda text: ua.LocalizedText(text, "zh")
    ),
}
"""A strategy per scalar type that becomes a value; the library knows no XmlElement."""


@dataclass(frozen=True)
class Sample:
    """One data value, as it is to be sent."""

    variant: ua.Variant | None
    status: int | None = None
    source: int | None = None
    source_picos: int | None = None
    server: int | None = None
    server_picos: int | None = None

    @property
    def encoded(self) -> bytes:
        """Encode by OPC 10000-6, 5.2.2.17."""
        fields = (
            self.variant,
            self.status,
            self.source,
            self.server,
            self.source_picos,
            self.server_picos,
        )
        mask = sum(1 << bit for bit, field in enumerate(fields) if field is not None)
        out = bytes([mask])
        out += variant_to_binary(self.variant) if self.variant is not None else b""
        out += _packed("<I", self.status) + _packed("<q", self.source)
        out += _packed("<H", self.source_picos) + _packed("<q", self.server)
        return out + _packed("<H", self.server_picos)

    @property
    def misread_by_library(self) -> bool:
        """Whether asyncua 2.1 reads the fields behind the source time in another order."""
        return self.source_picos is not None and self.server is not None


def _packed(code: str, field: int | None) -> bytes:
    return b"" if field is None else struct.pack(code, field)


def notification(samples: list[tuple[int, Sample]]) -> bytes:
    """Encode the body of a DataChangeNotification of (client handle, sample) pairs."""
    items = b"".join(struct.pack("<I", handle) + sample.encoded for handle, sample in samples)
    return struct.pack("<i", len(samples)) + items + struct.pack("<i", -1)


CONVERTED = {
    T.DateTime: lambda value: value.isoformat().replace("+00:00", "Z"),
    T.Guid: lambda value: str(UUID(str(value))),
    T.ByteString: bytes.hex,
    T.StatusCode: lambda value: value.value,
    T.QualifiedName: lambda value: value.Name,
    T.LocalizedText: lambda value: value.Text,
}


def as_value(variant: ua.Variant) -> object:
    """Give what the driver is to make of a variant that the library made or decoded."""
    convert = CONVERTED.get(variant.VariantType)
    return variant.Value if convert is None else convert(variant.Value)


scalars = st.sampled_from(list(SCALAR_VALUES)).flatmap(
    lambda kind: SCALAR_VALUES[kind].map(lambda value: ua.Variant(value, kind))
)

statuses = st.sampled_from(
    [0, 0x480, 0x40900000, 0x80310000, 0x808B0000, 0x80310480]
) | st.integers(0, 2**32 - 1)

samples = st.builds(
    Sample,
    st.none() | scalars,
    st.none() | statuses,
    st.none() | st.integers(0, 2**62),
    st.none() | st.integers(0, 9999),
    st.none() | st.integers(0, 2**62),
    st.none() | st.integers(0, 9999),
)
"""Data values of every scalar type under every mask."""

messages = st.lists(st.tuples(st.integers(0, 99), samples), max_size=12)
