"""What may be the matter with a DTU that dials in, worded in both languages. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.api import ConnectError, SessionLost

if TYPE_CHECKING:
    from drivers.modbus.link import ModbusLink


def absent(link: ModbusLink) -> ConnectError:
    """Word that the DTU did not come."""
    return ConnectError(
        f"{link}: the DTU has not dialled in within {link.connect_timeout_s:g} s",
        zh=f"{link}：DTU 在 {link.connect_timeout_s:g} 秒内没有拨入",
        hint="check the DTU's power, SIM card and signal, the address and port it dials, and that "
        "its registration is the configured one",
        hint_zh="检查 DTU 的电源、SIM 卡和信号，它拨号的地址和端口，以及注册包是否与配置一致",
    )


def cannot_listen(link: ModbusLink, error: OSError) -> ConnectError:
    """Word that the port cannot be opened."""
    return ConnectError(
        f"{link}: cannot listen there: {error}",
        zh=f"{link}：无法在该地址监听：{error}",
        hint="check that the address is one of this gateway's own and that no other program uses "
        "the port; 0.0.0.0 means every address",
        hint_zh="确认该地址是本网关自己的，端口没有被别的程序占用；0.0.0.0 表示所有地址",
    )


def wanted_twice(link: ModbusLink) -> ConnectError:
    """Word that two sessions want the same DTU."""
    return ConnectError(
        f"{link}: another session waits for the same DTU",
        zh=f"{link}：已有另一个会话在等待同一台 DTU",
        hint="give each DTU a registration of its own",
        hint_zh="请为每台 DTU 设置不同的注册包",
    )


def not_told(link: ModbusLink) -> ConnectError:
    """Word that a link would take a DTU that may be another link's."""
    return ConnectError(
        f"{link}: other DTUs dial in at this port with a registration, and this device has none: "
        "it cannot be told which DTU is its own",
        zh=f"{link}：该端口还有带注册包的 DTU，而本设备没有设注册包，分不清哪台是它的 DTU",
        hint="set the registration of this device's DTU too, or give it a port of its own",
        hint_zh="请为本设备的 DTU 也设置 registration（注册包），或让它单独使用一个端口",
    )


def taken_by_anybody(link: ModbusLink) -> SessionLost:
    """Word that a connection taken without registration may be a DTU that has one."""
    return SessionLost(
        f"{link} dials in at the same port: without a registration it cannot be told which DTU "
        "this is",
        zh=f"{link} 也在该端口拨入：没有注册包就分不清这是哪台 DTU",
        hint="give every DTU of a port a registration",
        hint_zh="同一端口的每台 DTU 都要设置注册包",
    )


def anew() -> SessionLost:
    """Word that a newer connection of the same DTU replaced this one."""
    return SessionLost(
        "the DTU dialled in anew",
        zh="DTU 重新拨入",
        hint="it was restarted or changed its network; if this happens again and again, two DTUs "
        "have the same registration",
        hint_zh="DTU 可能重启或切换了网络；如果反复出现，可能有两台 DTU 的注册包相同",
    )


def stalled(silent_s: float) -> SessionLost:
    """Word that nothing came through a connection for too long."""
    return SessionLost(
        f"the DTU let nothing through for {silent_s:g} s: closed, so that it dials in anew",
        zh=f"DTU 已有 {silent_s:g} 秒没有传回任何应答：断开连接，等它重新拨入",
        hint="check the mobile signal, and power and wiring of the units behind the DTU",
        hint_zh="检查移动信号，以及 DTU 后面设备的电源和接线",
    )
