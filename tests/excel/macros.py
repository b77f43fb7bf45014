"""Workbooks with our macros as LibreOffice can run them: xlwings' own module, and the class beside it, replaced."""

import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from addin.excel import project

HERE = Path(__file__).parent
STAND_INS = {
    "xlwings": "stand_in.bas",
    "XLPy": "stand_in_server.bas",
    "WScript": "stand_in_shell.bas",
    "BackpropMarks": "stand_in_marks.bas",
}


@contextmanager
def stand_ins() -> Iterator[None]:
    """What is built here has stand-ins for what only Excel can run, and everything else as it is shipped."""
    ours = {name: text for name, text in project.sources().items() if name not in ("xlwings", "Dictionary")}
    ours["CommandLine"] = xlwings_command_line()
    theirs = {name: (HERE / file).read_text("ascii").replace("\n", "\r\n") for name, file in STAND_INS.items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(project, "sources", lambda: ours | theirs)
        project.vba_project.cache_clear()
        yield
    project.vba_project.cache_clear()


def xlwings_command_line() -> str:
    """xlwings' own function that makes Windows' command line."""
    text = project.sources()["xlwings"].replace("\r\n", "\n")
    start = text.index("Function XLPyCommand()")
    function = compiled_for_excel(text[start : text.index("End Function", start)])
    return "\r\n".join(['Attribute VB_Name = "CommandLine"', *function, "End Function", ""])


def compiled_for_excel(text: str) -> list[str]:
    """The lines of VBA that Excel on Windows would compile: other interpreters ignore #If."""
    lines, taken = [], [True]
    for line in text.splitlines():
        directive = line.strip().split(" ")[0]
        if directive == "#If":
            taken.append(taken[-1] and line.strip() == '#If App = "Microsoft Excel" Then')
        elif directive in ("#Else", "#ElseIf"):
            taken[-1] = taken[-2] and directive == "#Else" and not taken[-1]
        elif directive == "#End":
            taken.pop()
        elif taken[-1]:
            lines.append(line)
    return lines


def prepare(folder: Path, profile: Path) -> None:
    """Put the stand-ins' Python side where this profile's LibreOffice finds it, with `folder` as its STAND_IN."""
    scripts = profile / "user/Scripts/python"
    scripts.mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / "stand_in.py", scripts)
    (folder / "server").write_text(json.dumps([sys.executable, str(HERE / "server.py")]))


def lines(folder: Path, kind: str = "lines") -> list[str]:
    """The command lines that the macros ran; of the kind "ended", those whose process has ended."""
    path = folder / kind
    return path.read_text("utf-8").splitlines() if path.exists() else []


def modules(path: Path) -> dict[str, str]:
    """The VBA of a workbook or a source by its module's name."""
    if path.suffix not in (".xlsm", ".xlam"):
        return {path.stem: path.read_text("ascii")}
    from oletools.olevba import VBA_Parser  # pyparsing warns of it: only where that is no failure

    parser = VBA_Parser(str(path))
    found = {Path(name).stem: text for _, _, name, text in parser.extract_macros()}
    parser.close()
    return found
