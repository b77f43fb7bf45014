"""A user's day on Windows, under Wine: set-up with PyTorch, start.py, a training by the macros' lines, remove.

Before it the tests on that Windows, and how long they take.

`python -m benchmarks.windows`: half an hour. It needs what tests/windows needs, the package index, and nobody else at
work in Wine meanwhile. A step that does not do what it should ends it with an AssertionError.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.record import record
from cnn import runs
from cnn.runs.settings import SETTINGS, SHEET
from tests import downloads
from tests.windows import build
from tests.windows.macros import Buttons
from tests.windows.wine import PYTHON, ROOT, Project, started, windows_path

TITLE, COMMAND = "Windows, under Wine", "python -m benchmarks.windows"
RUNTIME = Path(__file__).with_name("windows.txt")
VARIABLES = {
    # Microsoft's runtime before Wine's own, where it is there
    "WINEDLLOVERRIDES": f"{build.OFF};ucrtbase=n;msvcp140,msvcp140_1,msvcp140_2,vcruntime140_1,vcomp140,concrt140=n,b",
    "KMP_AFFINITY": "disabled",  # PyTorch's OpenMP asks Wine 8 for processors by a function that it has not
    "PYTHONUTF8": "1",
    **{name: text for name, text in os.environ.items() if name.startswith("PIP_")},  # this machine's package index
}
EXCEL = "Program Files/Microsoft Office/root/Office16/EXCEL.EXE"
CHOSEN = {"dataset": "digits", "model": "tiny", "epochs": "300", "batch_size": "64"}
MINUTES = 60.0
VERSIONS = """
import platform, torch, xlwings
print(platform.platform(), platform.python_version(), torch.__version__, xlwings.__version__)
"""


@dataclass(frozen=True)
class Day:
    """The project on that Windows, and its user's folder."""

    project: Project
    home: Path
    buttons: Buttons

    def start(self, *words: str, minutes: float = 10, code: int = 0) -> str:
        """`python start.py …`; what it said, once it has ended with this exit code."""
        program, home = rf"{self.project.path}\start.py", windows_path(self.home)
        ended = self.project.wine.run(PYTHON, program, *words, timeout=minutes * MINUTES, BACKPROP_HOME=home)
        assert ended.returncode == code, ended.stdout + ended.stderr
        return ended.stdout + ended.stderr

    def run(self) -> runs.Run:
        """The one training run."""
        [folder] = (self.home / "runs").iterdir()
        return runs.read(folder)

    def look(self) -> str:
        """How the run stands, as the sheet would say it."""
        return self.buttons.press("look", folder=windows_path(self.run().folder))["status"]


def tests() -> str:
    """The tests on this Windows, once it is made."""
    words = [sys.executable, "-m", "pytest", "--quiet", "tests/windows"]
    ended = subprocess.run(words, cwd=ROOT, env={**os.environ, "BACKPROP_REQUIRE": "windows"}, capture_output=True)
    assert ended.returncode == 0, ended.stdout.decode()
    return ended.stdout.decode().splitlines()[-1].partition(" in ")[0]


def set_up(day: Day) -> str:
    """`start.py setup`, from nothing: Wine has not all of the runtime that PyTorch needs, and set-up says so."""
    said = day.start("setup", minutes=40, code=1)
    [line] = [line for line in said.splitlines() if "vc_redist.x64.exe" in line]
    assert "anew" not in said
    return line


def set_up_with_runtime(day: Day) -> str:
    """The same once the runtime is there: nothing is installed a second time."""
    folder = day.project.folder.parent
    with zipfile.ZipFile(downloads.wheels(RUNTIME, folder / "runtime", *build.FOR_WINDOWS)[0]) as archive:
        for name in archive.namelist():
            if "/Scripts/" in name and not name.endswith("/vcruntime140.dll"):  # that one comes with Python
                (day.project.wine.drive_c / "Python311" / Path(name).name).write_bytes(archive.read(name))
    assert "Downloading" not in day.start("setup", minutes=20)
    system, python, torch, xlwings = day.project.wine.run(day.project.python, "-c", VERSIONS).stdout.split()
    return f"{system}, Python {python}, torch {torch}, xlwings {xlwings}"


def open_in_excel(day: Day) -> str:
    """`start.py` where Excel is: it gets the user's workbook."""
    with stand_in(day) as opened:
        day.start()
        wait_until(opened.exists, 3)
        assert opened.read_text("utf-8") == windows_path(day.home / "backprop.xlsm")
    return "EXCEL.EXE was given the workbook"


@contextmanager
def stand_in(day: Day) -> Iterator[Path]:
    """A program where Excel usually is, and the file into which it writes what it is to open."""
    program = day.project.wine.drive_c / EXCEL
    program.parent.mkdir(parents=True, exist_ok=True)
    build.done([build.GCC, "-municode", "-o", program, build.HERE / "excel.c"])
    try:
        yield program.with_name("opened.txt")
    finally:
        program.unlink()
        program.with_name("opened.txt").unlink(missing_ok=True)


def train(day: Day) -> str:
    """Train CNN: the epochs arrive in the log while it trains."""
    settings = {name: str(SETTINGS[name].default) for name in SHEET} | CHOSEN
    assert "folder" in day.buttons.press("train", **settings)
    wait_until(lambda: (day.home / "runs").exists() and len(day.run().epochs) >= 2, 10)
    return f"the log showed 2 epochs; status: {day.look()}"


def stop(day: Day) -> str:
    """Stop: it ends within a batch and keeps its complete epochs."""
    day.buttons.press("stop", folder=windows_path(day.run().folder))
    wait_until(lambda: day.run().end, 3)
    return day.look()


def resume(day: Day) -> str:
    """Resume: it goes on with the next epoch."""
    complete = len(day.run().epochs)
    day.buttons.press("resume", folder=windows_path(day.run().folder))
    wait_until(lambda: len(day.run().epochs) > complete, 10)
    return f"went on with epoch {complete + 1}"


def kill(day: Day) -> str:
    """A killed trainer: the run is known to be dead, and can be resumed to its end."""
    ended = day.project.wine.run("taskkill", "/F", "/PID", day.run().started["pid"])
    assert ended.returncode == 0, ended.stdout
    status = day.look()
    day.buttons.press("resume", folder=windows_path(day.run().folder))
    wait_until(lambda: (day.run().end or {}).get("event") == "finished", 20)
    assert [each["epoch"] for each in day.run().epochs] == list(range(1, int(CHOSEN["epochs"]) + 1))
    return f"{status}; resumed: {day.look()}"


def remove(day: Day) -> str:
    """`start.py remove`: the settings are gone, workbook and run stay."""
    day.start("remove")
    assert not (day.home / "environment.json").exists()
    assert (day.home / "backprop.xlsm").exists()
    assert day.run().epochs
    return "settings gone, workbook and run left"


STEPS: dict[str, Callable[[Day], str]] = {
    "start.py setup": set_up,
    "start.py setup, the runtime installed": set_up_with_runtime,
    "start.py": open_in_excel,
    "Train CNN": train,
    "Stop": stop,
    "Resume": resume,
    "kill, Resume": kill,
    "start.py remove": remove,
}


def wait_until(condition: Callable[[], object], minutes: float) -> None:
    deadline = time.monotonic() + minutes * MINUTES
    while not condition():
        assert time.monotonic() < deadline, f"not within {minutes} minutes"
        time.sleep(0.2)


def measured(step: Callable[..., str], *day: Day) -> tuple[str, str]:
    """How long a step took, in seconds, and what was seen."""
    begin = time.monotonic()
    seen = step(*day)
    return f"{time.monotonic() - begin:.0f}", seen


def main() -> None:
    with started():
        pass  # it is made now, if it was not
    rows = [("step", "seconds", "seen"), ("python -m pytest tests/windows", *measured(tests))]
    print(*rows[-1], sep="  ", flush=True)
    with tempfile.TemporaryDirectory() as name, started() as wine:  # Wine ends before its files go
        project = Project.copied(replace(wine, variables=VARIABLES), Path(name))
        home = Path(name, "Käthe's & Co")
        home.mkdir()
        day = Day(project, home, Buttons(project, home, Path(name)))
        try:
            for title, step in STEPS.items():
                rows.append((title, *measured(step, day)))
                print(*rows[-1], sep="  ", flush=True)
        finally:
            for dll in set(wine.drive_c.glob("Python311/*140*.dll")) - {wine.drive_c / "Python311/VCRUNTIME140.dll"}:
                dll.unlink()
    print(record(TITLE, COMMAND, rows))


if __name__ == "__main__":
    main()
