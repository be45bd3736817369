"""What of the protocol library is loaded, and that the rest is there for who asks."""

import subprocess
import sys

import pytest

from drivers.api import ConnectError
from drivers.opcua import library

LOAD = "from drivers.opcua.library import load_now; load_now('drivers.opcua.connect')\n"


def said(code):
    """Run a program of its own: what is imported is the process's."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_a_session_without_protection_loads_types_and_no_more():
    """Neither the library's client and server nor any cryptography is imported."""
    heavy = ("asyncua.client", "asyncua.server", "asyncua.common.node", "anyio", "cryptography")
    code = f"{LOAD}import sys; print(*[name for name in {heavy!r} if name in sys.modules])"
    assert said(code) == []


def test_who_asks_the_library_for_more_gets_it():
    """Client, node, version and the whole table of ids are there as they were never left out."""
    code = (
        f"{LOAD}import asyncua, asyncua.ua.object_ids as table\n"
        "from asyncua.common import Node\n"
        "from asyncua import Client, ua\n"
        "print(Client.__module__, Node is asyncua.Node, asyncua.__version__ != '')\n"
        "print(ua.ObjectIds.ObjectsFolder, ua.ObjectIdNames[85], 84 in ua.ObjectIdNames)\n"
        "print(len(ua.ObjectIdNames) > 10_000, next(iter(ua.ObjectIdNames)) == 0)\n"
        "print(getattr(ua.ObjectIds, 'NoSuchThing', 'none'), hasattr(asyncua, 'no_such_part'))\n"
        "print(table.ObjectIds is ua.ObjectIds)"
    )
    expected = ["asyncua.client.client", "True", "True", "85", "ObjectsFolder", "True"]
    assert said(code) == [*expected, "True", "True", "none", "False", "True"]


def test_numbers_are_the_librarys_own():
    """Every id that this driver's types took from the table is what the library itself says."""
    code = (
        f"{LOAD}import importlib.util, sys\n"
        "from asyncua import ua\n"
        "lazy = {k: v for k, v in vars(ua.ObjectIds).items() if isinstance(v, int)}\n"
        "spec = sys.modules['asyncua.ua.object_ids'].__spec__\n"
        "whole = importlib.util.module_from_spec(spec); spec.loader.exec_module(whole)\n"
        "print(len(lazy) > 300, len(lazy) < 2000)\n"
        "print(all(vars(whole.ObjectIds)[k] == v for k, v in lazy.items()))"
    )
    assert said(code) == ["True", "True", "True"]


def test_a_library_that_is_there_already_is_left_alone():
    """Where the whole library was imported before, nothing of it is replaced."""
    code = (
        f"import asyncua, asyncua.ua.object_ids as table; before = table.ObjectIds\n{LOAD}"
        "print(asyncua.ua.ObjectIds is before, type(before).__name__)"
    )
    assert said(code) == ["True", "type"]


async def test_too_many_open_files_is_a_link_that_is_not_there(monkeypatch):
    """A module that cannot be read for want of files is told as a failed connection, with why."""

    def refuse(name):
        raise OSError(24, "Too many open files", name)

    monkeypatch.setattr(library, "import_module", refuse)
    with pytest.raises(ConnectError, match="Too many open files") as told:
        await library.load("drivers.opcua.not_loaded_yet")
    assert "too many open files" in (told.value.hint or "")


def test_devices_that_load_at_once_load_the_same():
    """A thread that comes while the library is put in place ends with it lean, too."""
    code = (
        "import sys, threading, time\n"
        "from drivers.opcua import library\n"
        "found = library._found\n"
        "def slowly(name, *, within):\n"
        "    time.sleep(0.2)\n"
        "    return found(name, within=within)\n"
        "library._found = slowly\n"
        "both = [threading.Thread(target=library.load_now, args=('drivers.opcua.connect',))\n"
        "        for _ in range(2)]\n"
        "both[0].start()\n"
        "while 'asyncua' not in sys.modules:\n"
        "    time.sleep(0.001)\n"
        "both[1].start()\n"
        "[one.join() for one in both]\n"
        "print(*[name for name in ('asyncua.client', 'asyncua.server') if name in sys.modules])\n"
        "from asyncua import ua\n"
        "print(ua.ObjectIds is sys.modules['asyncua.ua.object_ids'].ObjectIds)"
    )
    assert said(code) == ["True"]
