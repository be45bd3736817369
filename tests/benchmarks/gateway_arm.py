"""`make test-arm`: does the agent work on a processor that is not this one?

    make test-arm                 64-bit ARM
    make test-arm ARCH=armhf      32-bit ARM

An emulated Debian (tests/setup/arm) gets the locked packages, runs the tests of everything that
turns bytes into values and back, and then the agent itself, which collects from simulated machines
of this host and delivers to its broker. Asks whether it is right; emulation says nothing of speed.

Exit codes: 0 all right, 1 a test failed or something was lost, 2 it could not be made.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.benchmarks.footprint import Half
from tests.benchmarks.gateway import MISSED
from tests.benchmarks.processes import ROOT, Cores, RunError
from tests.benchmarks.suite import running
from tests.benchmarks.workloads import Workload

if TYPE_CHECKING:
    from collections.abc import Sequence

SETUP = ROOT / "tests" / "setup" / "arm"
LOADS = (
    Half(Workload("AM", "modbus", 1, 500, 1.0, ())),
    Half(Workload("AO", "opcua", 1, 100, 1.0, ())),
)
TESTS = (
    "tests/golden",
    "tests/unit/agent/clock",
    "tests/unit/agent/publish/test_payload.py",
    "tests/unit/agent/publish/test_redate.py",
    "tests/unit/agent/publish/test_split.py",
    "tests/unit/agent/store/test_migration.py",
    "tests/unit/agent/store/test_outbox.py",
    "tests/unit/agent/store/test_pages.py",
    "tests/unit/drivers/modbus/test_codec.py",
    "tests/unit/drivers/modbus/test_dates.py",
    "tests/unit/drivers/modbus/test_decoder.py",
    "tests/unit/drivers/modbus/test_encode.py",
    "tests/unit/drivers/opcua/decoding",
    "tests/unit/drivers/opcua/structures/test_extract.py",
    "tests/unit/drivers/opcua/wire/test_chunks.py",
    "tests/unit/drivers/opcua/wire/test_structures.py",
)
"""What turns bytes into values, keeps them and writes payloads."""
WINDOW_S = 60.0
LAG_S = 10.0
"""What is under way at an edge of the window is as late as that at most."""
SETTLE_S = 15.0
TESTS_S, ASK_S = 3_600.0, 60.0

_ABOUT = (
    "import platform, struct, sys, time;"
    "print(platform.machine(), f'{8 * struct.calcsize(\"P\")} bits', sys.byteorder,"
    " 'Python', platform.python_version(), *platform.libc_ver())"
)
_YEAR_2040 = "import time; print(time.localtime(2208988800).tm_year)"


@dataclass(frozen=True, slots=True)
class Delivered:
    """What an agent there delivered while it was watched."""

    values: int
    due: float
    lost_rows: int
    missed: int
    """Polls the agent counted as not made."""

    @property
    def complete(self) -> bool:
        """Whether nothing is lost, and what is due came but for what is under way at an edge."""
        untold = self.due - self.values - self.missed * max(half.tags for half in LOADS)
        return not self.lost_rows and untold <= self.due * LAG_S / WINDOW_S


def ran(arch: str, *command: str, timeout_s: float) -> tuple[int, str]:
    """Run a command in the emulated system; give its exit code and what it said."""
    done = subprocess.run(
        [SETUP, "run", arch, *command],
        capture_output=True, text=True, timeout=timeout_s, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def about(arch: str) -> str:
    """Tell what is emulated.

    Raises:
        RunError: nothing runs there.
    """
    code, said = ran(arch, "python", "-c", _ABOUT, timeout_s=ASK_S)
    if code:
        raise RunError(f"nothing runs in the emulated system: {said[-2000:]}")
    return said.strip()


def knows_2040(arch: str) -> bool:
    """Tell whether its clock goes past January 2038."""
    return ran(arch, "python", "-c", _YEAR_2040, timeout_s=ASK_S) == (0, "2040\n")


def tested(arch: str) -> tuple[int, str]:
    """Run the tests there; give their exit code and the last line, or all where they fail."""
    options = (
        "-q",
        "-p",
        "no:cacheprovider",
        "-o",
        "timeout=900",
        "-m",
        "not long and not foreign",
    )
    code, said = ran(arch, "python", "-m", "pytest", *options, *TESTS, timeout_s=TESTS_S)
    return code, said if code else said.strip().splitlines()[-1]


def delivered(arch: str) -> Delivered:
    """Run the agent there against machines of this host, and count what it delivers.

    Raises:
        RunError: it does not deliver at all.
    """
    # the host's interpreter, which comes first, is not the one to run
    prefix = ("sh", "-c", f'shift; exec "$0" run {arch} python "$@"', str(SETUP))
    with running(LOADS, cores=Cores.choose(), prefix=prefix) as run:
        tags = sum(half.tags for half in LOADS)
        run.wait_for("all values", lambda: run.receiver.values >= tags, within_s=600)
        missed, began_s = run.counted(MISSED), time.time()  # an answer takes seconds there
        time.sleep(WINDOW_S)
        end_s, missed = time.time(), run.counted(MISSED) - missed
        time.sleep(SETTLE_S)
        values = sum(count for _, count in run.receiver.within(began_s, end_s))
        due = sum(half.workload.offered_per_s for half in LOADS) * (end_s - began_s)
        return Delivered(values, due, run.receiver.missing, missed)


def main(arguments: Sequence[str]) -> int:
    """Ask everything of one architecture; print what was found."""
    (arch,) = arguments or ("arm64",)
    try:
        print(f"system     {about(arch)}", flush=True)
        late = "goes on" if knows_2040(arch) else "ends here: time_t of 32 bits"
        print(f"after 2038 {late}", flush=True)
        code, said = tested(arch)
        print(f"tests      {re.sub('=+', '', said).strip()}", flush=True)
        found = delivered(arch)
    except RunError as error:
        print(error, file=sys.stderr)
        return 2
    print(
        f"agent      {found.values:,} of {found.due:,.0f} values came, {found.lost_rows} rows "
        f"lost, {found.missed} polls missed and counted"
    )
    return int(bool(code) or not found.complete)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
