"""What the library and the server report, turned into the errors a driver may raise.

The library fails in many ways on bytes it did not expect; `LIBRARY_ERRORS` lists them, so that
nothing has to be caught blindly.
"""

from __future__ import annotations

import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from asyncua.ua.uaerrors import UaError, UaStatusCodeError

from drivers.api import AccessError, ConnectError, DriverError, NoReply, SessionLost
from drivers.opcua.calls import NoSubscription, ServiceRefused, TooLarge, TooMany
from drivers.opcua.decoding.binary import DecodeError
from drivers.opcua.decoding.status import name_of
from drivers.opcua.wire.cursor import TooMuch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drivers.opcua.security.certificate import Facts

LIBRARY_ERRORS: Final = (
    UaError,
    OSError,
    struct.error,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    RecursionError,
)
"""What the wire and the library let out: status codes, the socket's errors, hostile bytes."""

TOO_MANY: Final = frozenset(
    {
        "BadTooManyOperations",
        "BadRequestTooLarge",
        "BadResponseTooLarge",
        "BadEncodingLimitsExceeded",
    }
)
"""The request asked for more than the server does at once."""

_TOO_LARGE: Final = frozenset({"BadResponseTooLarge", "BadEncodingLimitsExceeded"})

_NO_SUBSCRIPTION: Final = frozenset(
    {"BadTooManySubscriptions", "BadServiceUnsupported", "BadNotSupported", "BadNotImplemented"}
)

_SESSION_OVER: Final = frozenset(
    {
        "BadSessionIdInvalid", "BadSessionClosed", "BadSessionNotActivated", "BadServerHalted",
        "BadConnectionClosed", "BadCommunicationError", "BadShutdown", "BadServerNotConnected",
    }
)  # fmt: skip
"""No other request of this session will be answered either."""

_REFUSED: Final = frozenset(
    {
        "BadUserAccessDenied",
        "BadIdentityTokenInvalid",
        "BadIdentityTokenRejected",
        "BadIdentityChangeNotSupported",
        "BadSecurityChecksFailed",
        "BadSecurityPolicyRejected",
        "BadSecurityModeRejected",
        "BadSecurityModeInsufficient",
        "BadUserSignatureInvalid",
        "BadApplicationSignatureInvalid",
        "BadNoValidCertificates",
    }
)

_SWITCH_ON: Final = (
    "Leave security at auto, or choose a policy the server offers.",
    "请把 security 保持为 auto，或选服务器支持的安全策略",
)
_HINTS: Final = {
    "BadUserAccessDenied": (
        "Check username and password, and the user's rights on the server.",
        "请核对用户名和密码，以及该用户在服务器上的权限",
    ),
    "BadIdentityTokenRejected": (
        "Check username and password; the server may refuse anonymous.",
        "请核对用户名和密码；服务器可能不允许匿名登录",
    ),
    "BadIdentityTokenInvalid": (
        "The server does not accept this kind of login.",
        "服务器不接受这种登录方式",
    ),
    "BadTooManySessions": (
        "The server has no session left; close other clients or raise its limit.",
        "服务器的会话已用完：请关闭其他客户端，或调大服务器的会话上限",
    ),
    "BadSecurityPolicyRejected": _SWITCH_ON,
    "BadSecurityModeRejected": _SWITCH_ON,
    "BadSecurityModeInsufficient": _SWITCH_ON,
}
"""What to do, in English and in Chinese."""

_OUR_CERTIFICATE: Final = frozenset(
    {
        "BadSecurityChecksFailed",
        "BadCertificateUntrusted",
        "BadCertificateChainIncomplete",
        "BadNoValidCertificates",
    }
)
"""What a server answers that does not trust us yet; many say no more than the first."""


def refused(code: int) -> bool:
    """Whether a status code says that the server knows us and does not want us."""
    name = name_of(code)
    return name in _REFUSED or name.startswith("BadCertificate")


def connect_error(error: BaseException, url: str, *, us: Facts | None = None) -> DriverError:
    """Give the error for a session that could not be opened; `us` is the certificate we showed."""
    if isinstance(error, UaStatusCodeError):
        return _answered(name_of(error.code), url, us=us, known=refused(error.code))
    if isinstance(error, TimeoutError):
        return ConnectError(
            f"{url} did not answer in time",
            hint="Check that this is an OPC UA server and that it is running.",
            zh=f"{url} 没有及时应答",
            hint_zh="请确认这是 OPC UA 服务器，并且正在运行",
        )
    if isinstance(error, ConnectionRefusedError):
        return ConnectError(
            f"{url} refused the connection",
            hint="Check that the server is running and the port is right.",
            zh=f"{url} 拒绝连接",
            hint_zh="请确认服务器已启动，端口没有写错",
        )
    if isinstance(error, OSError):
        hint, hint_zh = _let_it_trust(us) if us else ("Check cable and address.", "")
        return ConnectError(
            f"{url} cannot be reached: {error}" if us is None else f"{url} hung up: {error}",
            hint=hint,
            zh=f"{url} 中断了连接：{error}" if us is not None else "",
            hint_zh=hint_zh,
        )
    return ConnectError(
        f"{url} spoke no OPC UA we understand: {_described(error)}",
        hint="Check that this is the port of an OPC UA server; if so, report its maker.",
        zh=f"{url} 发来的不是能识别的 OPC UA 报文：{_described(error)}",
        hint_zh="请确认端口是 OPC UA 服务器的端口；若是，请报告服务器的厂家和版本",
    )


def _answered(name: str, url: str, *, us: Facts | None, known: bool) -> DriverError:
    """Give the error for a server that answered a bad status."""
    kind = AccessError if known else ConnectError
    if us is not None and name in _OUR_CERTIFICATE:
        hint, hint_zh = _let_it_trust(us)
        return kind(
            f"{url} does not trust our certificate yet (it answered {name})",
            hint=hint, zh=f"{url} 尚未信任本机证书（服务器答复 {name}）", hint_zh=hint_zh,
        )  # fmt: skip
    hint, hint_zh = _HINTS.get(name, ("", ""))
    if not hint and "Certificate" in name:
        hint = f"What it means: chulian cert explain {name}"
        hint_zh = f"含义和处理办法：chulian cert explain {name}"
    return kind(
        f"{url} answered {name}", hint=hint, zh=f"{url} 答复 {name}" if hint_zh else "",
        hint_zh=hint_zh,
    )  # fmt: skip


def _let_it_trust(us: Facts) -> tuple[str, str]:
    """Say how a server is made to trust us, in English and in Chinese."""
    hint = (
        f"On the server, move the certificate {us.name} (SHA-1 {us.sha1}) from the rejected to the "
        "trusted ones. Servers that want a file get it from: chulian cert export"
    )
    hint_zh = (
        f"请在服务器上把证书 {us.name}（SHA-1 {us.sha1}）从“已拒绝”移到“受信任”；"
        "要导入文件的服务器，用 chulian cert export 导出"
    )
    return hint, hint_zh


def service_error(code: int, what: str) -> DriverError:
    """Give the error for a service that answered a bad status as a whole."""
    name = name_of(code)
    if name in TOO_MANY:
        kind = TooLarge if name in _TOO_LARGE else TooMany
        return kind(f"{what}: the server answered {name}", wait_s=1.0)
    if what == "CreateSubscription" and name in _NO_SUBSCRIPTION:
        return NoSubscription(f"{what}: the server answered {name}", wait_s=1.0)
    if name == "BadTimeout":
        return NoReply(f"{what}: the server answered {name}")
    hint, _ = _HINTS.get(name, ("", ""))
    return SessionLost(f"{what}: the server answered {name}", hint=hint)


def refusal(code: int, what: str) -> DriverError:
    """Give the error for a service that is refused while the session goes on, if it does."""
    error, name = service_error(code, what), name_of(code)
    over = name in _SESSION_OVER or name.startswith("BadSecureChannel")
    if type(error) is SessionLost and not over:
        return ServiceRefused(str(error), status=name)
    return error


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn what the library raises during a request of a session into the host's errors."""
    try:
        yield
    except DriverError:
        raise
    except TimeoutError as error:
        raise NoReply(f"{what}: no answer in time") from error
    except UaStatusCodeError as error:
        raise service_error(error.code, what) from error
    except TooMuch as error:
        raise TooLarge(f"{what}: {error}", wait_s=1.0) from error
    except DecodeError as error:
        raise undecodable(error, what) from error
    except LIBRARY_ERRORS as error:
        raise SessionLost(f"{what}: {_described(error)}") from error


def undecodable(error: DecodeError, what: str) -> SessionLost:
    """Give the error for bytes of the server that are not what the standard says."""
    return SessionLost(
        f"{what}: the server sent what cannot be decoded: {error}",
        hint="If this happens again, report the server's maker and version.",
        zh=f"{what}：服务器发来的数据无法解码：{error}",
        hint_zh="若反复出现，请报告服务器的厂家和版本",
    )


def _described(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
