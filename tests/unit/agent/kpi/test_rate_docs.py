"""The pages about the rate show what the program prints and explain every code it gives."""

from __future__ import annotations

import re
from argparse import Namespace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from agent.cli import rate
from agent.config.ledger import RateMethod
from agent.config.load import load
from agent.kpi.evidence import CONTROL_METRICS, RULES, DeviceDay, Level, Standing
from agent.kpi.rates import NullReason
from agent.kpi.reasons import Reason
from agent.kpi.report import METRICS, rate_status
from agent.kpi.result import compute

ROOT = Path(__file__).parents[4]
PAGES = {"en": ROOT / "docs/rate.md", "zh": ROOT / "docs/rate.zh-CN.md"}
SPEC = ROOT / "docs/specs/rate.md"
AS_OF = date(2026, 7, 31)
NOW_MS = int(datetime(2026, 7, 31, 4, tzinfo=UTC).timestamp() * 1000)
COMMAND = "$ chulian rate -c configs/workshop.yaml"


def days(device, count, *, control=900):
    """Give days of data up to the day before the page's."""
    return [
        DeviceDay(device, AS_OF - timedelta(days=n + 1), 8000, True, control, 0, 1)
        for n in range(count)
    ]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_page_opens_with_what_the_command_prints(lang, monkeypatch, capsys):
    """The first code block is the output for the sample workshop with some weeks of data."""
    monkeypatch.setenv("COLUMNS", "96")
    config = load(ROOT / "configs/workshop.yaml").config
    observed = [one for device in ("L1", "L2", "V1", "V2") for one in days(device, 22)]
    observed += days("L3", 9) + days("V3", 22, control=0)
    status = rate_status(compute(config, observed, now_ms=NOW_MS))
    sources = rate.Sources(lambda _: config, lambda _: status, lambda _: [], lambda: NOW_MS)
    args = {"config": None, "as_of": None, "method": None, "control_set": None, "json": False}
    rate.run(Namespace(**args, lang=lang), sources)
    printed = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    block = re.search(r"```text\n(.*?)```", PAGES[lang].read_text(), re.DOTALL)[1]
    assert block.splitlines() == [COMMAND, *printed]


@pytest.mark.parametrize("page", [*PAGES.values(), SPEC], ids=lambda p: p.name)
@pytest.mark.parametrize(
    "code",
    [*Reason, *Level, *Standing, *RateMethod, NullReason.NO_KEY_PROCESS, NullReason.NO_MACHINE,
     NullReason.NO_DECLARED_MACHINE, "key_process_removed", *CONTROL_METRICS],
)  # fmt: skip
def test_every_code_is_explained(page, code):
    """Whoever meets a code finds it on the page."""
    assert f"`{code}`" in page.read_text()


def test_spec_names_rules_and_metrics():
    """The specification is of the rules in force and lists every metric of the rate."""
    text = SPEC.read_text()
    assert f"`{RULES}`" in text
    missing = [m.name for m in METRICS if f"`{m.name}`" not in text]
    assert missing == []


def test_pages_are_a_pair():
    """Both languages have the same sections, tables and code blocks."""

    def shape(page):
        text = re.sub(r"```.*?```", "CODE", page.read_text(), flags=re.DOTALL)
        lines = text.splitlines()
        return [
            re.match(r"#+|\||CODE", line)[0] for line in lines if re.match(r"#+ |\||CODE", line)
        ]

    assert shape(PAGES["en"]) == shape(PAGES["zh"])


@pytest.mark.parametrize("page", [*PAGES.values(), SPEC], ids=lambda p: p.name)
def test_nobody_calls_it_official(page):
    """The pages say whose definition it is: no official text was at hand."""
    text = page.read_text()
    assert "两化融合" in text
    assert "official formula" not in text
    assert "官方公式" not in text
