"""Lines over a serial port of this gateway. Opened for us alone; never retries."""

from __future__ import annotations

import asyncio
import errno
from typing import TYPE_CHECKING, Final

from drivers.api import AccessError, ConnectError
from drivers.modbus.link import SerialLine
from drivers.modbus.wire.line import Line

if TYPE_CHECKING:
    from serial import Serial

    from drivers.api import DriverError
    from drivers.modbus.link import ModbusLink

_PARITY: Final = {"none": "N", "even": "E", "odd": "O"}
_BUSY = {errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK}


async def open_port(link: ModbusLink) -> Line:
    """Open the serial port.

    Raises:
        ConnectError: there is no such port, another program holds it, or it cannot do this speed.
        AccessError: we may not use it.
    """
    import termios  # a gateway without serial lines does without

    import serial
    import serial_asyncio_fast

    loop = asyncio.get_running_loop()
    line = Line(link)
    opening = loop.run_in_executor(None, _opened, link)
    try:
        async with asyncio.timeout(link.connect_timeout_s):
            port = await asyncio.shield(opening)
    except (serial.SerialException, termios.error, OSError, ValueError) as error:
        opening.add_done_callback(_close)
        raise _worded(link, error) from error
    except asyncio.CancelledError:
        # whoever opens it next must not find it held by a thread of ours
        opening.add_done_callback(_close)
        await asyncio.wait({opening}, timeout=link.connect_timeout_s)
        raise
    transport, _ = await serial_asyncio_fast.connection_for_serial(loop, lambda: line, port)
    # the library tells the line a turn later, when a read may have begun
    line.connection_made(transport)
    return line


def _opened(link: ModbusLink) -> Serial:
    """Open the port for us alone; may take its time, and is run in a thread."""
    import serial

    told = link.serial or SerialLine(9600)
    return serial.serial_for_url(
        link.host,
        baudrate=told.baud,
        bytesize=told.data_bits,
        parity=_PARITY[told.parity],
        stopbits=told.stop_bits,
        exclusive=True,
    )


def _close(opening: asyncio.Future[Serial]) -> None:
    """Close a port that nobody waits for any more."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()


def _worded(link: ModbusLink, error: Exception) -> DriverError:
    """Say what is the matter with a port that cannot be opened."""
    number = getattr(error, "errno", None)
    if number in {errno.EACCES, errno.EPERM}:
        return AccessError(
            f"{link}: no permission to use the port",
            zh=f"{link}：没有使用该串口的权限",
            hint="add the user the agent runs as to the group dialout and restart the agent",
            hint_zh="把运行本程序的用户加入 dialout 组，然后重启程序",
        )
    if number in {errno.ENOENT, errno.ENODEV, errno.ENXIO}:
        return ConnectError(
            f"{link}: there is no such port",
            zh=f"{link}：没有这个串口",
            hint="check that the adapter is plugged in; `ls /dev/serial/by-id` lists the ports",
            hint_zh="检查 USB 转串口是否插好；用 ls /dev/serial/by-id 查看有哪些串口",
        )
    if number in _BUSY or "exclusively lock" in str(error):
        return ConnectError(
            f"{link}: another program uses the port",
            zh=f"{link}：该串口正被别的程序占用",
            hint="close the other program (a configuration tool, a terminal, a second agent)",
            hint_zh="请关闭占用串口的程序（调试工具、终端，或另一个采集程序）",
        )
    return ConnectError(
        f"{link} cannot be opened: {error}",
        zh=f"无法打开 {link}：{error}",
        hint="check the path, and that the port can do this speed, parity and number of bits",
        hint_zh="检查串口路径，以及该串口是否支持所设的波特率、校验位和数据位",
    )
