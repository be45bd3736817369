"""Units of OPC UA as UCUM writes them.

A server names a unit by the UNECE code (Recommendation 20), whose characters make the UnitId. What
is not in the table keeps the server's own text: nothing is guessed.
Source: OPC 10000-8, 5.6.4.3; UNECE Recommendation 20; UCUM 2.1.
"""

from __future__ import annotations

from typing import Final

from drivers.opcua.browse.names import clean

MOST_UNIT: Final = 32

UCUM: Final = {
    "C62": "1", "P1": "%", "H87": "1", "EA": "1",
    "MMT": "mm", "CMT": "cm", "DMT": "dm", "MTR": "m", "KMT": "km", "4H": "um", "C45": "nm",
    "INH": "[in_i]", "FOT": "[ft_i]",
    "MMK": "mm2", "CMK": "cm2", "MTK": "m2", "MMQ": "mm3", "CMQ": "cm3", "MTQ": "m3",
    "MLT": "mL", "LTR": "L", "HLT": "hL",
    "H81": "mm/min", "2X": "m/min", "MTS": "m/s", "C16": "mm/s", "KMH": "km/h",
    "MSK": "m/s2",
    "RPM": "{rev}/min", "RPS": "{rev}/s", "C97": "rad", "DD": "deg", "D61": "'", "D62": "''",
    "2A": "rad/s", "E96": "deg/s",
    "MGM": "mg", "GRM": "g", "KGM": "kg", "TNE": "t",
    "KGS": "kg/s", "E93": "kg/h", "LD": "L/d", "E32": "L/h", "L2": "L/min", "MQH": "m3/h",
    "MQS": "m3/s", "G51": "L/s",
    "NEW": "N", "B47": "kN", "NU": "N.m", "B48": "kN.m", "B73": "MN",
    "PAL": "Pa", "HPA": "hPa", "KPA": "kPa", "MPA": "MPa", "BAR": "bar", "MBR": "mbar",
    "CEL": "Cel", "KEL": "K", "FAH": "[degF]",
    "SEC": "s", "C26": "ms", "B98": "us", "MIN": "min", "HUR": "h", "DAY": "d",
    "HTZ": "Hz", "KHZ": "kHz", "MHZ": "MHz",
    "AMP": "A", "4K": "mA", "VLT": "V", "2Z": "mV", "KVT": "kV", "OHM": "Ohm", "B49": "kOhm",
    "FAR": "F", "81": "H",
    "WTT": "W", "KWT": "kW", "MAW": "MW", "VA": "V.A", "D46": "V.A", "KVA": "kV.A",
    "K5": "kvar", "KVR": "kvar", "D44": "var",
    "JOU": "J", "KJO": "kJ", "3B": "MJ", "WHR": "W.h", "KWH": "kW.h", "MWH": "MW.h",
    "K3": "kvar.h",
    "59": "[ppm]", "LUX": "lx", "2N": "dB", "D33": "T", "D10": "S/m",
    "23": "g/cm3", "KMQ": "kg/m3", "A24": "cd/m2",
}  # fmt: skip
"""UNECE code -> UCUM code."""


def ucum_of(unit_id: int, text: object) -> str:
    """Give the unit of an EUInformation: the UCUM code, else the server's own text."""
    known = UCUM.get(unece_of(unit_id))
    return known if known is not None else clean(text, most=MOST_UNIT)


def unece_of(unit_id: int) -> str:
    """Give the UNECE code in a UnitId; empty where it is none."""
    if not 0 < unit_id < 1 << 24:
        return ""
    raw = unit_id.to_bytes(3, "big").lstrip(b"\0")
    return raw.decode("ascii") if raw.isalnum() and raw.isascii() else ""
