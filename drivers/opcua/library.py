"""Loads of asyncua what this driver uses: the types of OPC UA and their binary form.

Importing any part of the library runs its packages, which import its client, its server and all
these need; and its types read a table of 14,000 node ids for a few hundred of them. That is half of
the memory and of the time. So two packages are put in place without running them, and the table is
read, used and dropped. Guarantees: who asks a package or the table for more gets it, at the
library's own price; where the library is loaded already, nothing is changed.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Mapping
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from drivers.api import ConnectError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.machinery import ModuleSpec

_LIBRARY: Final = "asyncua"
_COMMON: Final = "asyncua.common"
_TYPES: Final = "asyncua.ua"
_TABLE: Final = "asyncua.ua.object_ids"
_LOADING: Final = threading.Lock()
"""Several devices load at once, each in a thread: another must not find a half put in place."""


async def load(*modules: str) -> None:
    """Import modules that use the library, in a thread: the loop must not wait for them.

    Raises:
        ConnectError: the process may open no more files.
    """
    if all(module in sys.modules for module in modules):
        return
    try:
        await asyncio.to_thread(load_now, *modules)
    except OSError as error:
        raise ConnectError(
            f"the driver cannot be loaded: {error}",
            zh=f"无法加载驱动：{error}",
            hint="The process has too many open files: see docs/operations.",
            hint_zh="进程打开的文件过多，见 docs/operations。",
        ) from error


def load_now(*modules: str) -> None:
    """Import modules that use the library, and of the library what they use.

    Raises:
        OSError: the process may open no more files; what is loaded by then stays.
    """
    with _LOADING:
        if _LIBRARY not in sys.modules:
            _put_in_place(_LIBRARY)
            _put_in_place(_COMMON)
            sys.modules[_TABLE] = _Table(_found(_TABLE, within=_TYPES))
        for module in modules:
            import_module(module)
        table = sys.modules.get(_TABLE)
        if isinstance(table, _Table):
            table.drop()


def _put_in_place(name: str) -> None:
    """Put a package among the imported ones; its own code runs when something of it is missed."""
    spec = _found(name, within=name.rpartition(".")[0])
    package = module_from_spec(spec)

    def fetch(attribute: str) -> Any:
        if attribute.startswith("__") and attribute != "__version__":
            raise AttributeError(f"module {name!r} has no attribute {attribute!r}")
        if find_spec(f"{name}.{attribute}") is not None:
            return import_module(f"{name}.{attribute}")
        vars(package).pop("__getattr__", None)
        _run(package, spec)
        return getattr(package, attribute)

    vars(package)["__getattr__"] = fetch
    sys.modules[name] = package


def _found(name: str, *, within: str) -> ModuleSpec:
    """Find a module without importing the package that it is in."""
    place = None
    if within:
        above = _found(within, within=within.rpartition(".")[0])
        place = above.submodule_search_locations
    spec = PathFinder.find_spec(name, place)
    if spec is None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    return spec


def _run(module: ModuleType, spec: ModuleSpec) -> None:
    if spec.loader is not None:
        spec.loader.exec_module(module)


class _Table(ModuleType):
    """The module of node ids, as the library has it; the table itself is read when it is asked."""

    def __init__(self, spec: ModuleSpec) -> None:
        super().__init__(spec.name)
        self._spec = self.__spec__ = spec
        self._read: Any = None
        self.ObjectIds = _Ids("ObjectIds", (), {"_table": self})
        self.ObjectIdNames = _Names(self)

    def whole(self) -> Any:
        """Give the library's own module."""
        if self._read is None:
            self._read = module_from_spec(self._spec)
            _run(self._read, self._spec)
        return self._read

    def drop(self) -> None:
        """Forget what was read; what was asked for stays."""
        self._read = None


class _Ids(type):
    """The class `ObjectIds`: it gets each of its attributes when that is asked for first."""

    _table: _Table

    def __getattr__(cls, name: str) -> Any:
        number = getattr(cls._table.whole().ObjectIds, name)
        setattr(cls, name, number)
        return number


class _Names(Mapping[int, str]):
    """The mapping `ObjectIdNames`."""

    def __init__(self, table: _Table) -> None:
        self._table = table

    def __getitem__(self, number: int) -> str:
        name: str = self._table.whole().ObjectIdNames[number]
        return name

    def __iter__(self) -> Iterator[int]:
        return iter(self._table.whole().ObjectIdNames)

    def __len__(self) -> int:
        return len(self._table.whole().ObjectIdNames)
