"""Modules that a library names and we hardly ever use: they are loaded at their first use."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from typing import Any


def import_later(name: str) -> None:
    """Have `package.module` load when something of it is asked for; nothing if it is there.

    `importlib.util.LazyLoader` does not do: under Python 3.11 an import statement is a use.
    """
    spec = find_spec(name)
    if name in sys.modules or spec is None or spec.loader is None:
        return
    module, loader = module_from_spec(spec), spec.loader

    def fetch(attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(f"module {name!r} has no attribute {attribute!r}")
        loader.exec_module(module)
        vars(module).pop("__getattr__", None)
        return getattr(module, attribute)

    vars(module)["__getattr__"] = fetch
    sys.modules[name] = module
    package, _, child = name.rpartition(".")
    setattr(import_module(package), child, module)
