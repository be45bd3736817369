"""`drivers.api` is one complete, light, importable surface."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import drivers.api
from drivers import api

FOLDER = Path(drivers.api.__file__).parent
BENEATH = {"__init__", "plain", "shape"}
"""What models are made of is pydantic's vocabulary; a driver author takes it from there."""
MODULES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in BENEATH)


def public_names(module):
    """Give the public names a module of the package defines at its top level."""
    tree = ast.parse((FOLDER / f"{module}.py").read_text(encoding="utf-8"))
    for node in tree.body:
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                yield name
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                yield name


def test_all_is_sorted_and_importable():
    """Every name of `__all__` exists, once, in order."""
    assert all(hasattr(api, name) for name in api.__all__)
    assert len(set(api.__all__)) == len(api.__all__)


@pytest.mark.parametrize("module", MODULES)
def test_all_is_complete(module):
    """Every public name that a module of the package defines is in `__all__`."""
    typing_only = {"PlanT_co", "PlanT_contra", "ConfigT", "LinkT"}
    names = {name for name in public_names(module) if not name.startswith("_")}
    assert names - typing_only <= set(api.__all__)


def test_every_public_name_is_documented():
    """Every class of the surface says what it is."""
    classes = [getattr(api, name) for name in api.__all__ if isinstance(getattr(api, name), type)]
    assert len(classes) > 15
    assert not [cls.__name__ for cls in classes if not cls.__doc__]


def test_surface_needs_stdlib_and_pydantic_only():
    """Importing the surface loads nothing but the standard library, pydantic and itself."""
    code = "import sys; old = set(sys.modules); import drivers.api; print(*set(sys.modules) - old)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        check=True,
        text=True,
        timeout=30,
    )
    # `_sysconfigdata_...` is the standard library's too, under a name of the platform
    names = [name for name in done.stdout.split() if not name.startswith("_sysconfigdata")]
    tops = {name.partition(".")[0] for name in names} - sys.stdlib_module_names
    # pydantic's own requirements, and the C core it is built on
    pydantic = {"pydantic", "pydantic_core", "annotated_types", "typing_extensions"}
    assert tops - pydantic - {"typing_inspection"} == {"drivers"}
    loaded = {name for name in names if name.startswith("drivers.")}
    assert {".".join(name.split(".")[:2]) for name in loaded} == {"drivers.api", "drivers.reads"}
