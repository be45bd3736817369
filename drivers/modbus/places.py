"""Which settings of a device go together: one place, and what can be said of each kind of place.

Pure; every misfit is worded in both languages, with what to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drivers.modbus.config import ModbusConfig

PLACES = ("host", "serial", "listen")
"""The settings that say where a device is; each device has exactly one."""

HEX_PREFIX = "hex:"
"""Begins a registration or heartbeat that is given as hexadecimal digits."""


class Misfit(NamedTuple):
    """Why some settings cannot stand together, for people."""

    en: str
    zh: str


def misfit(config: ModbusConfig) -> Misfit | None:
    """Give the first thing that does not fit; None when all does."""
    return next(_misfits(config), None)


def packet(text: str) -> bytes:
    """Give the bytes of a registration or heartbeat; raises ValueError on wrong digits."""
    if text.startswith(HEX_PREFIX):
        return bytes.fromhex(text.removeprefix(HEX_PREFIX))
    return text.encode()


def own_address(listen: str) -> tuple[str, int]:
    """Split an own address:port, the brackets of IPv6 taken off."""
    host, _, port = listen.rpartition(":")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _misfits(config: ModbusConfig) -> Iterator[Misfit]:
    places = [name for name in PLACES if getattr(config, name) is not None]
    if len(places) != 1:
        yield Misfit(
            f"give exactly one of host, serial and listen "
            f"(here: {' and '.join(places) or 'none of them'})",
            f"host、serial、listen 必须且只能填一个（现在：{'、'.join(places) or '都没填'}）",
        )
        return
    if config.host is None:
        yield from _without_host(config, places[0])
    if config.listen is not None:
        yield from _listening(config, config.listen)
    yield from _packets(config)
    yield from _framing(config)
    yield from _tls(config)


def _without_host(config: ModbusConfig, place: str) -> Iterator[Misfit]:
    if config.framing == "tcp":
        yield Misfit(
            f"framing tcp needs a host; with {place} use rtu or ascii",
            f"framing: tcp 只能用于 host；{place} 请用 rtu 或 ascii",
        )
    if config.network != "tcp":
        yield Misfit(
            f"network {config.network} needs a host",
            f"network: {config.network} 只能用于 host",
        )
    if config.port is not None:
        yield Misfit(
            f"port belongs to a host, not to {place}",
            f"port 只能与 host 一起用，不能与 {place} 一起用",
        )


def _listening(config: ModbusConfig, listen: str) -> Iterator[Misfit]:
    if not 1 <= own_address(listen)[1] <= 65535:
        yield Misfit(
            f"listen: {listen} has no port from 1 to 65535",
            f"listen：{listen} 的端口不在 1 到 65535 之间",
        )
    if config.close_after_poll:
        yield Misfit(
            "close_after_poll cannot be used with listen: the DTU, not we, makes the connection",
            "listen 不能用 close_after_poll：连接由 DTU 建立，断开后只能等它重新拨入",
        )


def _packets(config: ModbusConfig) -> Iterator[Misfit]:
    if config.registration and config.listen is None:
        yield Misfit(
            "registration belongs to listen: only a DTU that dials in registers",
            "registration 只能与 listen 一起用：拨入的 DTU 才有注册包",
        )
    if config.heartbeat and (config.serial is not None or config.network == "udp"):
        yield Misfit(
            "heartbeat belongs to a DTU or serial server: use it with listen or a TCP host",
            "heartbeat 只用于 DTU 或串口服务器：请与 listen 或 TCP 的 host 一起用",
        )
    for name in ("registration", "heartbeat"):
        try:
            packet(getattr(config, name))
        except ValueError:
            yield Misfit(
                f"{name}: after hex: come pairs of the digits 0-9 and A-F, such as hex:0A0B",
                f"{name}：hex: 后面应为成对的十六进制数字，例如 hex:0A0B",
            )


def _framing(config: ModbusConfig) -> Iterator[Misfit]:
    if config.framed != "ascii" and config.data_bits == 7:
        yield Misfit(
            "data_bits 7 cannot carry this framing; only ascii fits into 7 bits",
            "data_bits: 7 只能用于 framing: ascii，其他报文需要 8 位",
        )
    if config.framed != "tcp" and config.unit == 0:
        yield Misfit(
            "unit 0 is the broadcast address of a serial line: nobody answers it; use 1 to 247",
            "站号 0 是串口线路的广播地址，没有设备会应答；请填 1 到 247",
        )
    if config.network == "udp" and config.close_after_poll:
        yield Misfit(
            "close_after_poll has no meaning with network udp: there is no connection",
            "network: udp 没有连接，不能用 close_after_poll",
        )


def _tls(config: ModbusConfig) -> Iterator[Misfit]:
    given = [
        name
        for name in ("tls_ca", "tls_certificate", "tls_key", "tls_name")
        if getattr(config, name)
    ]
    if given and config.network != "tls":
        yield Misfit(
            f"{given[0]} needs network: tls",
            f"{given[0]} 只能与 network: tls 一起用",
        )
    if (config.tls_certificate is None) != (config.tls_key is None):
        yield Misfit(
            "give tls_certificate and tls_key together",
            "tls_certificate 和 tls_key 必须同时填写",
        )
