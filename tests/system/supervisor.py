"""The other end of NOTIFY_SOCKET, for tests of the whole process."""

from __future__ import annotations

import socket
import time
import uuid


class Supervisor:
    """The other end of NOTIFY_SOCKET, as systemd holds it."""

    def __init__(self):
        self.name = f"chulian-test-{uuid.uuid4().hex}"
        self.heard = []
        """Every line received, with its monotonic time."""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(f"\0{self.name}")
        self._socket.setblocking(False)

    def times(self, word):
        """Give the times at which a line came."""
        while True:
            try:
                lines = self._socket.recv(4096).decode().splitlines()
            except BlockingIOError:
                break
            self.heard += [(time.monotonic(), line) for line in lines]
        return [at for at, line in self.heard if line == word]

    def close(self):
        """Close the socket."""
        self._socket.close()
