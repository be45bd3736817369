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
from drivers.opcua.calls import TooMany
from drivers.opcua.status import name_of

if TYPE_CHECKING:
    from collections.abc import Iterator

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
"""What asyncua lets out: its own errors, the socket's, and its decoder's on hostile bytes."""

TOO_MANY: Final = frozenset(
    {
        "BadTooManyOperations",
        "BadRequestTooLarge",
        "BadResponseTooLarge",
        "BadEncodingLimitsExceeded",
    }
)
"""The request asked for more than the server does at once."""

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

_HINTS: Final = {
    "BadUserAccessDenied": "Check username and password, and the user's rights on the server.",
    "BadIdentityTokenRejected": "Check username and password; the server may refuse anonymous.",
    "BadIdentityTokenInvalid": "The server does not accept this kind of login.",
    "BadTooManySessions": "The server has no session left; close other clients or raise its limit.",
    "BadSecurityPolicyRejected": "The server refuses connections without security.",
    "BadSecurityModeRejected": "The server refuses connections without security.",
}


def refused(code: int) -> bool:
    """Whether a status code says that the server knows us and does not want us."""
    name = name_of(code)
    return name in _REFUSED or name.startswith("BadCertificate")


def connect_error(error: BaseException, url: str) -> DriverError:
    """Give the error for a session that could not be opened."""
    if isinstance(error, UaStatusCodeError):
        name = name_of(error.code)
        kind = AccessError if refused(error.code) else ConnectError
        return kind(f"{url} answered {name}", hint=_HINTS.get(name, ""))
    if isinstance(error, TimeoutError):
        return ConnectError(
            f"{url} did not answer in time", hint="Is this an OPC UA server, and is it running?"
        )
    if isinstance(error, ConnectionRefusedError):
        return ConnectError(
            f"{url} refused the connection", hint="Is the server running, and is the port right?"
        )
    if isinstance(error, OSError):
        return ConnectError(f"{url} cannot be reached: {error}", hint="Check cable and address.")
    return ConnectError(f"{url} spoke no OPC UA we understand: {_described(error)}")


def service_error(code: int, what: str) -> DriverError:
    """Give the error for a service that answered a bad status as a whole."""
    name = name_of(code)
    if name in TOO_MANY:
        return TooMany(f"{what}: the server answered {name}", wait_s=1.0)
    if name == "BadTimeout":
        return NoReply(f"{what}: the server answered {name}")
    return SessionLost(f"{what}: the server answered {name}", hint=_HINTS.get(name, ""))


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
    except LIBRARY_ERRORS as error:
        raise SessionLost(f"{what}: {_described(error)}") from error


def _described(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
