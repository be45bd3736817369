"""What the fields of the ledger are called and mean, for people, in both languages. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agent.ledger.sheets import SHEETS, YES_NO, Kind

if TYPE_CHECKING:
    from agent.config.section import Section
    from agent.ledger.records import RecordKind
    from agent.ledger.sheets import Column, Sheet

_SIZE: Final = "size."
_ENGLISH: Final = {
    "uscc": "Credit code",
    "sha256": "SHA-256",
    "park": "Development zone",
    "key": "Key process",
    "inside": "Part of",
    "device": "Device read",
    "declared_by": "Signed by",
    "declared_on": "Signed on",
    "in_service_from": "In service from",
    "in_service_to": "In service until",
    "valid_to": "Valid until",
    "size.year": "Year of the figures",
    "size.revenue_wan": "Revenue, 10 000 yuan",
    "size.output_wan": "Output value, 10 000 yuan",
    "on": "Date",
}
"""Where the key is not its own best word."""


def title(column: Column, lang: str) -> str:
    """Give what a column is called."""
    if lang == "zh":
        return column.title_zh
    plain = column.key.removeprefix(_SIZE).replace("_", " ")
    return _ENGLISH.get(column.key, plain[:1].upper() + plain[1:])


def title_of(kind: RecordKind, key: str, lang: str) -> str:
    """Give what a key of a record is called; the key itself where it has no column."""
    for sheet in SHEETS:
        if sheet.record is not kind:
            continue
        if sheet.inside == key:
            return sheet.title_zh if lang == "zh" else sheet.inside[:1].upper() + sheet.inside[1:]
        for column in () if sheet.inside else sheet.columns:
            if column.key == key:
                return title(column, lang)
    if key == _SIZE.rstrip("."):
        return "企业规模" if lang == "zh" else "Size"
    return key


def meaning(sheet: Sheet, column: Column, lang: str) -> str:
    """Give what a column means, as the configuration's reference has it; empty for none."""
    from agent.config.fields_ledger import LEDGER
    from agent.config.ledger import MachineDocument, ProcessLink, Size, Title, Witness

    inner: dict[str, type[Section]] = {
        "titles": Title, "links": ProcessLink, "documents": MachineDocument,
        "witnessed": Witness,
    }  # fmt: skip
    model: type[Section] = inner[sheet.inside] if sheet.inside else sheet.record.model
    key = column.key
    if key.startswith(_SIZE):
        model, key = Size, key.removeprefix(_SIZE)
    field = model.model_fields.get(key)
    if field is None:
        return ""
    return LEDGER[f"{model.__name__}.{key}"] if lang == "zh" else field.description or ""


def word(column: Column, value: Any, lang: str) -> str:
    """Give a value as a person reads it: the word of a choice, yes and no, else as it is."""
    if column.kind is Kind.YES_NO and isinstance(value, bool):
        return YES_NO[value] if lang == "zh" else ("yes" if value else "no")
    text = str(value)
    return (column.choices or {}).get(text, text) if lang == "zh" else text


def value_text(kind: RecordKind, key: str, value: Any, *, lang: str) -> str:
    """Give the value of a record's key on one line; a dash where there is none."""
    if value is None or value in ("", []):
        return "—"
    gap = "；" if lang == "zh" else "; "
    for sheet in (one for one in SHEETS if one.record is kind):
        if sheet.inside and sheet.inside == key:
            return gap.join(_row_text(sheet, row, lang) for row in value)
        for column in () if sheet.inside else sheet.columns:
            if column.key == key and not isinstance(value, list):
                return word(column, value, lang)
    if isinstance(value, dict):
        pairs = ((title_of(kind, f"{key}.{name}", lang), one) for name, one in value.items())
        return gap.join(f"{name} {one}" for name, one in pairs)
    return gap.join(map(str, value)) if isinstance(value, list) else str(value)


def _row_text(sheet: Sheet, row: dict[str, Any], lang: str) -> str:
    cells = [word(column, row[column.key], lang) for column in sheet.columns if column.key in row]
    return " ".join(cells)
