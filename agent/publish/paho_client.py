"""paho's client, with what it lacks towards a broker that is no friend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paho.mqtt.client import Client

from agent.publish.stream import READ_BYTES

if TYPE_CHECKING:
    import socket
    import ssl


class PahoClient(Client):
    """Takes the answer to the login in small bites, and leaves no socket behind."""

    def _sock_recv(self, bufsize: int) -> bytes:
        return super()._sock_recv(min(bufsize, READ_BYTES))

    def _ssl_wrap_socket(self, tcp_sock: socket.socket) -> ssl.SSLSocket:
        """Shake hands as paho does; the context checks certificate and host name."""
        context = self._ssl_context
        assert context is not None  # noqa: S101 - paho asks only where it is set
        sock = context.wrap_socket(
            tcp_sock, server_hostname=self._host, do_handshake_on_connect=False
        )
        try:
            sock.settimeout(self._connect_timeout)
            sock.do_handshake()
        except BaseException:
            sock.close()
            raise
        return sock
