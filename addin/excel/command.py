"""What Excel's macros ask of Python: each request is a process of its own, which answers with a file and ends.

`python -E command.py WORD`, so that no PYTHONPATH of the user's counts: the word is the request, lines of key=text, in
letters and digits (`decoded`). The answer is such a word too, in the file that the request names: folder (show this
run), status (say this), over (no more will come), tell (say this in a box), open (this workbook); or clear and row,
cells for the sheet of runs; or what a check found (`as_fields`). Nothing is started from xlwings' server, whose
children all end with Excel.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

PROJECT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path[0] = str(PROJECT)  # in place of this folder: Excel names this file

from addin import launch, overview, training  # noqa: E402
from addin.setup import excel  # noqa: E402
from addin.training import Answer  # noqa: E402
from cnn import runs  # noqa: E402
from cnn.runs.output import free  # noqa: E402
from cnn.runs.settings import SHEET, SettingsError  # noqa: E402
from xlsx.check.files import OLE  # noqa: E402
from xlsx.contract import MESSAGES  # noqa: E402

SECONDS = 60  # that a check may take; no process goes on for ever
FORGOTTEN = 3600  # seconds after which an answer that nobody fetched is removed
MOST_LETTERS = 31  # of the name of a sheet, which for a file of values is the file's
PLAIN = {chr(code) for code in range(32, 126)} | {"\n"}  # all of ASCII but ~


def main(arguments: list[str]) -> int:
    """Do what the request asks and write the answer."""
    request = parsed(decoded(arguments[0]))
    os.environ["BACKPROP_HOME"] = request["home"]
    text = reply(request)
    remove_forgotten(Path(request["home"]))
    runs.write_file(Path(request["answer"]), encoded(text).encode())
    return 0


class Request:
    """A request as the sheet that it comes from."""

    def __init__(self, lines: dict[str, str]):
        self._lines = lines
        self.workbook, self.folder = lines["workbook"], lines["folder"]

    def settings(self) -> dict[str, object]:
        """The settings of the next run, as texts. Raises SettingsError for those that the macros did not find."""
        if lacking := [f"run_{name}" for name in SHEET if name not in self._lines]:
            raise SettingsError(
                f"Names are missing or broken in this workbook: {', '.join(lacking)}", "Write a fresh one"
            )
        return {name: self._lines[name] for name in SHEET}


def reply(request: dict[str, str]) -> str:
    """The lines of an answer: rows for the sheet of runs, the marks of a check, or what is to be shown of a run."""
    if request["command"] == "check":
        return checked(Path(request["copy"]), request["name"])
    if request["command"] not in overview.COMMANDS:
        return as_lines(answered(request))
    try:
        return as_rows(overview.COMMANDS[request["command"]]([name for name in request["ticked"].split("\t") if name]))
    except OSError as error:
        return as_lines(Answer(tell=str(error)))


def as_rows(shown: overview.Shown) -> str:
    """Rows to write under the cells of a name: what is there is cleared first; a number begins with #.

    The line that says how many they are comes last: where it stands, so do they.
    """
    lines = []
    for name, rows in shown.blocks.items():
        lines.append(f"clear={name}")
        lines += ["\t".join((f"row={name}", str(number), *map(as_cell, row))) for number, row in enumerate(rows, 1)]
    lines.append(f"row=runs_status\t0\t{one_line(shown.status)}")
    return "".join(f"{line}\n" for line in lines)


def as_cell(value: float | str) -> str:
    return one_line(value) if isinstance(value, str) else f"#{value!r}"


def checked(copy: Path, name: str) -> str:
    """The check of a copy, which is gone afterwards, of the workbook that is called `name`."""
    try:
        from addin.calc.convert import converted
        from addin.marks import Shown, lines  # it needs numpy, and other requests do not wait for that

        with TemporaryDirectory() as folder:
            file = Path(folder) / f"{Path(name).stem[:MOST_LETTERS]}{suffix(copy)}"
            shutil.move(copy, file)
            with converted([file]) as others:
                command = [sys.executable, "-m", "addin.marks", str(others.get(file, file)), name]
                done = subprocess.run(
                    command, cwd=PROJECT, env=launch.variables(), capture_output=True, timeout=SECONDS, check=True
                )
                return as_fields(lines(Shown(**json.loads(done.stdout))))
    except Exception as error:  # nobody sees what this process says
        return as_fields([("tell", MESSAGES["check failed"].format(reason=f"{type(error).__name__}: {error}"))])


def suffix(copy: Path) -> str:
    """The kind of a file, by its content: Excel makes a copy as the workbook was opened, whatever its name says."""
    with copy.open("rb") as stream:
        head = stream.read(len(OLE))
    return ".xls" if head == OLE else ".xlsx" if head.startswith(b"PK") else ".csv"


def as_fields(lines: Iterable[tuple[str, ...]]) -> str:
    """A line each, its fields with tabs between; a line break within a field is a vertical tab."""
    return "".join("\t".join(map(one_field, line)) + "\n" for line in lines)


def one_field(text: str) -> str:
    return "\v".join(text.replace("\t", " ").splitlines())


def answered(request: dict[str, str]) -> Answer:
    """The answer to a request; what nobody foresaw too, for nobody sees what this process says: the sheet does."""
    try:
        if request["command"] in OTHERS:
            return OTHERS[request["command"]]()
        return training.answer(request["command"], Request(request))
    except Exception as error:
        return Answer(status=f"{type(error).__name__}: {error}")


def recalculate() -> Answer:
    """On macOS: Python's numbers as values."""
    from addin.excel import macos  # it needs xlwings, and xlwings an Excel

    return Answer(status=macos.recalculate())


def new_workbook() -> Answer:
    """A workbook beside the user's own, or that where there is none yet."""
    from addin.excel import project  # it needs xlwings, and the other the modules of all sheets
    from xlsx import build

    return Answer(open=str(build.build(free(runs.home() / excel.FILE_NAME), macros=project.add_to)))


OTHERS = {"recalculate": recalculate, "new": new_workbook}


def as_lines(answer: Answer) -> str:
    """The lines of an answer that says something."""
    said = answer._asdict() | {"over": "1" if answer.over else ""}
    return "".join(f"{key}={one_line(text)}\n" for key, text in said.items() if text)


def parsed(text: str) -> dict[str, str]:
    """Lines of key=text as a dictionary."""
    return dict(line.split("=", 1) for line in text.split("\n") if "=" in line)


def one_line(text: str) -> str:
    return " ".join(text.split())


def decoded(word: str) -> str:
    """The text of a word in which ~ and four hexadecimal digits stand for a UTF-16 unit."""
    units = re.sub("~([0-9A-Fa-f]{4})", lambda found: chr(int(found[1], 16)), word)
    return units.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def encoded(text: str) -> str:
    """A text in ASCII, as `decoded` reads it."""
    data = text.encode("utf-16-be", "surrogatepass")
    units = (int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2))
    return "".join(chr(unit) if chr(unit) in PLAIN else f"~{unit:04X}" for unit in units)


def remove_forgotten(home: Path) -> None:
    for path in home.glob("answer-*.txt"):
        try:
            if time.time() - path.stat().st_mtime > FORGOTTEN:
                path.unlink()
        except OSError:
            continue


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
