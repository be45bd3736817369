from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
import warnings

import pytest

from agent.telemetry.logs import OUR_LOGGERS, LogSettings, about, parse, set_up


@pytest.fixture(autouse=True)
def _restore():
    """Leave the process's logging as it was."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in OUR_LOGGERS}
    yield
    logging.captureWarnings(capture=False)
    root.handlers[:], root.level = before[0], before[1]
    root.setLevel(before[1])
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture
def logged():
    """Set logging up into a string and give a function that logs one event and reads it."""

    def read(settings, log, **options):
        stream = io.StringIO()
        set_up(settings, stream=stream, environment={}, **options)
        log(logging.getLogger("chulian.collect"))
        return stream.getvalue()

    return read


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("", LogSettings(logging.INFO, json=False)),
        ("debug", LogSettings(logging.DEBUG, json=False)),
        (" JSON , warning ", LogSettings(logging.WARNING, json=True)),
        ("json,text", LogSettings(logging.INFO, json=False)),
    ],
)
def test_level_and_format_come_from_one_variable(text, settings):
    """Words in any order and case; nothing means info as text."""
    assert parse(text) == settings


def test_an_unknown_word_is_named_with_what_is_allowed():
    """A typing error in CHULIAN_LOG says which word and what there is."""
    with pytest.raises(ValueError, match=r"'verbose'.*debug, info, warning, error, text, json"):
        parse("info,verbose")


def test_text_names_device_and_group(logged):
    """A line has time, level, logger, place and event."""

    def log(logger):
        with about("CNC-01", "fast"):
            logger.warning("no answer after %s s", 3)
        logger.info("after")

    first, second = logged(LogSettings(), log).splitlines()
    assert first.endswith("WARNING chulian.collect [CNC-01/fast] no answer after 3 s")
    assert first[:2] == "20"
    assert second.endswith("INFO chulian.collect after")


def test_no_value_can_forge_a_line(logged):
    """Line breaks and terminal codes from a machine are escaped; Chinese stays readable."""
    text = logged(LogSettings(), lambda log: log.info("name %s", "液压机\n2026 ERROR x\x1b[31m"))
    assert text.count("\n") == 1
    assert "液压机\\n2026 ERROR x\\x1b[31m" in text


@pytest.mark.parametrize("as_json", [False, True])
def test_secrets_never_appear(logged, as_json):
    """A known secret is starred in messages and tracebacks, in either form."""

    def log(logger):
        try:
            int('login of user with p"ss-word failed')
        except ValueError:
            logger.exception("broker said %s", 'p"ss-word')

    text = logged(LogSettings(json=as_json), log, secrets=['p"ss-word', "abc"])
    assert 'p"ss-word' not in text
    assert r"p\"ss-word" not in text
    assert text.count("***") >= 2


def test_json_lines_are_complete(logged):
    """One object a line: time, level, logger, device, constant event, message, trace."""

    def log(logger):
        with about("P1"):
            try:
                int("断开")
            except ValueError:
                logger.exception("lost %s", "link")

    (line,) = logged(LogSettings(json=True), log).splitlines()
    event = json.loads(line)
    assert event["level"] == "error"
    assert event["device"] == "P1"
    assert event["event"] == "lost %s"
    assert event["message"] == "lost link"
    assert "断开" in event["trace"]
    assert "group" not in event


def test_libraries_stay_quiet_until_debug(logged):
    """At info a library's info is not shown; at debug it is."""

    def log(_):
        logging.getLogger("some_library.client").info("renewing channel")

    assert logged(LogSettings(logging.INFO), log) == ""
    assert "renewing channel" in logged(LogSettings(logging.DEBUG), log)


def test_errors_only_means_errors_only(logged):
    """At error, warnings of ours and of libraries are dropped."""

    def log(logger):
        logger.warning("ours")
        logging.getLogger("pymodbus").warning("theirs")
        logger.error("kept")

    assert logged(LogSettings(logging.ERROR), log).splitlines()[0].endswith("kept")


def test_python_warnings_are_logged(logged):
    """A warning of the interpreter is an event like any other."""

    def log(_):
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("old API", DeprecationWarning, stacklevel=1)

    assert "old API" in logged(LogSettings(), log)


def test_setting_up_again_replaces(logged):
    """Two set-ups do not log twice."""
    logged(LogSettings(), lambda log: log.info("first"))
    text = logged(LogSettings(), lambda log: log.info("second"))
    assert text.count("second") == 1


_CHILD = """
import logging, os, sys
info = os.fstat(2)
os.environ["JOURNAL_STREAM"] = f"{info.st_dev}:{info.st_ino}"
from agent.telemetry.logs import LogSettings, set_up
set_up(LogSettings())
try:
    1 / 0
except ZeroDivisionError:
    logging.getLogger("chulian.x").exception("broken")
"""


def test_the_journal_gets_priorities_and_no_times():
    """Where stderr is the journal every line has its priority and the journal's own time."""
    done = subprocess.run(
        [sys.executable, "-c", _CHILD], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONSAFEPATH": "1"},
    )  # fmt: skip
    lines = done.stderr.splitlines()
    assert lines[0] == "<3>chulian.x broken"
    assert all(line.startswith("<3>") for line in lines)
    assert "ZeroDivisionError" in lines[-1]
