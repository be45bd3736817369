"""An OPC UA server on open62541 (a C library), whose values tell when they were held.

    python server.py [--port 0] [--variables 24] [--interval-ms 250] [--history N] [--log FILE]

Namespace urn:chulian:peer:open62541, variables V0, V1, ... by string identifier, of the types of
TURN in turn. With generation g, variable n holds h = (g + n) mod 120: as a number of its type, as h
odd for Boolean, as "h" for String, as h / 4 for Float and Double. They change at once, with the
generation's own time. With --history N each keeps N values, which outlive a restart of the server.
With --log every change is appended to a file, "<generation> <time in ms>" a line.
Prints "READY <port>" once it listens; ends when its input closes. A line "restart SECONDS" lets the
server be away so long, and come again on the same port: READY again.

Runs in an environment of its own, with what requirements.txt names; ends itself after ten minutes.
"""

import argparse
import os
import socket
import sys
import threading
import time
from collections import deque
from datetime import UTC, datetime, timedelta

import o6

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
URI = "urn:chulian:peer:open62541"
TURN = {
    "Boolean": lambda h: o6.Boolean(h % 2 == 1),
    "Int16": o6.Int16,
    "UInt32": o6.UInt32,
    "Int64": o6.Int64,
    "Float": lambda h: o6.Float(h / 4),
    "Double": lambda h: o6.Double(h / 4),
    "String": lambda h: o6.String(str(h)),
}


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--variables", type=int, default=24)
    parser.add_argument("--interval-ms", type=int, default=250)
    parser.add_argument("--history", type=int, default=0)
    parser.add_argument("--log")
    return parser.parse_args()


class Machine:
    """Counts, whether its server is there or not."""

    def __init__(self, asked):
        self.asked = asked
        self.port = asked.port or free_port()
        self.past = deque(maxlen=max(1, asked.history))
        self.generation = 0
        self.lock = threading.Lock()
        self.server = None
        self.log = os.open(asked.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT) if asked.log else None

    def live(self):
        while True:
            time.sleep(self.asked.interval_ms / 1000)
            with self.lock:
                self.change()

    def change(self):
        self.generation += 1
        now_ms = time.time_ns() // 1_000_000
        if self.log is not None:
            os.write(self.log, f"{self.generation} {now_ms}\n".encode())
        self.past.append((self.generation, now_ms))
        if self.server is not None:
            self.show(self.generation, now_ms)

    def show(self, generation, time_ms):
        stamp = EPOCH + timedelta(milliseconds=time_ms)  # exact, as a float is not
        self.server.write(
            {
                f"ns=1;s=V{n}": o6.DataValue(
                    value=held(n, generation), sourceTimestamp=o6.DateTime(stamp)
                )
                for n in range(self.asked.variables)
            }
        )

    def start(self):
        server = o6.Server(port=self.port, applicationUri=URI)
        if self.asked.history:
            server.config.setHistoryDatabase(
                maxNodes=self.asked.variables, capacity=self.asked.history
            )
        for n in range(self.asked.variables):
            server.addVariable(
                f"V{n}", server.objectsNode, held(n, 0), nodeId=f"ns=1;s=V{n}",
                historizing=bool(self.asked.history),
            )  # fmt: skip
        with self.lock:
            self.server = server
            server.start()
            for generation, time_ms in list(self.past):
                self.show(generation, time_ms)
        print(f"READY {self.port}", flush=True)

    def restart(self, away_s):
        with self.lock:
            server, self.server = self.server, None
        server.stop()
        time.sleep(away_s)
        self.start()


def held(n, generation):
    kind = list(TURN)[n % len(TURN)]
    return TURN[kind]((generation + n) % 120)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def main():
    machine = Machine(arguments())
    machine.start()
    threading.Thread(target=machine.live, daemon=True).start()
    for line in sys.stdin:
        word, _, argument = line.strip().partition(" ")
        if word == "restart":
            machine.restart(float(argument or 0))
    machine.server.stop()


if __name__ == "__main__":
    main()
