"""The golden vectors of docs/specs/payload.md against the reference checker and the JSON Schema."""

import json
from pathlib import Path

import orjson
import pytest
from jsonschema import Draft202012Validator

from simulators.platform.checks import KINDS, Checker, ContractError, load_schema
from simulators.platform.receiver import Receiver
from simulators.platform.rows import rows_of

HERE = Path(__file__).parent
GATEWAY = "gw-hb-0001"


def vectors(folder):
    """Every vector of a folder, with its name as the test's id."""
    paths = sorted((HERE / folder).glob("*.json"))
    assert paths
    return [pytest.param(json.loads(p.read_text("utf-8")), id=p.stem) for p in paths]


def kind_of(vector):
    return vector["topic"].rsplit("/", 1)[1]


@pytest.fixture(scope="module")
def schema():
    """The whole schema, as a stranger would use it."""
    return Draft202012Validator(load_schema())


@pytest.mark.parametrize("vector", vectors("valid"))
@pytest.mark.parametrize("full_first", [0, 1], ids=["own", "schema"])
def test_valid_vectors_pass(vector, full_first):
    """A valid vector passes the own check and the schema."""
    checker = Checker(full_first=full_first, full_share=0)
    checker.check(kind_of(vector), vector["message"], gateway=GATEWAY)


@pytest.mark.parametrize("vector", vectors("valid"))
def test_valid_vectors_are_exactly_one_kind(vector, schema):
    """A valid vector is valid under the whole schema, so it is exactly one kind of message."""
    schema.validate(vector["message"])


@pytest.mark.parametrize("vector", vectors("invalid"))
@pytest.mark.parametrize("full_first", [0, 1], ids=["own", "schema"])
def test_invalid_vectors_are_refused_for_their_reason(vector, full_first):
    """An invalid vector is refused whole, for the reason given, and leaves no row behind."""
    receiver = Receiver(checker=Checker(full_first=full_first, full_share=0))
    receiver.receive(vector["topic"], orjson.dumps(vector["message"]), 0)
    assert receiver.error_count == 1
    assert vector["reason"] in receiver.errors[0]["reason"]
    assert receiver.total("rows") == 0


@pytest.mark.parametrize("vector", [v for v in vectors("valid") if "points" in v.values[0]])
def test_points_of_valid_vectors(vector):
    """A data vector decodes to exactly the values, times and qualities it lists."""
    (row,) = rows_of("acme", kind_of(vector), vector["message"])
    assert [list(point) for point in row.points()] == vector["points"]


def test_backlog_repeats_the_live_row():
    """A row sent live and again as backlog counts once."""
    receiver = Receiver()
    for name in ("data-scan", "hist-backlog"):
        vector = json.loads((HERE / "valid" / f"{name}.json").read_text("utf-8"))
        receiver.receive(vector["topic"], orjson.dumps(vector["message"]), 0)
    assert (receiver.total("rows"), receiver.total("duplicates")) == (1, 1)
    assert receiver.summary(0)["altered_duplicates"] == 0


def test_every_kind_and_every_event_type_has_a_vector():
    """Each topic and each event type of the schema has a valid vector."""
    found = [vector.values[0] for vector in vectors("valid")]
    assert {kind_of(vector) for vector in found} == set(KINDS)
    types = {r["type"] for vector in found for r in vector["message"].get("e", [])}
    assert types == set(load_schema()["$defs"]["record"]["properties"]["type"]["enum"])


@pytest.mark.parametrize("text", [b"", b"{", b'{"v":NaN}', b'"\xff"', b"[]", b"1", b"null"])
def test_what_is_no_message_is_refused(text):
    """Broken JSON, NaN, bad UTF-8 and JSON that is no object are refused on every topic."""
    receiver = Receiver()
    for kind in KINDS:
        receiver.receive(f"hb/v1/acme/{GATEWAY}/{kind}", text, 0)
    assert receiver.error_count == len(KINDS)


def test_contract_error_names_the_place():
    """The text of a refusal says where in the message the fault is."""
    with pytest.raises(ContractError, match=r"\$\.b\[0\]\.g"):
        body = {"v": 1, "gw": GATEWAY, "ep": "01KAR5Z8Q4", "seq": 1, "sent": 0, "clk": "sync"}
        block = {"n": 1, "t0": 0, "d": "a", "g": "b c", "t": [0], "s": {"x": [1]}}
        Checker().check("data", {**body, "mv": 0, "b": [block]}, gateway=GATEWAY)
