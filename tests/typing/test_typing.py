"""What a stranger writes against `drivers.api` and `drivers.testing` type-checks strictly."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(180)
@pytest.mark.parametrize("file", ["tests/typing/third_party.py", "tests/conformance/toy_driver.py"])
def test_strangers_code_type_checks(file, tmp_path):
    """A third-party driver, a host using it and a case pass `mypy --strict`; mistakes do not."""
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path), file],
        cwd=ROOT,
        capture_output=True,
        check=False,
        text=True,
        timeout=170,
    )
    assert done.returncode == 0, done.stdout
    assert "Success" in done.stdout
