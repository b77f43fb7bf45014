"""The command lines that reach Python from Excel: macOS' is run for real in a shell, Windows' taken apart by its rules.

(What xlwings' VBA makes of the settings on Windows is computed in tests/calc/test_excel_macros.py.)
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from addin.excel import command, project
from addin.setup import excel
from tests.excel.windows import arguments, by_cmd

ODD = ["plain", "two words", "it's & co", "José (ü) ~1"]


@pytest.mark.parametrize("words", [["a b", 'say "x"', "c:\\dir\\", "\\\\server\\it's & co\\", "^%"], ["", "end\\"]])
def test_the_rules_for_arguments_are_the_inverse_of_what_python_quotes(words: list[str]) -> None:
    assert arguments(subprocess.list2cmdline(words)) == words


def test_the_rules_of_cmd_are_those_that_its_help_gives() -> None:
    assert by_cmd('""C:\\a b\\python.exe" -c "x & y""') == ['"C:\\a b\\python.exe" -c "x & y"']
    assert by_cmd("echo a^&b & echo c") == ["echo a&b", "echo c"]
    assert by_cmd('"C:\\x y.exe"') == ['"C:\\x y.exe"']


def shell_command(**parts: str) -> str:
    """What the AppleScript of the installed xlwings gives to the shell."""
    (script,) = project.XLWINGS.glob("*.applescript")
    text = script.read_text("utf-8").replace("¬\n", "")
    (expression,) = re.findall(r"set ShellCommand to (.*)", text)
    found = re.findall(r'"((?:[^"\\]|\\.)*)"|(\w+)', expression)
    return "".join(parts[name] if name else re.sub(r"\\(.)", r"\1", literal) for literal, name in found)


@pytest.mark.skipif(os.name == "nt", reason="a POSIX shell")
@pytest.mark.parametrize("name", ODD)
def test_on_macos_the_shell_runs_the_request_in_any_folder(name: str, tmp_path: Path, monkeypatch) -> None:
    home, copy = tmp_path / name, tmp_path / f"{name} project"
    home.mkdir()
    copy.symlink_to(project.PROJECT)
    environment = tmp_path / f"{name} environment"
    environment.symlink_to(sys.prefix)
    monkeypatch.setattr(sys, "executable", str(environment / "bin/python"))
    answer = home / "answer-1.txt"
    request = f"command=stop\nhome={home}\nworkbook={home}/backprop.xlsm\nfolder=\nanswer={answer}\n"
    word = re.sub("[^A-Za-z0-9]", lambda found: f"~{ord(found[0]):04X}", request)
    path = f"False;{home}/backprop.xlsm;{home}/backprop.xlsm;;;;{copy}"
    line = shell_command(
        PYTHONPATH=path.replace("'", "\\'") + ";",  # as ExecuteMac of xlwings.bas does
        PythonInterpreter=excel.interpreter_for_mac(tmp_path / "plain"),
        PythonCommand=f"from addin.excel import command; command.main(['{word}'])",
        WorkbookName="backprop.xlsm",
        ApplicationFullName="/Applications/Microsoft Excel",
        LOG_FILE=str(tmp_path / "log"),
    )
    subprocess.run(["sh", "-c", f"{line} wait"], check=True, cwd="/", env={"PATH": os.environ["PATH"]})
    assert (tmp_path / "log").read_text() == ""
    assert command.parsed(command.decoded(answer.read_text())) == {"status": "nothing to stop: no run is under way"}
