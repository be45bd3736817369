"""Lines over TCP and TLS: connects, or says in words for a person why it cannot. Never retries."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

from drivers.api import AccessError, ConnectError
from drivers.modbus.link import TlsFiles
from drivers.modbus.wire.line import Line

if TYPE_CHECKING:
    from drivers.modbus.link import ModbusLink


async def open_stream(link: ModbusLink) -> Line:
    """Connect to the link's host.

    Raises:
        ConnectError: nobody answers, or refuses.
        AccessError: with TLS, one side does not trust the other.
    """
    context = _tls_context(link) if link.carrier == "tls" else None
    name = (link.tls.name if link.tls else "") or link.host
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(link.connect_timeout_s):
            _, line = await loop.create_connection(
                lambda: Line(link),
                link.host,
                link.port,
                ssl=context,
                server_hostname=name if context else None,
            )
    except ssl.SSLError as error:
        raise _untrusted(link, error, name) from error
    except ConnectionRefusedError as error:
        raise refused(link) from error
    except TimeoutError as error:
        raise no_answer(link) from error
    except (OSError, UnicodeError) as error:
        raise unreachable(link, error) from error
    return line


def refused(link: ModbusLink) -> ConnectError:
    """Word that the host is there and the port is closed."""
    return ConnectError(
        f"{link} refuses connections",
        zh=f"{link} 拒绝连接",
        hint="check the port (usually 502) and that Modbus TCP is switched on in the device; "
        "if it allows one connection only, another master may hold it",
        hint_zh="核对端口（一般是 502），确认设备已开启 Modbus TCP；"
        "如果设备只允许一个连接，可能被别的主站占用",
    )


def no_answer(link: ModbusLink) -> ConnectError:
    """Word that nothing came back."""
    return ConnectError(
        f"{link} does not answer within {link.connect_timeout_s:g} s",
        zh=f"{link} 在 {link.connect_timeout_s:g} 秒内没有响应",
        hint="check power, network cable, IP address and firewall; try to ping the device",
        hint_zh="检查设备电源、网线、IP 地址和防火墙，先试试能否 ping 通",
    )


def unreachable(link: ModbusLink, error: Exception) -> ConnectError:
    """Word whatever else the network says."""
    return ConnectError(
        f"{link} cannot be reached: {error}",
        zh=f"无法连接 {link}：{error}",
        hint="check the host name or IP address, and this gateway's own network settings",
        hint_zh="核对主机名或 IP 地址，以及本网关自己的网络设置",
    )


def _tls_context(link: ModbusLink) -> ssl.SSLContext:
    """Load certificates; the other side's is always verified."""
    files = link.tls or TlsFiles()
    try:
        context = ssl.create_default_context(cafile=files.ca)
        if files.certificate is not None:
            context.load_cert_chain(files.certificate, files.key)
    except OSError as error:  # ssl.SSLError is one
        named = [str(each) for each in (files.ca, files.certificate, files.key) if each]
        raise AccessError(
            f"{link}: the certificate files cannot be used ({', '.join(named)}): {error}",
            zh=f"{link}：证书文件无法使用（{'、'.join(named)}）：{error}",
            hint="check that the files exist, are PEM, may be read, and that key and certificate "
            "belong together",
            hint_zh="检查文件是否存在、是否为 PEM 格式、有无读取权限，证书与私钥是否配对",
        ) from error
    return context


def _untrusted(link: ModbusLink, error: ssl.SSLError, name: str) -> AccessError | ConnectError:
    """Word a failed handshake by what is wrong with the certificate, if that is known."""
    if not isinstance(error, ssl.SSLCertVerificationError):
        return ConnectError(
            f"{link} does not speak TLS as we do: {error.reason or error}",
            zh=f"{link} 的 TLS 握手失败：{error.reason or error}",
            hint="check that the port is the TLS port (usually 802), and whether the device wants "
            "a certificate from us",
            hint_zh="核对端口是不是 TLS 端口（一般是 802），以及设备是否要求我们出示证书",
        )
    message = error.verify_message
    if "expired" in message:
        hint, hint_zh = "renew the certificate; check both clocks", "更新证书，并核对两边的时钟"
    elif "mismatch" in message.lower() or "valid for" in message:
        hint = f"the certificate is not for {name}: set tls_name to a name that stands in it"
        hint_zh = f"证书不是发给 {name} 的：请把 tls_name 设为证书上的名称"
    else:
        hint = "set tls_ca to the certificate of the authority that signed the device's"
        hint_zh = "请把 tls_ca 设为签发设备证书的 CA 证书"
    return AccessError(
        f"{link}: its certificate is not trusted: {message}",
        zh=f"{link}：设备证书不可信：{message}",
        hint=hint,
        hint_zh=hint_zh,
    )
