"""The report of the runs: one JSON file, and a table from it on a page in each language."""

from __future__ import annotations

import json
import platform
import sqlite3
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from faults.matrix import ROOT
from faults.words import ZH

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from faults.matrix import Row

RECORD = "faults.json"
PAGES = {"en": "faults.md", "zh": "faults.zh-CN.md"}
BEGIN, END = "<!-- faults: begin -->", "<!-- faults: end -->"
HEADS = {
    "en": ("row", "fault", "must hold", "result", "figures of the run", "run"),
    "zh": ("编号", "故障", "要求", "结果", "本次数据", "运行"),
}
TEXTS = {
    "en": {"tests": "holds, {passed} passed", "failed": "**FAILED** {failed} of {all}: {why}",
           "skipped": "{skipped} not run: {why}", "none": "not tested: {why}",
           "never": "never run", "no": "no test yet", "share": "{share:.0%} of the rounds",
           "full": "all rounds"},
    "zh": {"tests": "成立，{passed} 项通过", "failed": "**失败** {failed}/{all}：{why}",
           "skipped": "{skipped} 项未运行：{why}", "none": "未测试：{why}",
           "never": "从未运行", "no": "暂无测试", "share": "{share:.0%} 轮次", "full": "全部轮次"},
}  # fmt: skip


def provenance() -> dict[str, str]:
    """Say when, of what and where a run is."""
    git = ["git", "-C", str(ROOT)]
    commit = _output(*git, "rev-parse", "--short", "HEAD")
    changed = "+" if _output(*git, "status", "--porcelain", "--", "agent", "drivers") else ""
    return {
        "date": time.strftime("%Y-%m-%d %H:%M", time.gmtime()),
        "commit": f"{commit or 'unknown'}{changed}",
        "machine": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "python": sys.version.split()[0],
        "sqlite": sqlite3.sqlite_version,
    }


def _output(*words: str) -> str:
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip()


def figures_of(tests: Mapping[str, dict]) -> dict[str, float | str]:
    """Join the figures of a row's tests: what is slowest or late counts worst, shares least.

    Everything else is a number of things, and is added up.
    """
    joined: dict[str, float | str] = {}
    for test in tests.values():
        for name, value in test.get("figures", {}).items():
            if name == "seed":
                joined[name] = value
            elif name in joined:
                joined[name] = _worse(name, joined[name], value)
            else:
                joined[name] = value
    return joined


def _worse(name: str, one: float | str, other: float | str) -> float | str:
    if isinstance(one, str) or isinstance(other, str):
        return min(one, other, key=str)
    if "share" in name or name.startswith("drained"):
        return min(one, other)
    if name.endswith((", s", ", ms", ", MB", "per value", "bytes", "at most")):
        return max(one, other)
    return one + other


def result_text(row: Row, run: Mapping | None, lang: str) -> str:
    """Say in a few words what became of a row."""
    texts = TEXTS[lang]
    if row.untested:
        return texts["none"].format(why=row.untested if lang == "en" else row.untested_zh)
    if not row.tests:
        return texts["no"]
    if run is None:
        return texts["never"]
    by = {word: [t for t in run["tests"].values() if t["outcome"] == word]
          for word in ("passed", "failed", "skipped")}  # fmt: skip
    counts = {word: len(tests) for word, tests in by.items()} | {"all": len(run["tests"])}
    said = [texts["tests"].format(**counts)] if by["passed"] else []
    if by["failed"] or run.get("broken"):
        why = run.get("broken") or by["failed"][0]["why"]
        said = [texts["failed"].format(**counts, why=_cell(why))]
    if by["skipped"]:
        said.append(texts["skipped"].format(**counts, why=_cell(by["skipped"][0]["why"])))
    return "; ".join(said) if lang == "en" else "；".join(said)


def table(matrix: Mapping[str, Row], runs: Mapping[str, Mapping], lang: str) -> str:
    """Give the table of all rows in a language."""
    heads = HEADS[lang]
    lines = [f"| {' | '.join(heads)} |", "|" + " --- |" * len(heads)]
    for row in matrix.values():
        run = runs.get(row.id)
        fault, wanted = (row.fault, row.wanted) if lang == "en" else (row.zh, row.wanted_zh)
        cells = (row.id, fault, wanted, result_text(row, run, lang), _figures(run, lang),
                 _when(run, lang))  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _figures(run: Mapping | None, lang: str) -> str:
    if run is None:
        return ""
    named = figures_of(run["tests"])
    seed = named.pop("seed", None)
    names = {name: ZH.get(name, name) if lang == "zh" else name for name in named}
    colon, stop = (": ", "; ") if lang == "en" else ("：", "；")
    said = [f"{names[name]}{colon}{_number(value)}" for name, value in named.items()]
    if seed is not None:
        said.append(f"{'seed' if lang == 'en' else '种子'} {seed}")
    return stop.join(said)


def _number(value: float | str) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else f"{value:,}"


def _when(run: Mapping | None, lang: str) -> str:
    if run is None:
        return ""
    share = run["share"]
    texts = TEXTS[lang]
    much = texts["full"] if share >= 1 else texts["share"].format(share=share)
    return f"{run['date']}, {run['commit']}, {much}, {run['took_s']:.0f} s"


def _cell(text: str) -> str:
    return text.replace("|", "/").replace("\n", " ").replace("<", "‹").replace(">", "›")[:160]


def write(docs: Path, matrix: Mapping[str, Row], runs: Mapping[str, Mapping]) -> None:
    """Keep the record of the runs, and renew the tables of both pages."""
    (docs / RECORD).write_text(json.dumps(runs, ensure_ascii=False, indent=1) + "\n", "utf-8")
    for lang, name in PAGES.items():
        page = docs / name
        before, rest = page.read_text("utf-8").split(BEGIN)
        after = rest.split(END)[1]
        made = table(matrix, runs, lang)
        page.write_text(f"{before}{BEGIN}\n{made}\n{END}{after}", "utf-8")


def read(docs: Path) -> dict[str, dict]:
    """Give the record of the runs so far; empty when there is none."""
    try:
        return json.loads((docs / RECORD).read_text("utf-8"))
    except FileNotFoundError:
        return {}
