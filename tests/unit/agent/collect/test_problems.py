"""What a person is told of an error: what happened and what to do, in both languages."""

from __future__ import annotations

import pytest

from agent.collect.problems import problem_of
from drivers.api import (
    AccessError,
    AddressError,
    AddressProblem,
    Busy,
    ConnectError,
    DriverError,
    NoReply,
    SessionLost,
    Silent,
)

LINK = "modbus-tcp://10.0.0.5:502"


@pytest.mark.parametrize(
    ("error", "en", "zh"),
    [
        (NoReply("unit 3 is silent", device="d"), "unit 3 is silent.", "站号"),
        (ConnectError("refused", hint="Check the cable."), "refused. Check the cable.", "网线"),
        (AccessError("bad password"), "bad password.", "密码"),
        (AddressError([AddressProblem("x", "4x0", "no such")]), "x: '4x0': no such.", "点表"),
        (SessionLost("reset by peer"), "reset by peer.", "自动重连"),
        (DriverError("odd."), "odd.", "采集出错"),
        (Busy("later", wait_s=1), "later.", "采集出错"),
        (TimeoutError(), "no answer in time", "网线"),
        (ValueError("bug"), "The driver failed: ValueError: bug.", "驱动程序异常"),
    ],
)
def test_every_error_says_what_to_do(error, en, zh):
    """The English text says what was seen; the Chinese one what a plant electrician can do."""
    problem = problem_of(error, LINK)
    assert en in problem.en
    assert zh in problem.zh
    assert problem.en.endswith(".")


def test_a_drivers_own_chinese_comes_first():
    """What the driver says in Chinese is shown as it is, its hint behind it."""
    error = Silent("unit 3 is silent", device="d", zh="3 号站没有应答", hint_zh="请核对站号。")
    assert problem_of(error, LINK).zh == "3 号站没有应答。请核对站号。"
    bare = ConnectError("refused", zh="连接被拒绝。")
    assert problem_of(bare, LINK).zh == "连接被拒绝。"


def test_silence_is_told_with_what_to_check():
    """Without words of its own, silence of one device points to its power, wires and unit id."""
    problem = problem_of(Silent("unit 3 is silent", device="d"), LINK)
    assert problem.en == "unit 3 is silent."
    assert "站号" in problem.zh
