"""The page that follows one value says what the code does."""

import inspect
import json
import re
import struct
from importlib import import_module

import pytest
from docs.markdown import ROOT, read
from ruamel.yaml import YAML

from agent.config.load import load
from agent.normalize.normalizer import Normalizer
from agent.publish.payload import GroupCodec, join_rows
from agent.store.outbox import Row
from drivers.api import Frame
from drivers.modbus.wire.mbap import check_answer

PAGES = [ROOT / "docs/follow-one-value.md", ROOT / "docs/follow-one-value.zh-CN.md"]
_CALL = re.compile(r"`((?:agent|drivers)(?:\.\w+){2,})`")
_STEP = re.compile(r"^\| \d+ \| `([\w.]+)` \|", re.MULTILINE)
_SOURCE = re.compile(r"`((?:agent|drivers)/[\w/]+\.py)`")


@pytest.fixture(params=PAGES, ids=lambda path: path.name)
def page(request):
    """Give the page in one language."""
    return read(request.param)


def test_the_path_has_twelve_calls_that_exist(page):
    """Each step is a function or method of the named module."""
    steps = _STEP.findall(page.text)
    assert len(steps) == 12
    assert [step for step in steps if not callable(resolve(step))] == []


def test_everything_named_exists(page):
    """Each module, class and function that the page names can be imported."""
    found = set(_CALL.findall(page.text))
    assert len(found) > 12
    for dotted in sorted(found):
        assert resolve(dotted) is not None


def test_every_file_named_exists(page):
    """Each file the page tells to open is there."""
    found = _SOURCE.findall(page.text)
    assert found
    assert [file for file in found if not (ROOT / file).exists()] == []


def test_both_languages_name_the_same_calls():
    """No language knows a call more than the other."""
    en, zh = (sorted(set(_CALL.findall(read(path).text))) for path in PAGES)
    assert en == zh


def test_the_example_is_what_the_code_makes_of_these_bytes(page, tmp_path):
    """From the request through answer, frame and row to the message: all as printed."""
    device = plan_of(page, tmp_path)
    group = device.groups[0]
    sent, answer = (bytes_in(page, mark) for mark in (">", "<"))
    request = group.plan.compiled.wire[0]
    assert sent[2:] == request.tail
    transaction = int.from_bytes(sent[:2], "big")
    payload = check_answer(answer, request, transaction=transaction, ids="strict")
    values = group.plan.compiled.decoder.decode([payload]).values
    assert values == struct.unpack(">f", answer[-4:])
    frame = eval(page.blocks_of("python")[0], {"Frame": Frame})
    assert (frame.device, frame.group, frame.values) == (device.id, group.name, values)
    done = Normalizer(group.tags).apply(frame)
    codec = GroupCodec(device.id, group.name, [t.name for t in group.tags], max_row_bytes=9000)
    (row,) = codec.encode([done])
    assert f"body  {row.body.decode()}" in page.text
    assert f"t_ms  {row.t_ms}" in page.text
    printed = json.loads(page.blocks_of("json")[0])
    stored = Row(7, row.kind, 1, row.t_ms, row.values, row.body)
    message = join_rows([stored], gateway="gw-01", epoch=printed["ep"], clock="free")
    assert json.loads(message) | {"sent": printed["sent"]} == printed


def plan_of(page, folder):
    """Load the page's configuration and give its device, ready to run."""
    (part,) = page.blocks_of("yaml")
    whole = {
        "gateway": {"id": "gw-01"},
        "enterprise": {"id": "e"},
        "publish": [{"url": "mqtt://127.0.0.1:1883"}],
        **YAML(typ="safe").load(part),
    }
    file = folder / "agent.yaml"
    file.write_text(json.dumps(whole), "utf-8")
    (device,) = load(file).devices
    return device


def bytes_in(page, mark):
    """Give the bytes of the first block that begins with a mark."""
    block = next(b for b in page.blocks_of("text") if b.startswith(mark))
    return bytes.fromhex(block[1:])


def resolve(dotted):
    """Import what a dotted name stands for; AttributeError or ImportError if there is none."""
    parts = dotted.split(".")
    for at in range(len(parts), 1, -1):
        try:
            found = import_module(".".join(parts[:at]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[at:]:
            found = inspect.getattr_static(found, attribute)
        return found
    raise ModuleNotFoundError(dotted)
