"""Starts, stops and resumes a training run in its own process, which outlives the program that started it.

Standard library only, and Python 3.9: it runs inside LibreOffice's own Python. The run is followed by `cnn.runs`.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple

from addin import FOREIGN
from cnn import runs
from cnn.runs import series
from cnn.runs.settings import check_settings, option, words

OFFICE_ONLY = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")  # LibreOffice points them at its own libraries
FOLDERS = ("BACKPROP_HOME", "CNN_DATA_DIR")
SET_UP = 'In the project\'s folder run "python start.py setup", then try again.'
# A hidden console, which the trainer's own children share; DETACHED_PROCESS would show each of them a window.
WINDOWS = getattr(subprocess, "CREATE_NO_WINDOW", 0) | getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
_children: dict[int, subprocess.Popen[bytes]] = {}  # started here, to be asked: a dead one keeps its number


class Files(NamedTuple):
    """In a run's folder: a note of the process that was started, and what it says."""

    note: str
    output: str


TRAINING, UNFOLDING = Files("launch.json", "output.txt"), Files("unfold.json", "unfold.txt")


class LaunchError(OSError):
    """The trainer could not be started; the message says why and what to do."""


def environment() -> dict[str, str] | None:
    """Where the project and its Python are, as start.py wrote it: interpreter, project, version. None if it did not."""
    try:
        found = json.loads((runs.home() / "environment.json").read_bytes())
        return found if all(isinstance(found[key], str) for key in ("interpreter", "project", "version")) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_environment(interpreter: str | Path, project: str | Path) -> None:
    """Say where the project and its Python are, for the spreadsheet programs. Raises OSError."""
    from addin import __version__

    runs.home().mkdir(parents=True, exist_ok=True)
    content = {"interpreter": str(interpreter), "project": str(project), "version": __version__}
    runs.write_file(runs.home() / "environment.json", json.dumps(content, indent=2).encode())


def start(settings: Mapping[str, object], workbook: str = "") -> Path:
    """Start a run of these settings (the others have their defaults), for this workbook; its run folder.

    Where one of them lists several values it is a series, and its folder. Raises SettingsError, OSError (and its
    LaunchError); then no process was started.
    """
    if several := series.several(settings):
        return _start_series(*several, settings, workbook)
    checked = check_settings(dict(settings))
    command = _command()
    folder = runs.new_folder(checked["model"])
    _spawn(folder, [*command, *words(checked), "--out", str(folder)], workbook)
    return folder


def _start_series(name: str, values: list[Any], settings: Mapping[str, object], workbook: str) -> Path:
    """Write the series down, of which nothing is trained yet, and go on with it."""
    planned, command = series.varied(name, values, settings), _command()
    folder = runs.new_folder(f"{option(name)[2:]}s")
    series.write(runs.Series(folder, planned))
    _spawn(folder, [*command, "--resume", str(folder)], workbook)
    return folder


def stop(folder: Path) -> None:
    """Ask the trainer to end; it does so within a batch and keeps the complete epochs. Raises OSError."""
    runs.request_stop(folder)


def resume(folder: Path) -> None:
    """Go on with a run after its last complete epoch. Raises OSError (and its LaunchError)."""
    if runs.is_alive(folder):
        raise LaunchError(f"{Path(folder).name} is still training. Wait for its end, or press Stop.")
    runs.clear_stop(folder)
    _spawn(Path(folder), [*_command(), "--resume", str(folder)], (_launch(folder) or {}).get("workbook", ""))


def unfold(folder: Path) -> None:
    """Have a run's network written as formulas, by a process of its own. Raises OSError (and its LaunchError)."""
    interpreter, start, _ = _command()
    _spawn(Path(folder), [interpreter, start, "unfold", str(folder)], "", UNFOLDING)


def is_unfolding(folder: Path) -> bool:
    launch = _launch(folder, UNFOLDING)
    return launch is not None and not _ended(launch["pid"])


def unfolded(folder: Path) -> str:
    """What came of that: where the workbook is, or why there is none; '' where nobody asked."""
    return said(folder, UNFOLDING) or ("it ended without a word" if _launch(folder, UNFOLDING) else "")


def outcome(folder: Path) -> str | None:
    """Why a start or resume came to nothing: the last line it said, when it ended before it logged anything.

    None while it is under way, and once the log tells more.
    """
    launch = _launch(folder)
    if launch is None or _logged_since(folder, launch["time"]) or runs.is_alive(folder) or not _ended(launch["pid"]):
        return None
    return said(folder) or "The trainer ended without a word."


def said(folder: Path, files: Files = TRAINING) -> str:
    """The last line that the process of a run has said; before the log begins, how far its set-up is. '' for none."""
    try:
        lines = (Path(folder) / files.output).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def is_starting(folder: Path) -> bool:
    """Whether a started or resumed run is on its way to its first line in the log; until then the log is an old one."""
    launch = _launch(folder)
    return launch is not None and not _logged_since(folder, launch["time"]) and not _ended(launch["pid"])


def is_under_way(folder: str | Path) -> bool:
    """Whether the run in this folder ('' for none) trains, or is about to."""
    return bool(folder) and (runs.is_alive(Path(folder)) or is_starting(Path(folder)))


def run_of(workbook: str, named: str) -> Path | None:
    """The newest run or series started from this workbook, else the one in the folder that it names; None for none."""
    for folder in runs.list_entries() if workbook else ():
        if (_launch(folder) or {}).get("workbook") == workbook:
            return folder
    return Path(named) if named and Path(named).is_dir() else None


def variables() -> dict[str, str]:
    """The environment variables for a process of the project: without the office's own, and with absolute folders."""
    office = any(name.startswith("URE_") for name in os.environ)
    foreign = (*FOREIGN, "PYTHONDONTWRITEBYTECODE", *(OFFICE_ONLY if office else ()))
    kept = {name: text for name, text in os.environ.items() if name not in foreign and not name.startswith("URE_")}
    folders = {name: os.path.abspath(os.path.expanduser(kept[name])) for name in FOLDERS if kept.get(name)}
    return {**kept, **folders}


def _command() -> list[str]:
    """The beginning of the trainer's command line. Raises LaunchError."""
    found = environment()
    if found is None:
        raise LaunchError(f"Python is not set up: there is no {runs.home() / 'environment.json'}. {SET_UP}")
    command = [found["interpreter"], os.path.join(found["project"], "start.py")]
    for path in command:
        if not os.path.exists(path):
            raise LaunchError(f"{path} is gone. {SET_UP}")
    return [*command, "train"]


def _spawn(folder: Path, command: list[str], workbook: str, files: Files = TRAINING) -> None:
    """Start the command detached, in its own session; write down what it says, and a note of it."""
    began = datetime.now(timezone.utc).isoformat()
    try:
        with open(folder / files.output, "wb") as output:
            child = subprocess.Popen(
                command,
                cwd=os.path.dirname(command[1]),
                env={**variables(), "BACKPROP_LAUNCHED": "1", "PYTHONUTF8": "1"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                creationflags=WINDOWS,
            )
    except OSError as error:
        raise LaunchError(f"{command[0]} could not be started ({error}). {SET_UP}") from error
    _children[child.pid] = child
    note = {"command": command, "workbook": workbook, "pid": child.pid, "time": began}
    runs.write_file(folder / files.note, json.dumps(note, indent=2).encode())


def _launch(folder: Path, files: Files = TRAINING) -> dict[str, Any] | None:
    try:
        found = json.loads((Path(folder) / files.note).read_bytes())
        return found if isinstance(found, dict) else None
    except (OSError, ValueError, RecursionError):
        return None


def _logged_since(folder: Path, time: str) -> bool:
    """Whether the run, or one of the series, has logged anything since then."""
    began = datetime.fromisoformat(time).timestamp()
    for run in runs.runs_in(Path(folder)):
        with contextlib.suppress(OSError):
            if os.path.getmtime(run / "log.jsonl") >= began:
                return True
    return False


def _ended(pid: int) -> bool:
    """Whether the process has ended, started here or by a program before."""
    if pid in _children:
        return _children[pid].poll() is not None
    if sys.platform == "win32":  # os.kill with signal 0 would send Ctrl-C there
        return _ended_on_windows(pid)
    try:
        os.kill(pid, 0)
        return False
    except ProcessLookupError:
        return True
    except OSError:
        return False


def _ended_on_windows(pid: int) -> bool:
    import ctypes

    kernel: Any = ctypes.WinDLL("kernel32")  # type: ignore[attr-defined]  # Windows has it
    kernel.OpenProcess.restype = ctypes.c_void_p
    handle = ctypes.c_void_p(kernel.OpenProcess(0x00100000, False, pid))  # SYNCHRONIZE
    if not handle:
        return True
    ended: bool = kernel.WaitForSingleObject(handle, 0) == 0
    kernel.CloseHandle(handle)
    return ended
