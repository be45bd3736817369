"""Ledgers for these tests: the shop of the worked examples, and any other one."""

from __future__ import annotations

from datetime import date

from hypothesis import strategies as st

from agent.config.ledger import (
    ControlType,
    DocumentKind,
    Enterprise,
    Equipment,
    IndustryKind,
    Location,
    LocationKind,
    Process,
    TitleKind,
)
from agent.ledger.records import Declared

DAY = date(2026, 7, 31)

SHOP = {
    "turning": {"L1": "CNC", "L2": "CNC", "L3": "CNC", "L4": "CNC", "L5": "manual", "L6": "manual"},
    "milling": {"V1": "CNC", "V2": "CNC", "V3": "CNC"},
    "grinding": {"G1": "manual", "G2": "manual"},
    "edm": {"E1": "NC", "E2": "NC"},
}
"""Example A: 30 people, mean 2/3."""


def machine(id_, control="CNC", *processes, **fields):
    """Make a machine."""
    return Equipment(id=id_, control_type=ControlType(control), processes=processes, **fields)


def shop(**fields):
    """Make the shop of example A; `fields` replace parts of it."""
    parts = {
        "enterprise": Enterprise(id="shop"),
        "processes": tuple(Process(id=name) for name in SHOP),
        "equipment": tuple(
            machine(id_, control, name)
            for name, able in SHOP.items()
            for id_, control in able.items()
        ),
    }
    return Declared(**{**parts, **fields})


IDS = st.text("ABCxyz019_-", min_size=1, max_size=6)
DATES = st.none() | st.dates(date(1990, 1, 1), date(2090, 12, 31))
TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Co"))
    | st.sampled_from("=+-@'\"\n:#{}[],&*!|>%`"),
    max_size=12,
)
"""Texts a spreadsheet can keep, and the characters that mean something to one or to YAML."""
WAN = st.none() | st.floats(0, 1e9) | st.integers(0, 10**6).map(float)


def _mappings(**fields):
    return st.fixed_dictionaries(fields)


_SIZES = st.none() | _mappings(
    year=st.integers(1990, 2100), staff=st.none() | st.integers(0, 10**6), revenue_wan=WAN,
    output_wan=WAN,
)  # fmt: skip
_TITLES = _mappings(
    kind=st.sampled_from(list(TitleKind)), number=TEXTS,
    issued_on=st.dates(date(1990, 1, 1), date(2090, 1, 1)), expires_on=st.none(),
)  # fmt: skip
_ENTERPRISES = _mappings(
    id=IDS, name=TEXTS, chain=TEXTS, industry_edition=st.sampled_from(["2011", "2017"]),
    industry_kind=st.sampled_from(list(IndustryKind)), size=_SIZES,
    titles=st.lists(_TITLES, max_size=2),
)  # fmt: skip
_LOCATIONS = _mappings(id=IDS, kind=st.sampled_from(list(LocationKind)), name=TEXTS)
_PROCESSES = _mappings(
    id=IDS, name=TEXTS, key=st.booleans(), outsourced=TEXTS, valid_from=DATES,
    declared_by=TEXTS, declared_on=DATES, document=TEXTS,
)  # fmt: skip
_DOCUMENTS = _mappings(
    kind=st.sampled_from(list(DocumentKind)), number=TEXTS,
    sha256=st.sampled_from(["", "0" * 64, "9f" * 32]), on=DATES,
)  # fmt: skip
_WITNESSED = _mappings(
    on=st.dates(date(1990, 1, 1), date(2090, 1, 1)),
    by=TEXTS.filter(lambda text: bool(text.strip())), saw=TEXTS,
)  # fmt: skip
_MACHINES = _mappings(
    id=IDS, name=TEXTS, maker=TEXTS, model=TEXTS, serial=TEXTS | st.just("0123"),
    controller=TEXTS, control_type=st.sampled_from(list(ControlType)), in_service_from=DATES,
    declared_by=TEXTS, documents=st.lists(_DOCUMENTS, max_size=2),
    witnessed=st.lists(_WITNESSED, max_size=2),
)  # fmt: skip


def _unique(records, most):
    return st.lists(records, max_size=most, unique_by=lambda one: one["id"])


@st.composite
def any_ledger(draw):
    """Give any ledger whose references agree."""
    processes = draw(_unique(_PROCESSES, 3))
    names = [one["id"] for one in processes]
    places = draw(_unique(_LOCATIONS, 2))
    machines = draw(_unique(_MACHINES, 3))
    for one in machines:
        if names:
            one["processes"] = draw(st.lists(st.sampled_from(names), max_size=2, unique=True))
            one["links"] = draw(
                st.lists(_mappings(process=st.sampled_from(names), valid_from=DATES), max_size=2)
            )
        if places:
            one["location"] = draw(st.sampled_from([None, places[0]["id"]]))
    return Declared(
        Enterprise.model_validate(draw(_ENTERPRISES)),
        tuple(Location.model_validate(one) for one in places),
        tuple(Process.model_validate(one) for one in processes),
        tuple(Equipment.model_validate(one) for one in machines),
    )
