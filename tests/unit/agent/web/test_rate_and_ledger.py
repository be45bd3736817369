"""The rate with its history, and the ledger, as pages: what is shown, and that names stay text."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from unit.agent.telemetry.status_samples import NOW_MS, machine, rate, well

from agent.config.destination import Destination
from agent.config.ledger import ControlType, Enterprise, Equipment, Process
from agent.config.model import AgentConfig, Gateway, Store
from agent.ledger.entry import Source as From
from agent.ledger.journal import Journal, journal_path
from agent.ledger.records import Declared
from agent.telemetry.status import Message
from agent.web.messages import Request
from agent.web.page import content
from agent.web.rate import fingerprint
from agent.web.routes import Source, answer

HOSTILE = "<script>window.hit=1</script>\"'&"


def day(nr, declared, verified, *changes):
    return {
        "period": f"2026-07-{nr:02}",
        "declared": declared,
        "verified": verified,
        "changes": [
            {"kind": kind, "id": "L1", "en": text, "zh": text} for kind, text in changes
        ],
    }  # fmt: skip


def shown(**fields):
    status = replace(well(), rate=rate(**fields))
    return content(status, language="zh", open_devices=frozenset())


def test_one_sentence_says_how_the_machines_stand():
    """The counts of declared machines are told in words, and the gap in points, exactly."""
    page = shown()
    assert "申报的 4 台数控设备中：数据已验证 2 台，待验证 1 台，有矛盾 1 台。" in page
    assert "<b>26.67</b> 个百分点" in page


def test_a_machine_shows_when_it_was_last_seen_and_what_speaks_against_it():
    """Last data, days with data and every further finding stand beside the reason."""
    seen = {"last_ms": NOW_MS - 7_200_000, "days": 12, "scheduled_days": 22}
    one = machine("L1", "车床", "contradicted", Message("x", "x"), reason="copied",
                  findings=("copied", "counter_back"), coverage=seen)  # fmt: skip
    page = shown(equipment=(one,))
    assert "22 天中 12 天有数据" in page
    assert "最近数据" in page
    assert "另有疑点：计数器倒退" in page


def test_a_missing_rate_breaks_the_line():
    """A day without a rate is a gap in the chart, never a point at 0."""
    days = [day(1, [2, 3], [1, 3]), day(2, [2, 3], None), day(3, [2, 3], [2, 3])]
    page = shown(history={"days": days, "months": []})
    verified = page.split('class="curve w-verified"')[0].rsplit('d="', 1)[1]
    assert verified.count("M") == 2
    assert "L" not in verified.split('"')[0]


def test_the_history_tells_what_changed():
    """Changes are listed newest first, an odd one with a warning sign."""
    days = [day(1, [2, 3], [1, 3], ("standing", "第一")),
            day(2, [2, 3], [1, 3], ("key_process_removed", "第二"))]  # fmt: skip
    page = shown(history={"days": days, "months": []})
    assert page.index("第二") < page.index("第一")
    assert "t-warn" in page[page.index('id="history"') :]
    assert 'id="history"' not in shown(history={"days": days[:1], "months": []})


def test_the_key_is_shown_by_its_fingerprint():
    """The public key is told by 16 digits that a person can compare."""
    assert fingerprint("00" * 32) == "722a bd12 e99a 5367"
    assert "722a bd12 e99a 5367" in shown(key="00" * 32)


@pytest.fixture
def config(tmp_path):
    """A ledger of which every text is hostile, with a journal."""
    one = AgentConfig(
        gateway=Gateway(id="gw1"),
        enterprise=Enterprise(id="ent1", name=HOSTILE, park=HOSTILE),
        publish=(Destination(url="mqtt://127.0.0.1:1883"),),
        store=Store(path=tmp_path / "store.db"),
        processes=(Process(id="turn", name=HOSTILE, outsourced=HOSTILE),),
        equipment=(
            Equipment(id="L1", name=HOSTILE, control_type=ControlType.CNC, controller=HOSTILE,
                      maker=HOSTILE, processes=("turn",)),
        ),
    )  # fmt: skip
    Journal(journal_path(one.store.path)).record(
        Declared.of(one), at_ms=1, day=date(2026, 7, 1), who=HOSTILE, source=From.CONFIG
    )
    return one


def ledger(config, lang="zh"):
    response = answer(
        Request("GET", "/ledger", {"lang": lang}), Source(well, tuple, lambda: config)
    )
    assert response.status == 200
    return response.body.decode()


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_no_name_in_the_ledger_becomes_markup(config, lang):
    """Whatever a person typed into ledger or journal is shown as text."""
    page = ledger(config, lang)
    assert "<script" not in page
    assert page.count("&lt;script&gt;window.hit=1&lt;/script&gt;") >= 6


def test_edits_are_shown_with_who_made_them(config):
    """The newest entry of the journal stands first, with its author, its day and its fields."""
    machine_ = config.equipment[0].model_copy(update={"name": "数控车床"})
    after = config.model_copy(update={"equipment": (machine_,)})
    Journal(journal_path(config.store.path)).record(
        Declared.of(after), at_ms=2, day=date(2026, 7, 9), who="王工", source=From.SPREADSHEET
    )
    page = ledger(config)
    assert page.index("修改：设备名称") < page.index("新增")
    assert "4 · 2026-07-09 · 王工 · 表格导入" in page


def test_a_damaged_journal_is_told(config):
    """The page names the line from which the journal cannot be believed."""
    path = journal_path(config.store.path)
    path.write_text(path.read_text("utf-8").replace('"seq":2', '"seq":7'), "utf-8")
    assert "第 2 行起已损坏" in ledger(config)


def test_without_a_ledger_the_page_says_how_to_come_by_one():
    """An agent without processes and equipment says what to enter and where."""
    response = answer(Request("GET", "/ledger"), Source(well, tuple))
    assert "chulian ledger import" in response.body.decode()
