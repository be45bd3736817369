"""Personalities that spoil frames, their pieces, and whole connections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from simulators.modbus.drafts import Collection, Stage, bytes_of

if TYPE_CHECKING:
    from random import Random

    from simulators.modbus.drafts import Draft

ON_WIRE: Final = Collection()
"""The personalities of this module."""

_HEADER_BYTES: Final = 8
_FLOOD_PIECE_BYTES: Final = 65_536
_FLOOD_BYTES_PER_S: Final = 20_000_000


@ON_WIRE.enter(
    "length",
    "this length in the header (RTU: 255 bytes announced)",
    "长度字段为该值（RTU 则声称 255 字节）",
    default="65535",
    stage=Stage.FRAME,
)
def _length(draft: Draft, value: str, _dice: Random) -> bool:
    frame = bytearray(draft.frame)
    if draft.framing == "tcp":
        frame[4:6] = (int(float(value)) & 0xFFFF).to_bytes(2, "big")
    elif draft.framing == "rtu":
        frame[2] = 0xFF
    else:
        frame[5:7] = b"FF"
    draft.frame = bytes(frame)
    return True


@ON_WIRE.enter(
    "short",
    "the last bytes of the answer are missing",
    "应答缺少末尾若干字节",
    default="1",
    stage=Stage.FRAME,
)
def _short(draft: Draft, value: str, _dice: Random) -> bool:
    draft.frame = draft.frame[: max(len(draft.frame) - int(float(value)), 0)]
    return True


@ON_WIRE.enter(
    "long", "surplus bytes behind the answer", "应答后有多余字节", default="2", stage=Stage.FRAME
)
def _long(draft: Draft, value: str, dice: Random) -> bool:
    draft.frame += dice.randbytes(int(float(value)))
    return True


@ON_WIRE.enter(
    "noise",
    "one byte is damaged (TCP: of the header)",
    "一个字节被干扰（TCP 则在报文头）",
    stage=Stage.FRAME,
)
def _noise(draft: Draft, _value: str, dice: Random) -> bool:
    frame = bytearray(draft.frame)
    reach = _HEADER_BYTES if draft.framing == "tcp" else len(frame)
    frame[dice.randrange(reach)] ^= 1 << dice.randrange(8)
    draft.frame = bytes(frame)
    return True


@ON_WIRE.enter(
    "garbage",
    "so many random bytes before the answer",
    "应答前有若干乱码字节",
    default="5",
    stage=Stage.FRAME,
)
def _garbage(draft: Draft, value: str, dice: Random) -> bool:
    draft.frame = dice.randbytes(int(float(value))) + draft.frame
    return True


@ON_WIRE.enter(
    "merged",
    "the answer before once more, in the same segment",
    "与上一条应答合并在同一报文段",
    stage=Stage.FRAME,
)
def _merged(draft: Draft, _value: str, _dice: Random) -> bool:
    draft.frame += draft.previous or draft.frame
    return True


@ON_WIRE.enter(
    "torn",
    "in random pieces, at most so many seconds apart",
    "随机拆成几段发送，间隔至多若干秒",
    default="0.002",
    stage=Stage.PIECES,
)
def _torn(draft: Draft, value: str, dice: Random) -> bool:
    cuts = sorted(dice.sample(range(1, len(draft.frame)), min(3, len(draft.frame) - 1)))
    ends = [*cuts, len(draft.frame)]
    draft.pieces = [
        (dice.random() * float(value), draft.frame[start:end])
        for start, end in zip([0, *cuts], ends, strict=True)
    ]
    return True


@ON_WIRE.enter(
    "duplicate",
    "the same answer twice, so many seconds apart",
    "同一应答发送两次，相隔若干秒",
    default="0.001",
    stage=Stage.PIECES,
)
def _duplicate(draft: Draft, value: str, _dice: Random) -> bool:
    draft.pieces = [(0.0, draft.frame), (float(value), draft.frame)]
    return True


@ON_WIRE.enter(
    "drip",
    "one byte each so many seconds",
    "每隔若干秒只发一个字节",
    default="0.1",
    stage=Stage.PIECES,
)
def _drip(draft: Draft, value: str, _dice: Random) -> bool:
    draft.pieces = [(float(value), bytes([byte])) for byte in draft.frame]
    return True


@ON_WIRE.enter(
    "flood",
    "begins well, then sends so many megabytes at 20 MB/s",
    "开头正常，随后以 20 MB/s 灌入若干兆字节",
    default="20",
    stage=Stage.PIECES,
)
def _flood(draft: Draft, value: str, dice: Random) -> bool:
    piece = dice.randbytes(_FLOOD_PIECE_BYTES)
    times = int(float(value) * 1e6 / _FLOOD_PIECE_BYTES)
    wait_s = _FLOOD_PIECE_BYTES / _FLOOD_BYTES_PER_S
    draft.pieces = [(0.0, draft.frame[:-1]), *[(wait_s, piece)] * times]
    return True


@ON_WIRE.enter(
    "cut", "closes in the middle of the answer", "应答发到一半即断开连接", stage=Stage.PIECES
)
def _cut(draft: Draft, _value: str, _dice: Random) -> bool:
    draft.pieces = [(0.0, draft.frame[: len(draft.frame) // 2])]
    draft.close = True
    return True


@ON_WIRE.enter("close-each", "closes after each answer", "每次应答后即断开连接", stage=Stage.PIECES)
def _close_each(draft: Draft, _value: str, _dice: Random) -> bool:
    draft.close = True
    return True


@ON_WIRE.enter(
    "reboot",
    "restarts instead of answering, away for so many seconds",
    "不应答而重启，离线若干秒",
    default="0.5",
    stage=Stage.PIECES,
)
def _reboot(draft: Draft, value: str, _dice: Random) -> bool:
    draft.pieces = []
    draft.reboot_s = float(value)
    return True


@ON_WIRE.enter(
    "heartbeat",
    "these bytes glued before the answer, as a DTU's heartbeat (text or hex:0A0B)",
    "应答前粘连这些字节，如 DTU 心跳包（文本或 hex:0A0B）",
    default="HEARTBEAT",
    stage=Stage.FRAME,
    text=True,
)
def _heartbeat(draft: Draft, value: str, _dice: Random) -> bool:
    draft.frame = bytes_of(value) + draft.frame
    return True


# whole connections: the bus asks for these by name


@ON_WIRE.enter(
    "one-client",
    "further connections are closed at once while there is one",
    "只允许一个连接，其余立即断开",
    stage=Stage.CONNECTION,
)
@ON_WIRE.enter(
    "idle-close",
    "closes a connection after so many seconds without a request",
    "连接空闲若干秒后断开",
    default="1",
    stage=Stage.CONNECTION,
)
@ON_WIRE.enter(
    "slow-start",
    "keeps silent for so many seconds after each connection",
    "连接建立后若干秒内不应答",
    default="1",
    stage=Stage.CONNECTION,
)
def _of_connections(_draft: Draft, _value: str, _dice: Random) -> bool:
    return False
