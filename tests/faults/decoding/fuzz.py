"""Coverage-guided inputs to one decoder, by atheris: `python fuzz.py TARGET INPUTS CORPUS`.

Ends with exit code 0 when only declared errors came up.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["agent", "drivers"]):
    from faults.decoding.targets import SEEDS, TARGETS

SLOWEST_S = 1
"""An input that takes longer is a finding; the instrumented code is many times slower."""


def main(name, inputs, corpus):
    """Feed one target so many inputs."""
    take, declared = TARGETS[name]
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(SEEDS[name]):
        (corpus / f"seed{number}").write_bytes(seed)

    def once(data):
        try:
            take(data)
        except declared:
            return

    options = [f"-runs={inputs}", f"-timeout={SLOWEST_S}", "-rss_limit_mb=1000",
               "-max_len=2000", "-print_final_stats=1"]  # fmt: skip
    atheris.Setup([sys.argv[0], *options, str(corpus)], once)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
