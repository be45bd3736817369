"""Personalities whose answers say the wrong thing, at the wrong time, or nothing.

What would be a wrong value if a reader took it carries wrong bytes, so that it shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from simulators.modbus.drafts import Collection, Stage
from simulators.modbus.units import TABLE_OF, exception

if TYPE_CHECKING:
    from random import Random

    from simulators.modbus.drafts import Draft

CONTENT: Final = Collection()
"""The personalities of this module."""


@CONTENT.enter(
    "late",
    "answers so many seconds late, in order",
    "应答迟到（秒），次序不变",
    default="2",
    stage=Stage.CONTENT,
)
def _late(draft: Draft, value: str, _dice: Random) -> bool:
    draft.delay_s += float(value)
    return True


@CONTENT.enter(
    "late-other",
    "the same, into whatever connection is open by then, as transparent serial servers do",
    "应答迟到，并发到届时已打开的任一连接（透明串口服务器即如此）",
    default="2",
    stage=Stage.CONTENT,
)
def _late_other(draft: Draft, value: str, _dice: Random) -> bool:
    draft.delay_s += float(value)
    draft.elsewhere = True
    return True


@CONTENT.enter("id-zero", "transaction id always 0", "事务标识始终为 0", stage=Stage.CONTENT)
def _id_zero(draft: Draft, _value: str, _dice: Random) -> bool:
    draft.transaction = 0
    return True


@CONTENT.enter(
    "id-constant",
    "transaction id always the same",
    "事务标识固定不变",
    default="7",
    stage=Stage.CONTENT,
)
def _id_constant(draft: Draft, value: str, _dice: Random) -> bool:
    draft.transaction = int(float(value)) & 0xFFFF
    return True


@CONTENT.enter(
    "id-plus-one", "transaction id of the next request", "事务标识总是多 1", stage=Stage.CONTENT
)
def _id_plus_one(draft: Draft, _value: str, _dice: Random) -> bool:
    draft.transaction = draft.transaction + 1 & 0xFFFF
    return True


@CONTENT.enter(
    "wrong-unit",
    "another unit answers, with its own data",
    "别的从站应答（数据也是它的）",
    stage=Stage.CONTENT,
)
def _wrong_unit(draft: Draft, _value: str, _dice: Random) -> bool:
    draft.unit = draft.unit % 247 + 1
    return _inverted(draft)


@CONTENT.enter(
    "own-name",
    "the gateway answers in its own name; the data are right",
    "网关以自己的站号应答，数据正确",
    default="0",
    stage=Stage.CONTENT,
)
def _own_name(draft: Draft, value: str, _dice: Random) -> bool:
    draft.unit = int(float(value)) & 0xFF
    return True


@CONTENT.enter(
    "wrong-function", "answers as to another function", "功能码不符", stage=Stage.CONTENT
)
def _wrong_function(draft: Draft, _value: str, _dice: Random) -> bool:
    if not _inverted(draft) or draft.pdu is None:
        return False
    draft.pdu = bytes([{1: 2, 2: 1, 3: 4, 4: 3}[draft.pdu[0]]]) + draft.pdu[1:]
    return True


@CONTENT.enter(
    "count-short", "one register fewer than asked for", "少返回一个寄存器", stage=Stage.CONTENT
)
def _count_short(draft: Draft, _value: str, _dice: Random) -> bool:
    return _counted(draft, -2)


@CONTENT.enter(
    "count-long", "one register more than asked for", "多返回一个寄存器", stage=Stage.CONTENT
)
def _count_long(draft: Draft, _value: str, _dice: Random) -> bool:
    return _counted(draft, 2)


@CONTENT.enter("count-odd", "an odd number of bytes", "字节数为奇数", stage=Stage.CONTENT)
def _count_odd(draft: Draft, _value: str, _dice: Random) -> bool:
    return _counted(draft, -1)


@CONTENT.enter(
    "count-lying",
    "a byte count that is not that of the data",
    "字节数字段与数据不符",
    stage=Stage.CONTENT,
)
def _count_lying(draft: Draft, _value: str, dice: Random) -> bool:
    if not _inverted(draft) or draft.pdu is None:
        return False
    draft.pdu = (
        bytes([draft.pdu[0], draft.pdu[1] + dice.choice((-2, -1, 1, 2)) & 0xFF]) + (draft.pdu[2:])
    )
    return True


@CONTENT.enter(
    "exception", "refuses with this exception", "返回该异常码", default="4", stage=Stage.CONTENT
)
def _exception(draft: Draft, value: str, _dice: Random) -> bool:
    draft.pdu = exception(draft.request.pdu[0], int(float(value)) & 0xFF)
    return True


@CONTENT.enter(
    "busy",
    "exception 6 (or 5): come back later",
    "忙：异常码 6（或 5）",
    default="6",
    stage=Stage.CONTENT,
)
def _busy(draft: Draft, value: str, dice: Random) -> bool:
    return _exception(draft, value, dice)


@CONTENT.enter("dead", "never answers", "从不应答", stage=Stage.CONTENT)
def _dead(draft: Draft, _value: str, _dice: Random) -> bool:
    draft.pdu = None
    return True


def _inverted(draft: Draft) -> bool:
    """Turn the data of a read answer round, so that nobody can take it for the right one."""
    if draft.pdu is None or draft.pdu[0] not in TABLE_OF:
        return False
    draft.pdu = draft.pdu[:2] + bytes(byte ^ 0xFF for byte in draft.pdu[2:])
    return True


def _counted(draft: Draft, more: int) -> bool:
    """Give a read answer more or fewer bytes than asked for, consistently counted."""
    if not _inverted(draft) or draft.pdu is None:
        return False
    content = draft.pdu[2:]
    content = content + bytes(more) if more > 0 else content[: max(len(content) + more, 0)]
    draft.pdu = bytes([draft.pdu[0], len(content) & 0xFF]) + content
    return True
