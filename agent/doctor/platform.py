"""The way to a destination, step by step: name, connection, certificate, login.

Never logs in while an agent runs: one client id logged in twice throws the other out. Publishes
nothing, and sends no password over a connection whose certificate was not accepted.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from agent.doctor.finding import NOTHING, SUPPLIER, Finding, Level
from agent.publish.beside import Beside
from agent.publish.mqtt import Connection, Will
from agent.publish.refusal import ConnectionRefused
from agent.publish.sender import Sender
from agent.publish.tls import context_of
from agent.telemetry.status import Message

if TYPE_CHECKING:
    from agent.config.destination import Destination
    from agent.config.model import AgentConfig

STEP_S: Final = 8.0
"""No step takes longer."""
_DNS: Final = Message(
    "Check the name in publish.url and the box's name server (/etc/resolv.conf).",
    "请检查 publish.url 中的主机名和网关的域名服务器（/etc/resolv.conf）。",
)
_WAY: Final = Message(
    "Check cable, gateway address, firewall, and that the broker runs on this port.",
    "请检查网线、默认网关和防火墙，并确认服务器在该端口上运行。",
)


def of_agent(destination: dict[str, Any]) -> list[Finding]:
    """Look at what the running agent says of a destination; its law, where it has one of its own.

    Without several destinations that is the store's.
    """
    name, url = destination["name"], destination["url"]
    where = f"{name} {url}"
    problem, rows = destination["problem"], destination["rows"]
    if destination["connected"] and problem is None:
        found = [Finding("platform", Level.OK, where, _connected(destination))]
    else:
        level = Level.WARN if destination["connected"] else Level.AWAY
        seen = Message("not connected", "未连接") if problem is None else Message(**problem)
        found = [Finding("platform", level, where, seen)]
    if rows is not None:
        found.append(_law(name, rows))
    return found


def _connected(destination: dict[str, Any]) -> Message:
    waits = destination["unconfirmed"]
    if not waits:
        return Message("connected", "已连接")
    return Message(
        f"connected, {waits} rows not confirmed by the platform yet",
        f"已连接，{waits} 行尚待平台确认",
    )


def _law(name: str, rows: dict[str, Any]) -> Finding:
    counts = [rows[part]["rows"] for part in ("waiting", "rejected", "dropped")]
    if not rows["balanced"]:
        seen = Message("its account does not add up", "该目标账不平")
        return Finding("platform_law", Level.BAD, name, seen, SUPPLIER)
    seen = Message(
        "{} rows wait for it, {} refused, {} dropped".format(*counts),
        "待发送 {} 行，被拒收 {} 行，已丢弃 {} 行".format(*counts),
    )
    lost = counts[1] or counts[2]
    return Finding("platform_rows", Level.WARN if lost else Level.OK, name, seen)


async def reach(
    config: AgentConfig, destination: Destination, *, password: str | None, login: bool
) -> list[Finding]:
    """Go the way to a broker as far as it leads; `login` only where no agent runs."""
    url = urlsplit(destination.url)
    secure = url.scheme == "mqtts"
    host, port = url.hostname or "", url.port or (8883 if secure else 1883)
    found = [await _name(host, port)]
    if found[-1].level is Level.OK:
        found.append(await _connect(host, port, destination, secure=secure))
    if found[-1].level is Level.OK and login:
        found.append(await _login(config, destination, password))
    return found


async def _name(host: str, port: int) -> Finding:
    try:
        async with asyncio.timeout(STEP_S):
            found = await Beside().run(
                lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM),
                too_late=lambda: None,
            )
    except (OSError, TimeoutError, UnicodeError) as error:
        seen = Message(f"name not found: {_why(error)}", f"域名解析失败：{_why(error)}")
        return Finding("platform_name", Level.AWAY, host, seen, _DNS)
    address = str(found[0][4][0])
    return Finding("platform_name", Level.OK, host, Message(address, address))


async def _connect(host: str, port: int, destination: Destination, *, secure: bool) -> Finding:
    where = f"{host}:{port}"
    try:
        context = context_of(destination.tls, dates=True) if secure else None
        async with asyncio.timeout(STEP_S):
            _, writer = await asyncio.open_connection(host, port, ssl=context)
            writer.close()
    except ConnectionRefused as refused:
        return Finding("platform_tls", Level.BAD, where, refused.problem)
    except (OSError, TimeoutError) as error:
        seen = Message(f"no connection: {_why(error)}", f"无法建立连接：{_why(error)}")
        return Finding("platform_connect", Level.AWAY, where, seen, _WAY)
    seen = (
        Message("connected, certificate accepted", "已连接，证书有效")
        if secure
        else Message("connected, not encrypted", "已连接，未加密")
    )
    return Finding("platform_connect", Level.OK, where, seen)


async def _login(config: AgentConfig, destination: Destination, password: str | None) -> Finding:
    sender = Sender(config.enterprise.id, config.gateway.id, "")
    topic = sender.topic(destination.topic_root, "status")
    try:
        connection = await Connection.open(
            destination,
            client_id=destination.client_id or config.gateway.id,
            password=password,
            will=Will(topic, b""),
            beside=Beside(),
            on_ack=lambda _mid, _code, _name: None,
        )
    except ConnectionRefused as refused:
        return Finding("platform_login", Level.AWAY, destination.url, refused.problem)
    limit = connection.maximum_packet_bytes
    await connection.close()
    seen = Message(
        f"login accepted; largest packet {limit or 'not limited'}",
        f"登录成功；最大报文 {limit or '不限'}",
    )
    return Finding("platform_login", Level.OK, destination.url, seen, NOTHING)


def _why(error: Exception) -> str:
    return str(error) or type(error).__name__
