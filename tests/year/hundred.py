"""A year of a hundred machines, judged or exported in a process of its own: prints the cost.

    python hundred.py make ROWS | compute ROWS | export ROWS | verify ROWS

`make` writes the records of busy machines, as the store gives them; the others read them, and
print CPU seconds and the peak of memory in MB as JSON.
"""

from __future__ import annotations

import json
import random
import resource
import sys
import time
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.config.model import AgentConfig
from agent.kpi.deviceday import CounterDay, DeviceDay, Sketch
from agent.kpi.result import compute
from agent.proof.archive import pack_into
from agent.proof.build import built
from agent.proof.documents import Material
from agent.proof.verify import verify_file

MACHINES, DAYS = 100, 366
AS_OF = date(2026, 12, 31)


def shop():
    """Give the configuration of a hundred machines in five processes."""
    return AgentConfig.model_validate(
        {
            "gateway": {"id": "gw1"},
            "enterprise": {"id": "big", "name": "百台机床厂"},
            "publish": [{"url": "mqtt://127.0.0.1:1883"}],
            "rate": {"period_days": DAYS},
            "processes": [{"id": f"p{n}"} for n in range(5)],
            "equipment": [
                {"id": f"M{n}", "control_type": "CNC", "processes": [f"p{n % 5}"],
                 "device": f"d{n}"}
                for n in range(MACHINES)
            ],
        }
    )  # fmt: skip


def row(device, day, chance):
    """Give the store's record of one busy day."""
    one = DeviceDay(
        device, day, 460_000, True, 90_000, 1_780_000_000_000, 1_780_000_061_000,
        bad=120, hours=(1 << 17) - 1, changes=55_000, transitions=52,
        states={"running": 41_000, "idle": 19_000, "alarm": 900},
        running=dict.fromkeys(range(17), 2400), even=1, movers=4, moved=True,
        counters=tuple(
            CounterDay(name, 1000, 1090, 90) for name in ("energy.total", "part.count")
        ),
        gaps={"device_down": 25_000},
    )  # fmt: skip
    values, stays = (
        b"".join(sorted(chance.randbytes(4) for _ in range(size))) for size in (24, 12)
    )
    return replace(one, values=Sketch(90_000, values), stays=Sketch(51, stays)).row()


def make(path):
    """Write every record, a line each."""
    chance = random.Random(1)
    with path.open("w", encoding="utf-8") as file:
        for day in reversed(range(DAYS)):
            for machine in range(MACHINES):
                record = row(f"d{machine}", AS_OF - timedelta(days=day), chance)
                file.write(json.dumps(record) + "\n")


def cost(what, path):
    """Judge or export the year; give what it took."""
    config, proof = shop(), path.with_suffix(".zip")
    if what == "verify":
        began_s, size = time.process_time(), proof.stat().st_size
        with proof.open("rb") as file:
            assert verify_file(file).sound
        return costs(began_s, size)
    with path.open(encoding="utf-8") as file:
        began_s = time.process_time()
        days = tuple(DeviceDay.of(json.loads(line)) for line in file)
    size = 0
    if what == "compute":
        result = compute(config, days, now_ms=0, as_of=AS_OF)
        assert result.headline.verified == 1
    else:
        made = [Material(config=config, as_of=AS_OF, days=days, made_ms=0, made_by="test")]
        del days
        with proof.open("wb") as file:
            pack_into(file, built(made.pop(), Ed25519PrivateKey.from_private_bytes(bytes(32))))
        size = proof.stat().st_size
    return costs(began_s, size)


def costs(began_s, size):
    """Give CPU seconds since then, the peak of memory, and the size of the file."""
    return {
        "cpu_s": round(time.process_time() - began_s, 1),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "file_mb": round(size / 1e6, 1),
    }


if __name__ == "__main__":
    verb, target = sys.argv[1], Path(sys.argv[2])
    if verb == "make":
        make(target)
    else:
        print(json.dumps(cost(verb, target)))
