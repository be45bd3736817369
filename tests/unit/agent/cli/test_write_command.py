"""`chulian write`: what a person is shown, asked and told."""

import os

import pytest

from agent.cli import write as command
from agent.cli.main import main
from agent.control.client import NoAnswer
from agent.control.outcome import Fate, Order, Outcome
from agent.control.server import local_user
from agent.telemetry.status import Message

CONFIG = """\
gateway: {id: gw-1}
enterprise: {id: ent-1}
store: {path: s.db}
publish: [{url: "mqtt://127.0.0.1:1"}]
devices:
  - id: oven
    driver: modbus
    host: 127.0.0.1
    port: 1
    tags: [{name: sp, address: "hr:1", type: int16, write: {min: 0, max: 9}}]
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "agent.yaml"
    path.write_text(CONFIG)
    return path


def outcome(fate, **more):
    return Outcome(fate, "oven", "sp", Message("because", "因为"), **more)


@pytest.mark.parametrize(
    ("fate", "code", "exit_code"),
    [
        (Fate.CONFIRMED, "", 0),
        (Fate.ACCEPTED, "", 0),
        (Fate.UNCONFIRMED, "BadTimeout", 1),
        (Fate.REFUSED, "too_soon", 2),
        (Fate.REFUSED, "offline", 3),
        (Fate.UNREACHABLE, "no_answer", 3),
    ],
)
@pytest.mark.parametrize(("lang", "said"), [("en", "because"), ("zh", "因为")])
def test_every_fate_has_its_code_and_words(  # noqa: PLR0917 - pytest passes by name
    config, monkeypatch, capsys, fate, code, exit_code, lang, said
):
    """The exit code follows the fate; the sentence is in the reader's language."""
    given = [outcome(Fate.READY, old=1, new=2), outcome(fate, code=code)]
    monkeypatch.setattr(command, "hand_in", lambda *_: given.pop(0))
    words = ["write", "-c", str(config), "--lang", lang, "oven", "sp", "2", "--yes"]
    assert main(words) == exit_code
    assert said in capsys.readouterr().out


def test_an_agent_that_does_not_answer_is_not_knowing(config, monkeypatch, capsys):
    """A lost answer of the agent is told as such, with exit code 1."""

    def lost(*_):
        raise NoAnswer("gone")

    monkeypatch.setattr(command, "hand_in", lost)
    assert main(["write", "-c", str(config), "--lang", "zh", "oven", "sp", "2"]) == 1
    assert "数值可能已写入" in capsys.readouterr().err


def test_who_has_no_right_is_told_whose_it_is(config, monkeypatch, capsys):
    """A socket of another user is exit code 2, and nothing is tried around it."""

    def refused(*_):
        raise PermissionError

    monkeypatch.setattr(command, "hand_in", refused)
    monkeypatch.setattr("agent.cli.write_direct.carry_out", pytest.fail)
    assert main(["write", "-c", str(config), "--lang", "en", "oven", "sp", "2"]) == 2
    assert "s.db.control" in capsys.readouterr().err


def test_root_leaves_no_files_to_another_user(tmp_path):
    """In the folder of another user, root is sent to that user instead of making files there."""
    if os.geteuid() == 0:
        os.chown(tmp_path, 4_000_007, -1)
    with pytest.raises(command._Stop) as stopped:
        command._refuse_root(tmp_path, euid=0)
    owner = local_user(tmp_path.stat().st_uid)
    assert f"sudo -u {owner} chulian write" in stopped.value.message.en
    assert stopped.value.code == 2
    command._refuse_root(tmp_path, euid=tmp_path.stat().st_uid)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "-"),
        (True, "1 V"),
        (False, "0 V"),
        (207 * 0.1, "20.7 V"),
        (36.599998474121094, "36.59999847 V"),
        (5, "5 V"),
        (2**63, "9223372036854775808 V"),
    ],
)
def test_values_are_shown_as_people_write_them(value, shown):
    """No digits of binary arithmetic, no digit of a whole number lost."""
    assert command._shown(value, "V") == shown


def test_the_limits_are_shown_before_the_question():
    """Device, point, both values, the limits with their step, and who writes."""
    preview = outcome(Fate.READY, old=1, new=2, unit="V", min=0.0, max=9.5, step=0.5)
    lines = command._preview_lines(preview, Order("oven", "sp", "2", "zhang"), lang="zh")
    assert lines == [
        "oven  sp",
        "  当前值: 1 V",
        "  新值: 2 V",
        "  允许范围: 0 … 9.5, 步长 0.5",
        "  操作人: zhang",
    ]
