"""Editing the configuration file: only what changed changes, errors change nothing."""

from __future__ import annotations

import difflib
import os
import stat
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from unit.agent.ledger.ledgers import any_ledger

from agent.config.problems import ConfigError
from agent.ledger.edit import Signed, apply, change, prepare, read_config, read_current
from agent.ledger.entry import Source, verify
from agent.ledger.history import History
from agent.ledger.journal import Journal, JournalDamaged
from agent.ledger.records import Declared, RecordKind

CONFIGS = Path(__file__).resolve().parents[4] / "configs"
BY = Signed("王工", Source.PAGE, 1_785_470_400_000, date(2026, 7, 31))
MACHINE, PROCESS = RecordKind.EQUIPMENT, RecordKind.PROCESS
SLOW = (HealthCheck.too_slow,)
"""A busy machine is no fault of the strategy."""
QUICK = (Phase.explicit, Phase.reuse, Phase.generate)
"""Without shrinking, which takes minutes on ledgers."""
NOBODY, SHARED_GROUP = 65_534, 54_321
HEAD = """\
gateway: {id: g}
enterprise:
  id: e        # remark on the id
publish:
  - {name: p, url: mqtt://h}
"""


@pytest.fixture
def file(tmp_path):
    """A configuration with comments, flow and block style."""
    path = tmp_path / "agent.yaml"
    path.write_text((CONFIGS / "workshop.yaml").read_text("utf-8"), "utf-8")
    return path


def records(path):
    return Declared.of(read_config(path)[0]).records()


def changed_lines(old, new):
    diff = difflib.ndiff(old.splitlines(), new.splitlines())
    return [line for line in diff if line[0] in "+-"]


def test_one_record_changes_one_line(file):
    """A machine's key changes where it stands; every other line, comments too, keeps its bytes."""
    record = records(file)[MACHINE, "L5"] | {"serial": "0123", "in_service_to": "2026-06-30"}
    edit = change((MACHINE, "L5"), record, path=file)
    old = (
        "  - {id: L5, name: 普通车床, model: CA6140, control_type: manual, processes: [turning], "
        "location: shop-1}"
    )
    new = old.replace("}", ", serial: '0123', in_service_to: 2026-06-30}")
    assert changed_lines(file.read_text("utf-8"), edit.text) == [f"- {old}", f"+ {new}"]


def test_comments_stay_with_what_they_explain(tmp_path):
    """A changed block keeps its comments and the order of its keys; a removed one takes none."""
    path = tmp_path / "agent.yaml"
    path.write_text(
        HEAD
        + """\
# turning
equipment:
  - id: L1
    control_type: CNC   # checked by Wang
    # serial is on the back
    serial: "7"
  # the old ones
  - id: L2
    control_type: manual
  # milling
  - id: V1
    control_type: CNC
""",
        "utf-8",
    )
    wanted = records(path)
    wanted[MACHINE, "L1"] = wanted[MACHINE, "L1"] | {"serial": "8"}
    del wanted[MACHINE, "L2"]
    assert changed_lines(path.read_text("utf-8"), prepare(read_current(path), wanted).text) == [
        '-     serial: "7"',
        "+     serial: '8'",
        "-   - id: L2",
        "-     control_type: manual",
    ]


def test_a_file_of_windows_keeps_its_line_ends(tmp_path):
    """CRLF and the byte order mark stay."""
    path = tmp_path / "agent.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + HEAD.replace("\n", "\r\n").encode())
    edit = change((MACHINE, "L1"), {"id": "L1", "control_type": "CNC"}, path=path)
    assert edit.text.startswith("\ufeffgateway")
    assert edit.text.count("\r\n") == edit.text.count("\n")
    apply(edit, Journal(tmp_path / "j"), BY)
    assert records(path)[MACHINE, "L1"] == {"id": "L1", "control_type": "CNC"}


def test_an_edit_is_in_the_journal_under_its_author(file, tmp_path):
    """The history begins with the file as it was, then has the change and who made it."""
    journal = Journal(tmp_path / "j")
    edit = change((PROCESS, "inspection"), None, path=file)
    (entry,) = apply(edit, journal, BY)
    assert (entry.who, entry.source, entry.after) == ("王工", Source.PAGE, None)
    history = History.of(journal.read().entries)
    assert [one.who for one in history.batches] == ["agent.yaml", "王工"]
    assert history.batches[-1].after.records() == records(file)
    assert (
        apply(change((PROCESS, "edm"), records(file)[PROCESS, "edm"], path=file), journal, BY) == ()
    )


@pytest.mark.parametrize(
    ("key", "record", "code"),
    [
        ((MACHINE, "L5"), {"id": "L5", "control_type": "steam"}, "E1105"),
        ((MACHINE, "L5"), {"id": "L5", "control_type": "CNC", "processes": ["nope"]}, "E1204"),
        ((MACHINE, "L5"), {"id": "L5", "control_type": "CNC", "part_of": "L5"}, "E1703"),
        ((MACHINE, "L5"), {"id": "L5", "control_type": "CNC", "location": "nope"}, "E1701"),
        ((PROCESS, "turning"), None, "E1204"),
    ],
)
def test_an_error_changes_nothing(file, key, record, code):
    """A change that would make the file wrong is refused with the problem, the file stays."""
    before = file.read_bytes()
    with pytest.raises(ConfigError) as caught:
        change(key, record, path=file)
    assert code in [one.code for one in caught.value.problems]
    assert file.read_bytes() == before


def test_a_damaged_journal_stops_the_edit(file, tmp_path):
    """What cannot be written down is not done."""
    journal = Journal(tmp_path / "j")
    journal.path.write_text("{}\n")
    before = file.read_bytes()
    with pytest.raises(JournalDamaged):
        apply(change((PROCESS, "inspection"), None, path=file), journal, BY)
    assert file.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir() if one.suffix == ".new"] == []


def test_what_cannot_be_edited_is_told(tmp_path):
    """A section on one line is left alone, and the person told how to write it."""
    path = tmp_path / "agent.yaml"
    path.write_text(HEAD + "equipment: [{id: L1, control_type: CNC}]\n", "utf-8")
    with pytest.raises(ConfigError) as caught:
        change((MACHINE, "L1"), {"id": "L1", "control_type": "NC"}, path=path)
    (found,) = caught.value.problems
    assert (found.code, found.where) == ("E1708", "equipment")


@settings(max_examples=20, deadline=None, phases=QUICK, suppress_health_check=SLOW)
@given(st.lists(any_ledger(), min_size=2, max_size=3))
def test_any_ledger_becomes_any_other(tmp_path_factory, ledgers):
    """Whatever stands in the file, editing makes it say exactly what was wanted."""
    folder = tmp_path_factory.mktemp("edit")
    path, journal = folder / "agent.yaml", Journal(folder / "j")
    path.write_text(HEAD, "utf-8")
    for number, one in enumerate(ledgers):
        edit = prepare(read_current(path), one.records())
        apply(edit, journal, Signed("t", Source.PAGE, number, date(2026, 1, 1)))
        assert records(path) == one.records()
        assert "# remark on the id" in path.read_text("utf-8")
    assert verify(journal.lines()) is None


def test_figures_of_the_enterprise_are_in_no_line_of_the_journal(file, tmp_path):
    """Revenue and staff are edited in the file, and never written into the journal."""
    journal = Journal(tmp_path / "j")
    key = (RecordKind.ENTERPRISE, "")
    record = Declared.of(read_config(file)[0]).written()[key]
    apply(change(key, record | {"size": {"year": 2026, "revenue_wan": 98765.0}}, path=file),
          journal, BY)  # fmt: skip
    assert read_config(file)[0].enterprise.size.revenue_wan == 98765
    text = journal.path.read_text("utf-8")
    assert "高端装备" in text
    assert "size" not in text
    assert "98765" not in text


def test_what_somebody_else_changed_meanwhile_is_not_overwritten(file, tmp_path):
    """An edit prepared on an older text is refused; file and journal stay as they are."""
    edit = change((PROCESS, "inspection"), None, path=file)
    other = file.read_text("utf-8") + "# 李工的注释\n"
    file.write_text(other, "utf-8")
    with pytest.raises(ConfigError) as refused:
        apply(edit, Journal(tmp_path / "j"), BY)
    assert [one.code for one in refused.value.problems] == ["E1714"]
    assert file.read_text("utf-8") == other
    assert not (tmp_path / "j").exists()


def test_a_link_stays_a_link_and_rights_stay(file, tmp_path):
    """The file behind a link is changed, with the rights and the owner it had."""
    link = tmp_path / "linked.yaml"
    link.symlink_to(file)
    file.chmod(0o664)
    before = file.stat()
    apply(change((PROCESS, "inspection"), None, path=link), Journal(tmp_path / "j"), BY)
    after = file.stat()
    assert link.is_symlink()
    assert (after.st_mode, after.st_uid, after.st_gid) == (
        before.st_mode, before.st_uid, before.st_gid,
    )  # fmt: skip
    assert (PROCESS, "inspection") not in records(file)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
def test_who_may_read_the_file_may_read_it_afterwards(file, tmp_path):
    """A file of root that a group reads keeps its group where an agent of that group edits it."""
    tmp_path.chmod(0o777)
    os.chown(file, 0, SHARED_GROUP)
    file.chmod(0o640)
    script = (
        "import os\n"
        "from pathlib import Path\n"
        "from agent.ledger.edit import _beside\n"
        f"os.setgroups([{SHARED_GROUP}]); os.setgid({NOBODY}); os.setuid({NOBODY})\n"
        "_beside(Path('agent.yaml'), b'new').replace('agent.yaml')\n"
    )
    paths = os.pathsep.join(path for path in sys.path if path)
    subprocess.run(
        [sys.executable, "-P", "-c", script], cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": paths}, check=True,
    )  # fmt: skip
    after = file.stat()
    assert (after.st_gid, stat.S_IMODE(after.st_mode)) == (SHARED_GROUP, 0o640)
    assert file.read_bytes() == b"new"
