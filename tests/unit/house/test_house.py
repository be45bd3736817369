"""The house's own rules: small files, small functions, no trace of one machine."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PRODUCT = sorted(
    p for part in ("agent", "drivers", "simulators") for p in (ROOT / part).rglob("*.py")
)
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 60
BROAD = {"agent/collect/supervisor.py", "agent/registry.py"}
"""The boundary to third-party drivers, and the loading of plug-ins."""


def test_every_file_is_short_enough_to_be_read_in_one_go():
    """No product file is longer than 300 lines."""
    long = {str(p.relative_to(ROOT)): n for p in PRODUCT if (n := _lines(p)) > MAX_FILE_LINES}
    assert long == {}


def test_every_function_is_short():
    """No product function is longer than 60 lines."""
    long = {
        f"{path.relative_to(ROOT)}:{node.name}": size
        for path in PRODUCT
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (size := (node.end_lineno or 0) - node.lineno + 1) > MAX_FUNCTION_LINES
    }
    assert long == {}


def test_every_exception_is_caught_at_the_two_boundaries_only():
    """`except Exception` stands in the link supervisor and the plug-in registry, nowhere else."""
    found = {
        str(path.relative_to(ROOT))
        for path in PRODUCT
        if re.search(r"except (\(.*)?\bException\b", path.read_text("utf-8"))
    }
    assert found <= BROAD


def test_nothing_names_a_place_outside_the_repository():
    """No tracked file names a path of somebody's machine or a package registry."""
    words = ["/work" + "/", "/root" + "/", "pypi" + ".org", "registry.npm" + "js.org"]
    found = subprocess.run(
        ["git", "grep", "-nIF", *(arg for word in words for arg in ("-e", word)), "--", "."],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if found.returncode == 128:
        pytest.skip("not a git checkout: there is no list of files to look through")
    assert found.stdout == ""


NOT_FOR_MODBUS = (
    "agent.config.load", "anyio", "asyncua", "cryptography", "drivers.opcua", "email", "fpdf",
    "html", "http.client", "importlib.metadata", "jsonschema", "openpyxl", "pydantic",
    "pydantic_core", "pymodbus", "rich", "ruamel", "serial", "simulators", "sqlite_utils", "typer",
)  # fmt: skip
"""What a gateway without OPC UA, serial lines, and work on new tables must not pay for."""


def test_the_agent_imports_only_what_it_needs():
    """`chulian run` of a Modbus gateway pays no memory for what it does not use."""
    code = (
        "import sys, agent.cli.main, agent.cli.run\n"
        "from agent.process.later import import_later\n"
        "from drivers.reads import leave_reading_to_another\n"
        "leave_reading_to_another()\n"
        "import_later('urllib.request')\n"
        "import agent.app, agent.web.server, drivers.modbus\n"
        f"print(*[name for name in {NOT_FOR_MODBUS!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []


def _lines(path):
    return path.read_text("utf-8").count("\n")
