"""Whether a TCP port can be bound, asked before a library answers with a traceback."""

from __future__ import annotations

import socket


def require_free(host: str, port: int) -> None:
    """Pass if the port can be bound; port 0 always can.

    Raises:
        OSError: it is taken, may not be bound, or the host is not an address of this machine.
    """
    if not port:
        return
    try:
        with socket.create_server((host, port)):
            pass
    except OSError as error:
        raise OSError(
            error.errno,
            f"cannot listen on {host}:{port}: {error.strerror}; choose another port"
            f" / 无法监听 {host}:{port}，请换一个端口",
        ) from error
