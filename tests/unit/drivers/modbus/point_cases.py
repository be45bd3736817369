"""Addresses, types and values drawn for tests: every type in every order and encoding."""

from __future__ import annotations

from datetime import datetime

from hypothesis import strategies as st

FOUR = ["ABCD", "CDAB", "BADC", "DCBA"]
EIGHT = ["ABCDEFGH", "GHEFCDAB", "BADCFEHG", "HGFEDCBA", "EFGHABCD", "CDABGHEF"]
REGISTERS = {
    "int16": 1, "uint16": 1, "int32": 2, "uint32": 2, "int64": 4, "uint64": 4,
    "float16": 1, "float32": 2, "float64": 4, "bcd16": 1, "bcd32": 2, "bcd64": 4,
}  # fmt: skip
FLOATS = {"float16": ">e", "float32": ">f", "float64": ">d"}
UTC_DATES = ["unix32", "unix64", "unixms64"]
LOCAL_DATES = ["y2000", "ymdhms", "ymd_hms_packed", "bcd", "iec870"]


def bounds(kind):
    """Tell the least and greatest integer of a type."""
    bits = 16 * REGISTERS[kind]
    if kind.startswith("bcd"):
        return 0, 10 ** (bits // 4) - 1
    return (0, 2**bits - 1) if kind.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def orders(registers):
    """Draw an order suffix for a value of so many registers, or none."""
    return st.sampled_from(["", *FOUR, *(EIGHT if registers == 4 else [])]).map(
        lambda name: name and f"@{name}"
    )


@st.composite
def numbers(draw):
    """Draw an address, a type and a number the type can hold."""
    kind = draw(st.sampled_from(sorted(REGISTERS)))
    order = draw(orders(REGISTERS[kind]))
    if kind in FLOATS:
        width = 16 * REGISTERS[kind]
        value = draw(st.floats(allow_nan=False, allow_infinity=False, width=width))
        return f"hr:7{order}", kind, value
    low, high = bounds(kind)
    return f"ir:7{order}", kind, draw(st.integers(low, high) | st.sampled_from([low, high, 0]))


@st.composite
def fixed_points(draw):
    """Draw a fixed-point number."""
    kind = draw(st.sampled_from(["int16", "uint16", "int32", "uint32"]))
    bits = draw(st.integers(1, 16 * REGISTERS[kind]))
    value = draw(st.integers(*bounds(kind))) / 2**bits
    return f"hr:7{draw(orders(REGISTERS[kind]))}@q{bits}", kind, value


@st.composite
def texts(draw):
    """Draw a text that its encoding can write."""
    codec = draw(st.sampled_from(["", "gb18030", "utf-8", "latin-1"]))
    alphabet = st.characters(codec=codec or "utf-8")
    words = draw(st.text(alphabet, max_size=10)).rstrip("\0 ")
    order = draw(st.sampled_from(["", "@ABCD", "@BADC"]))
    return f"hr:7/20{order}{codec and '@' + codec}", "string", words


@st.composite
def dates(draw):
    """Draw a date that its encoding can hold."""
    encoding = draw(st.sampled_from(UTC_DATES + LOCAL_DATES))
    moment = draw(st.datetimes(datetime(2000, 1, 1, 0, 0, 1), datetime(2099, 12, 31)))  # noqa: DTZ001 - without a zone, as devices hold it
    milliseconds = encoding in {"unixms64", "iec870"}
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000 if milliseconds else 0)
    text = moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds")
    order = draw(st.sampled_from(["", "@ABCD", "@BADC"]))
    zone = "Z" if encoding in UTC_DATES else ""
    return f"hr:7@{encoding}{order}", "datetime", text + zone


CASES = numbers() | fixed_points() | texts() | dates()
