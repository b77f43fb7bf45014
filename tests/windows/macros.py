"""The buttons of Results, pressed on a Windows without Excel: command.py, started by the line that the VBA makes."""

import re
import time
from dataclasses import dataclass
from pathlib import Path

from addin.excel import command
from tests.windows import vba
from tests.windows.wine import Project, windows_path

PATIENCE = 300  # seconds, where many programs want the processor
WORKBOOK = r"C:\users\Public\Übung's & 2.xlsm"


@dataclass(frozen=True)
class Buttons:
    """Those of a workbook whose user's folder is `home`; `scratch` takes a script."""

    project: Project
    home: Path
    scratch: Path

    def press(self, what: str, **details: str) -> dict[str, str]:
        """What Python answers, key by key."""
        answer = self.home / "answer-1.txt"
        lines = {"command": what, "home": windows_path(self.home), "workbook": WORKBOOK, "folder": "", **details}
        request = "\n".join(f"{key}={text}" for key, text in {**lines, "answer": windows_path(answer)}.items())
        settings = {"INTERPRETER_WIN": self.project.python, "PYTHONPATH": self.project.path}
        vba.run(self.project.wine, "Launch", f'Launch "{word(request)}"', settings, WORKBOOK, self.scratch)
        return command.parsed(command.decoded(waited_for(answer)))


def word(text: str) -> str:
    """As VBA's Encoded makes it, whose Like is no word of VBScript."""
    units = (text.encode("utf-16-be")[at : at + 2] for at in range(0, 2 * len(text), 2))
    return "".join(
        chr(unit[1]) if re.fullmatch(rb"\0[A-Za-z0-9]", unit) else f"~{unit.hex().upper()}" for unit in units
    )


def waited_for(answer: Path) -> str:
    """The answer's text; Launch does not wait for Python, nor does Excel."""
    deadline = time.monotonic() + PATIENCE
    while not answer.exists():
        assert time.monotonic() < deadline, "Python gave no answer"
        time.sleep(0.1)
    text = answer.read_text("ascii")
    answer.unlink()
    return text
