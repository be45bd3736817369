"""docs/specs/asyncapi.yaml names the topics of the program and the schemas that hold for them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from agent.publish.sender import LEVELS, Sender
from simulators.platform.checks import KINDS, load_schema

ROOT = Path(__file__).parents[4]
FILE = ROOT / "docs/specs/asyncapi.yaml"
RETAINED = {"meta", "status"}
GOLDEN = sorted((ROOT / "tests/golden/valid").glob("*.json"))


@pytest.fixture(scope="module")
def document():
    """Give the document as plain types."""
    return json.loads(json.dumps(YAML(typ="safe").load(FILE.read_text("utf-8"))))


def resolved(document, one):
    """Follow references, inside the document and into the schema."""
    while isinstance(one, dict) and "$ref" in one:
        file, _, pointer = one["$ref"].partition("#/")
        one = json.loads((FILE.parent / file).read_text("utf-8")) if file else document
        for step in pointer.split("/"):
            one = one[step]
    return one


def definition(document, level):
    """Name the definition of the schema that holds for the messages of a topic."""
    (message,) = document["channels"][level]["messages"].values()
    schema = resolved(document, message)["payload"]["schema"]
    assert resolved(document, schema)
    return schema["$ref"].rpartition("/")[2]


def test_every_reference_leads_somewhere(document):
    """No reference is dead, whatever it is in."""

    def walk(one):
        if isinstance(one, dict):
            if "$ref" in one:
                assert resolved(document, one), one["$ref"]
            for inner in one.values():
                walk(inner)

    walk(document)


def test_the_topics_are_those_of_the_program(document):
    """Each level the program publishes under, and the platform's answer, has its channel."""
    sender = Sender("{enterprise}", "{gateway}", "")
    wanted = {level: sender.topic("{root}", level) for level in (*LEVELS, "ack")}
    assert {name: one["address"] for name, one in document["channels"].items()} == wanted
    assert all(set(one["parameters"]) == {"root", "enterprise", "gateway"}
               for one in document["channels"].values())  # fmt: skip


def test_what_is_sent_how(document):
    """All is QoS 1; notices and answers are retained, rows are not; only ack is received."""
    found = {
        name: (one["action"], one["bindings"]["mqtt"]["qos"],
               one["bindings"]["mqtt"].get("retain", False))
        for name, one in document["operations"].items()
    }  # fmt: skip
    wanted = {name: ("send", 1, name in RETAINED) for name in LEVELS}
    assert found == wanted | {"ack": ("receive", 1, True)}


def test_each_topic_has_the_schema_that_is_checked(document):
    """The stand-in of the platform checks each message by the definition named here."""
    told = {level: definition(document, level) for level in document["channels"]}
    assert told == {**KINDS, "ack": "ack"}


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden_messages_fit_their_topic(document, path):
    """The example of a message is valid under the schema its topic leads to."""
    level = path.stem.partition("-")[0]
    name = definition(document, level)
    schema = {"$defs": load_schema()["$defs"], "$ref": f"#/$defs/{name}"}
    example = json.loads(path.read_text("utf-8"))
    Draft202012Validator(schema).validate(example["message"])
