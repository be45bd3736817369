"""Broken configurations by the hundred thousand, each put through the agent's own check.

Three ways, from the slow and whole to the quick and small:

- `text`: bytes of the file changed; read, parsed and checked with everything the file names;
- `tree`: values of the parsed file changed; checked whole, drivers, addresses and ledger included;
- `part`: values of one section changed; checked against its model alone.

Whatever comes of it must be a configuration, or problems with a place and a text in both languages.
"""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path

from unit.agent.config.test_fuzz import FULL, TABLE, TEMPLATE, mutated

from agent.cli.output import problem_lines
from agent.config.destination import Destination
from agent.config.document import Node, parse
from agent.config.ledger import Enterprise, Equipment, Process
from agent.config.load import _understand, examine
from agent.config.model import Clock, DeviceEntry, Gateway, Group, Http, Store, TagEntry
from agent.config.reading import Reading
from agent.config.validate import validated
from agent.registry import Registry

SECRET = "hunter2"
ENVIRON = {"PW": SECRET}
ODD = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 10**29, 0.5, -1e308, float("inf"), float("nan"), "",
    " ", "0", "-1", "1e9", "null", "中文", "点位", "x" * 5000, "a.b", "a b", "a/b", "+", "#", "\0",
    "\u2028", "../../etc/passwd", "/dev/zero", "env:NOPE", "file:/dev/zero", "{id}", "hr:70000",
    "hr:1..9", "ir:0/99", "i=1", "ns=999;s=x", "uint64", "float32[9]", "opc.tcp://h:99999",
    "mqtt://u:p@h", "2026-02-30", "9999-12-31", "25:61", "CNC", "running", (), {}, "tags",
)  # fmt: skip
"""Values nobody meant; lists and mappings are made of further ones."""
KEYS = (
    "id",
    "name",
    "driver",
    "tags",
    "url",
    "password",
    "min",
    "max",
    "",
    "中",
    "__class__",
    "<<",
)
DEEP = 40


def feed(way, count, seed, folder):
    """Put so many broken configurations through one way; give how many were refused."""
    dice = random.Random(f"{way} {seed}")
    check = {"text": _text, "tree": _tree, "part": _part}[way]
    refused = 0
    for number in range(count):
        try:
            refused += check(dice, folder)
        except BaseException as error:
            raise AssertionError(f"{way} {number} of seed {seed}: {error!r}") from error
    return refused


def prepare(folder):
    """Lay down everything the configuration names."""
    for name, text in {"templates/t.yaml": TEMPLATE, "points/t.csv": TABLE, "ca.pem": "x"}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


@cache
def _registry():
    return Registry()


@cache
def _whole():
    root, problems = parse(FULL.encode(), file="agent.yaml")
    assert not problems
    return root


@cache
def _parts():
    root = _whole()
    devices = root.entries["devices"].items
    modbus, opcua = devices[0], devices[1]
    drivers = [(one, _registry().get(one.text("driver")).config) for one in (modbus, opcua)]
    return (
        (root.entries["gateway"], Gateway), (root.entries["enterprise"], Enterprise),
        (root.entries["store"], Store), (root.entries["publish"].items[0], Destination),
        (root.entries["processes"].items[0], Process),
        (root.entries["equipment"].items[0], Equipment),
        (Node({}, root.place), Clock), (Node({}, root.place), Http),
        (modbus.entries["groups"].entries["slow"], Group),
        *((tag, TagEntry) for tag in modbus.entries["tags"].items),
        *((one.without("host", "url"), DeviceEntry) for one in (modbus, opcua)),
        *((one.without("id", "driver", "groups", "tags", "template"), m) for one, m in drivers),
    )  # fmt: skip


def _text(dice, folder):
    path = Path(folder, "agent.yaml")
    path.write_bytes(mutated(dice))
    examined = examine(path, registry=_registry(), environ=ENVIRON)
    return _told(examined.loaded, examined.problems)


def _tree(dice, folder):
    reading = Reading(Path(folder, "agent.yaml"), _registry(), ENVIRON)
    root = _altered(_whole(), dice)
    while not isinstance(root.value, dict):  # that much is looked at before
        root = _altered(_whole(), dice)
    loaded = _understand(root, reading)
    usable = loaded is not None and not any(one.is_error for one in reading.problems)
    return _told(loaded if usable else None, reading.problems)


def _part(dice, _):
    node, model = dice.choice(_parts())
    problems = []
    return _told(validated(model, _altered(node, dice), where="part", problems=problems), problems)


def _told(usable, problems):
    """Check what is said; tell whether the configuration was refused."""
    assert (usable is None) == any(one.is_error for one in problems), "refused without a word"
    for problem in problems:
        assert problem.location, problem
        for lang in ("zh", "en"):
            text = "\n".join(problem_lines(problem, lang=lang))
            text.encode()
            assert problem.message.text(lang), problem
            assert SECRET not in text
    return usable is None


def _altered(node, dice):
    """Copy a tree with one value or more of it changed, at any depth."""
    for _ in range(dice.choice((1, 1, 2, 4))):
        node = _one_altered(node, dice)
    return node


def _one_altered(node, dice):
    inner = node.value
    if not inner or not isinstance(inner, (dict, list)) or dice.random() < 0.15:
        return _odd(node.place, dice)
    if isinstance(inner, dict):
        entries, keys = dict(inner), dict(node.keys)
        key = dice.choice(list(entries))
        way = dice.random()
        if way < 0.1:
            del entries[key]
        elif way < 0.25:
            new = dice.choice(KEYS)
            entries[new], keys[new] = _odd(node.place, dice), node.place
        else:
            entries[key] = _one_altered(entries[key], dice)
        return Node(entries, node.place, keys)
    items = list(inner)
    at = dice.randrange(len(items))
    way = dice.random()
    if way < 0.1:
        del items[at]
    elif way < 0.25:
        items.insert(at, items[-1])
    else:
        items[at] = _one_altered(items[at], dice)
    return Node(items, node.place)


def _odd(place, dice, depth=0):
    """Make a value nobody meant; now and then a deep one."""
    value = dice.choice(ODD)
    if value == () or depth:
        inner = _odd(place, dice, depth - 1) if depth > 1 else Node("x", place)
        return Node([inner], place)
    if value == {}:
        key = dice.choice(KEYS)
        return Node({key: _odd(place, dice, dice.choice((0, 0, DEEP)))}, place, {key: place})
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return Node(value, place, raw=str(value).lower() if number or isinstance(value, bool) else "")
