"""What a gateway gets: the built wheel with the locked dependencies, without this repository."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from system.waiting import free_port

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")
SOURCES = (
    "agent", "drivers", "simulators", "configs", "pyproject.toml", "README.md", "LICENSE"
)  # fmt: skip
"""What the wheel is built from, copied: building leaves nothing behind in the repository."""


def run(*command, cwd, within_s=300):
    """Run a command away from this repository's environment; give what it printed on stdout."""
    unset = {"PYTHONPATH", "VIRTUAL_ENV", "CHULIAN_CONFIG", "CHULIAN_LOG"}
    environment = {k: v for k, v in os.environ.items() if k not in unset} | {"CHULIAN_LANG": "en"}
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=environment, check=False, timeout=within_s,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Build the wheel, install it into a fresh environment; gives that environment's folder."""
    folder = tmp_path_factory.mktemp("wheel")
    source, environment = folder / "source", folder / "venv"
    source.mkdir()
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, source / name)
    run(sys.executable, "-m", "venv", environment, cwd=folder)
    python = environment / "bin" / "python"
    pip = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    run(*pip, "--require-hashes", "-r", ROOT / "deploy" / "requirements.lock", cwd=folder)
    # the lock holds the build backend too: the wheel depends on nothing unpinned
    run(UV, "build", "--wheel", "--no-build-isolation", "--python", python,
        "--out-dir", folder / "dist", source, cwd=folder)  # fmt: skip
    (wheel,) = (folder / "dist").glob("chulian-*.whl")
    run(*pip, "--no-deps", wheel, cwd=folder)
    return environment


def test_the_lock_is_complete(installed, tmp_path):
    """Nothing the wheel declares is missing or of another version, the demo's extra included."""
    run(installed / "bin" / "python", "-m", "pip", "check", cwd=tmp_path)
    where = run(
        installed / "bin" / "python", "-c", "import agent, jsonschema; print(agent.__file__)",
        cwd=tmp_path,
    )  # fmt: skip
    assert Path(where.strip()).is_relative_to(installed)


def test_a_configuration_is_checked(installed, tmp_path):
    """`chulian check` finds its drivers and accepts the smallest configuration shipped."""
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    chulian = installed / "bin" / "chulian"
    told = json.loads(run(chulian, "check", "-c", "configs/minimal.yaml", "--json", cwd=tmp_path))
    assert told["usable"] is True
    assert [device["driver"] for device in told["devices"]] == ["modbus"]


def test_the_demo_runs_from_an_empty_folder(installed, tmp_path):
    """The demo needs nothing but what was installed, loses nothing, and leaves nothing behind."""
    chulian, port = installed / "bin" / "chulian", free_port()
    command = (chulian, "demo", "--seconds", "5", "--json", "--port", port)
    summary = json.loads(run(*command, cwd=tmp_path, within_s=60))
    assert summary["ok"] is True
    assert summary["law_holds"] is True
    assert summary["platform"]["rows"] > 0
    assert list(tmp_path.iterdir()) == []
