"""`chulian rate --history`: from the running agent, else from the store; and the page about it."""

from __future__ import annotations

import json
import re
from argparse import Namespace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from agent.cli import rate, rate_history
from agent.config.load import load
from agent.config.model import Store
from agent.indicator.keeper import KEPT_IN
from agent.indicator.periods import Span, periods
from agent.kpi.deviceday import DeviceDay, canonical
from agent.kpi.report import from_json, rate_status, to_json
from agent.kpi.result import compute
from agent.store.outbox import Batch
from agent.store.sqlite import Outbox

ROOT = Path(__file__).parents[4]
PAGES = {"en": ROOT / "docs/rate.md", "zh": ROOT / "docs/rate.zh-CN.md"}
COMMAND = "$ chulian rate -c configs/workshop.yaml --history month"
LAST = date(2026, 7, 31)
NOW_MS = int(datetime(2026, 8, 1, 4, tzinfo=UTC).timestamp() * 1000)


def observed():
    """Give data of four machines from the 20th of June on, and of one since July."""
    since = {"L1": 42, "L2": 42, "V1": 42, "V2": 20}
    return [
        DeviceDay(device, LAST - timedelta(days=n), 8000, True, 900, 0, 1)
        for device, days in since.items()
        for n in range(days)
    ]


@pytest.fixture
def config(tmp_path):
    """The sample workshop with a store of its own."""
    found = load(ROOT / "configs/workshop.yaml").config
    return found.model_copy(update={"store": Store(path=tmp_path / "store.db")})


@pytest.fixture
def ask(config, capsys):
    """Runs the command; gives its exit code and what it printed."""

    def run(span, *, status=None, lang="en", as_json=False):
        sources = rate.Sources(lambda _: config, lambda _: status, lambda _: [], lambda: NOW_MS)
        args = {"config": None, "as_of": None, "method": None, "control_set": None,
                "json": as_json, "history": span}  # fmt: skip
        code = rate.run(Namespace(**args, lang=lang), sources)
        return code, capsys.readouterr()

    return run


@pytest.fixture
def _stored(config):
    asked = [(device.id, "", "{}", 0) for device in config.devices]
    keep(config, Batch(evidence=[one.row() for one in observed()], lessons=asked))


def keep(config, batch):
    outbox = Outbox.open(config.store)
    outbox.commit(batch)
    outbox.close(clean=True)


@pytest.mark.usefixtures("_stored")
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_page_shows_what_the_command_prints(ask, lang):
    """The block about the history is the output for the sample workshop."""
    code, printed = ask("month", lang=lang)
    block = re.search(rf"```text\n{re.escape(COMMAND)}\n(.*?)```", PAGES[lang].read_text("utf-8"),
                      re.DOTALL)  # fmt: skip
    assert block is not None
    assert (code, printed.out) == (0, block[1])


@pytest.mark.usefixtures("_stored")
def test_a_sealed_day_is_shown_as_it_was_told(ask, config):
    """What was told of a day is never computed anew, whatever is known by now."""
    days = rate_history.past_days(config, rate_history.read(config), now_ms=NOW_MS)
    told = next(one for one in days if one.day == LAST).document() | {"verified": [1, 7]}
    keep(config, Batch(lessons=[(KEPT_IN, LAST.isoformat(), canonical(told), 1)]))
    _, printed = ask("day", as_json=True)
    found = json.loads(printed.out)
    assert found["span"] == "day"
    assert (len(found["periods"]), found["periods"][-1]["verified"]) == (42, [1, 7])


def test_a_running_agent_is_asked(ask, config):
    """With an agent its own days and months are shown; the store, which it holds, is not read."""
    result = compute(config, observed(), now_ms=NOW_MS, as_of=LAST)
    kept = rate_history.Kept([one.row() for one in observed()], [])
    days = rate_history.past_days(config, kept, now_ms=NOW_MS)
    history = {
        "days": [one.document() for one in periods(days, Span.DAY)[-3:]],
        "months": [one.document() for one in periods(days, Span.MONTH)],
    }
    document = to_json(rate_status(result)) | {"history": history}
    status = from_json(json.loads(json.dumps(document)))
    _, printed = ask("day", status=status, as_json=True)
    names = [one["period"] for one in json.loads(printed.out)["periods"]]
    assert names == ["2026-06-30", "2026-07-29", "2026-07-30", "2026-07-31"]


@pytest.mark.parametrize(("lang", "words"), [("zh", "无法读取"), ("en", "cannot be read")])
def test_without_agent_and_store_it_says_so(ask, config, lang, words):
    """Exit code 2, and which file was looked for."""
    code, printed = ask("year", lang=lang)
    assert code == 2
    assert words in printed.err
    assert str(config.store.path) in printed.err
