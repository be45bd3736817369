"""The root of the command line: language, exit codes, and what it does not import."""

import subprocess
import sys
from importlib import import_module

import pytest

from agent.cli.main import COMMANDS, main
from agent.cli.output import choose_language, table_lines, without_language


@pytest.mark.parametrize(
    ("argv", "environ", "lang"),
    [
        ([], {}, "en"),
        ([], {"LANG": "zh_CN.UTF-8"}, "zh"),
        ([], {"LANG": "zh_CN.UTF-8", "CHULIAN_LANG": "en"}, "en"),
        ([], {"LANG": "C", "CHULIAN_LANG": "zh-CN"}, "zh"),
        ([], {"CHULIAN_LANG": "fr", "LANG": "zh_CN"}, "zh"),
        (["check", "--lang", "zh"], {"CHULIAN_LANG": "en"}, "zh"),
        (["--lang=en", "check"], {"CHULIAN_LANG": "zh"}, "en"),
        (["--lang", "fr"], {}, "en"),
    ],
)
def test_the_language_is_chosen(argv, environ, lang):
    """`--lang`, else CHULIAN_LANG, else the system's language."""
    assert choose_language(argv, environ) == lang


def test_lang_may_stand_anywhere():
    """A valid `--lang` is taken out of the words; a wrong one is left to be refused."""
    words = ["--lang", "zh", "points", "import", "x", "--lang=en", "en"]
    assert without_language(words) == ["points", "import", "x", "en"]
    assert without_language(["check", "--lang", "fr"]) == ["check", "--lang", "fr"]


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name, lang, capsys):
    """Every listed command exists, and has a help page with its own sentence in both languages."""
    with pytest.raises(SystemExit) as left:
        main([name, "--help", "--lang", lang])
    assert left.value.code == 0
    page = capsys.readouterr().out
    assert COMMANDS[name].help.text(lang).split()[0] in page
    assert "--lang" in page
    module = import_module(COMMANDS[name].module)
    assert callable(module.run)


def test_help_lists_every_command(capsys):
    """`chulian --help` shows each command with what it does."""
    with pytest.raises(SystemExit):
        main(["--lang", "zh", "--help"])
    page = capsys.readouterr().out
    assert page.startswith("用法: chulian")
    for name, command in COMMANDS.items():
        assert f"  {name} " in page
        assert command.help.zh in page


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["chek"], ["没有命令", "check"]),
        (["check", "--foo"], ["无法识别的参数：--foo"]),
        (["check", "--lang", "fr"], ["--lang", "可选"]),
        (["points"], ["缺少参数"]),
        (["points", "import"], ["缺少参数：table"]),
        (["points", "export", "-o"], ["需要一个值"]),
    ],
)
def test_a_wrong_command_line_is_explained(argv, words, capsys, monkeypatch):
    """Usage errors end with exit code 2 and one sentence in the reader's language."""
    monkeypatch.setenv("CHULIAN_LANG", "zh")
    with pytest.raises(SystemExit) as left:
        main(argv)
    assert left.value.code == 2
    err = capsys.readouterr().err
    for word in words:
        assert word in err


def test_without_a_command_the_help_is_shown(capsys):
    """`chulian` alone shows what can be typed, and fails."""
    assert main(["--lang", "en"]) == 2
    assert "check" in capsys.readouterr().err


def test_a_bad_configuration_ends_any_command(capsys, tmp_path):
    """A command that loads a bad file prints every problem and ends with exit code 2."""
    path = tmp_path / "a.yaml"
    path.write_text("gateway: {id: g}\n")
    out = tmp_path / "t.csv"
    assert main(["points", "export", "-c", str(path), "-d", "x", "-o", str(out)]) == 2
    assert capsys.readouterr().err.count("E1101") == 2
    assert not out.exists()


def test_python_m_agent_is_the_command():
    """`python -m agent --version` answers as `chulian --version` does."""
    done = subprocess.run(
        [sys.executable, "-m", "agent", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("chulian ")


def test_loading_a_configuration_stays_light():
    """The path of `run` imports nothing that only other commands need."""
    code = (
        "import sys, agent.cli.main, agent.config.load\n"
        "heavy = {'rich', 'openpyxl', 'sqlite_utils', 'simulators', 'asyncua', 'pymodbus'}\n"
        "print(*sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_output_to_a_console_that_lacks_characters_is_no_crash(tmp_path):
    """Chinese on an ASCII console is shown as codes, not as a traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "agent", "check", "-c", str(tmp_path / "none.yaml"), "--lang", "zh"],
        capture_output=True, check=False, env={"PYTHONIOENCODING": "ascii", "PATH": ""},
    )  # fmt: skip
    assert done.returncode == 2
    assert b"E1001" in done.stdout
    assert b"Traceback" not in done.stderr


def test_a_table_counts_chinese_as_two_places():
    """Columns line up on a terminal whatever language stands in them."""
    assert table_lines([["车床", "1"], ["ab", "22"]]) == ["车床  1", "ab    22"]
