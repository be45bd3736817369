"""Writing to a device that misbehaves: once, confirmed by echo and fresh read, or told why not."""

import asyncio
import struct

import pytest

from drivers.api import Access, DataType, SessionLost, Tag
from drivers.modbus import DRIVER

U16, F32 = DataType.UINT16, DataType.FLOAT32


def writable(address, data_type=U16, name="t"):
    return Tag(name, address, data_type, access=Access.READ_WRITE)


class Memory:
    """A device of registers and coils whose writes a test spoils."""

    def __init__(self, peer, wire_format):
        self.registers, self.coils = {}, {}
        self.spoil = lambda function, pdu: pdu
        self._frame = wire_format.frame
        self.functions = []
        peer.answer = self.answer

    def answer(self, request):
        transaction, _, _, unit, function, start, count = struct.unpack(">HHHBBHH", request[:12])
        self.functions.append(function)
        if function in {5, 6}:
            (self.coils if function == 5 else self.registers)[start] = count
            pdu = self.spoil(function, request[7:12])
        elif function == 16:
            words = struct.unpack(f">{count}H", request[13:])
            self.registers |= dict(enumerate(words, start))
            pdu = self.spoil(function, request[7:12])
        elif function == 1:
            pdu = self.spoil(1, bytes([1, 1, 0xFE | bool(self.coils.get(start))]))
        else:
            words = [self.registers.get(start + at, 0) for at in range(count)]
            pdu = self.spoil(3, struct.pack(f">BB{count}H", 3, 2 * count, *words))
        return (
            pdu
            if pdu is None or not isinstance(pdu, bytes)
            else self._frame(transaction, unit, pdu)
        )


@pytest.fixture
def memory(peer, wire_format):
    return Memory(peer, wire_format)


async def written(peer, tag=None, value=1234, **settings):
    """Write one value; give the result."""
    tag = tag or writable("hr:2")
    config = peer.config(**settings)
    plan = DRIVER.plan(config, [tag], device="d", group="g")
    async with DRIVER.open(DRIVER.link(config)) as session:
        (result,) = await session.write(plan, {tag: value})
    return result


@pytest.mark.parametrize(
    ("tag", "value", "function"),
    [
        (writable("co:2", DataType.BOOL), True, 5),
        (writable("co:2", DataType.BOOL), False, 5),
        (writable("hr:2"), 9, 6),
        (writable("hr:2", F32), 1.5, 16),
    ],
)
async def test_each_write_has_its_function(peer, memory, tag, value, function):
    """A coil is function 5, one register 6, several 16; then exactly they are read back."""
    result = await written(peer, tag, value)
    assert result.written
    assert memory.functions == [function, 1 if function == 5 else 3]
    assert peer.requests[1][8:12] == struct.pack(">HH", 2, 2 if function == 16 else 1)


async def test_a_device_without_function_6_is_written_with_16(peer, memory):
    """`write_multiple` leaves function 6 out."""
    assert (await written(peer, write_multiple=True)).written
    assert memory.functions == [16, 3]
    assert memory.registers == {2: 1234}


@pytest.mark.parametrize("at", range(4))
@pytest.mark.parametrize("ids", ["strict", "unit", "off"])
async def test_an_echo_that_differs_is_not_a_confirmation(peer, memory, at, ids):
    """Each byte of address and value in the answer is compared, whatever the register holds."""
    memory.spoil = lambda function, pdu: (
        pdu[: at + 1] + bytes([pdu[at + 1] ^ 1]) + pdu[at + 2 :] if function == 6 else pdu
    )
    result = await written(peer, transaction_ids=ids)
    assert (result.written, result.reason) == (False, "BadUnknownResponse")


@pytest.mark.parametrize("tag", [writable("hr:2"), writable("hr:2", F32)])
async def test_a_device_that_confirms_and_does_not_take_is_found_out(peer, memory, tag):
    """A value that is confirmed and then reads differently is not written."""
    memory.spoil = lambda function, pdu: memory.registers.update({2: 5}) or pdu
    result = await written(peer, tag, 1.5 if tag.data_type is F32 else 1234)
    assert (result.written, result.reason) == (False, "BadReadBackDiffers")


async def test_a_coil_is_judged_by_its_own_bit(peer, memory):
    """What a device puts into the rest of the byte does not matter, its bit does."""
    assert (await written(peer, writable("co:2", DataType.BOOL), value=True)).written
    memory.spoil = lambda function, pdu: b"\x01\x01\xfe" if function == 1 else pdu
    result = await written(peer, writable("co:2", DataType.BOOL), value=True)
    assert result.reason == "BadReadBackDiffers"


async def test_what_cannot_be_read_back_is_not_confirmed(peer, memory):
    """A device that confirms the write and refuses to be read has confirmed nothing."""
    memory.spoil = lambda function, pdu: b"\x83\x02" if function == 3 else pdu
    result = await written(peer)
    assert (result.written, result.reason) == (False, "BadReadBackFailed")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (1, "BadNotSupported"),
        (2, "BadConfigurationError"),
        (3, "BadOutOfRange"),
        (4, "BadDeviceFailure"),
        (0x0A, "BadNoCommunication"),
        (0x63, "BadUnknownResponse"),
    ],
)
async def test_a_refusal_is_told_and_not_tried_again(peer, memory, code, reason):
    """An exception is the device's last word: nothing more is sent."""
    memory.spoil = lambda function, pdu: bytes([0x80 | function, code])
    result = await written(peer)
    assert (result.written, result.reason) == (False, reason)
    assert memory.functions == [6]


@pytest.mark.parametrize(
    ("code", "reason"),
    [(5, "BadResourceUnavailable"), (6, "BadResourceUnavailable"), (0x0B, "BadTimeout")],
)
@pytest.mark.parametrize("taken", [True, False])
async def test_where_nobody_knows_the_read_back_decides(peer, memory, code, reason, taken):
    """After busy, or a gateway's time-out, the value counts as written only if it is there."""

    def spoil(function, pdu):
        if function == 3:
            return pdu
        if not taken:
            memory.registers.clear()
        return bytes([0x80 | function, code])

    memory.spoil = spoil
    result = await written(peer)
    assert (result.written, result.reason) == ((True, "") if taken else (False, reason))
    assert memory.functions == [6, 3]


async def test_silence_is_not_knowing(peer, memory):
    """Without an answer the reason says that nobody knows; the value is not sent again."""
    memory.spoil = lambda function, pdu: None
    result = await written(peer, timeout_s=0.1)
    assert (result.written, result.reason) == (False, "BadTimeout")
    assert memory.functions == [6]


async def test_a_connection_that_ends_is_not_knowing(peer, memory):
    """A device that closes the connection instead of answering may have taken the value."""
    memory.spoil = lambda function, pdu: peer.CUT
    result = await written(peer)
    assert (result.written, result.reason) == (False, "BadConnectionClosed")


async def test_after_a_silence_nothing_more_is_sent_on_that_connection(peer, memory):
    """The values after one that was lost are not sent; the session says that it is over."""
    memory.spoil = lambda function, pdu: None
    tags = [writable("hr:2", U16, "a"), writable("hr:3", U16, "b")]
    config = peer.config(timeout_s=0.1)
    plan = DRIVER.plan(config, tags, device="d", group="g")
    async with DRIVER.open(DRIVER.link(config)) as session:
        results = await session.write(plan, dict.fromkeys(tags, 5))
        assert [one.reason for one in results] == ["BadTimeout", "BadConnectionClosed"]
        with pytest.raises(SessionLost):
            await session.read(plan)
    assert memory.functions == [6]


async def test_writes_take_their_turn_among_reads(peer, memory):
    """Reads and writes that overlap are all answered, each with its own answer."""
    tag, beside = writable("hr:2"), Tag("b", "hr:40", U16)
    config = peer.config(max_gap=0)
    plan = DRIVER.plan(config, [tag, beside], device="d", group="g")
    async with DRIVER.open(DRIVER.link(config)) as session:
        reads = [asyncio.create_task(session.read(plan)) for _ in range(20)]
        results = [(await session.write(plan, {tag: value}))[0].written for value in range(1, 11)]
        frames = await asyncio.gather(*reads)
    assert all(results)
    assert len(results) == 10
    assert all(frame.good and frame.values[0] in range(11) for frame in frames)


async def test_a_cancelled_write_leaves_no_answer_for_the_next(peer, memory):
    """Whoever stops waiting ends the connection: no late echo can be taken for an answer."""
    memory.spoil = lambda function, pdu: None
    tag = writable("hr:2")
    config = peer.config()
    plan = DRIVER.plan(config, [tag], device="d", group="g")
    async with DRIVER.open(DRIVER.link(config)) as session:
        task = asyncio.create_task(session.write(plan, {tag: 5}))
        await peer.until_asked(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(SessionLost):
            await session.read(plan)
