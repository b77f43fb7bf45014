"""The user's own folder and the run folders in it; writing a file whole; and the file that asks a trainer to stop."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
SERIES = "series.json"  # in a folder that holds several runs (series.py)
WEIGHTS = "weights.safetensors"  # of a finished run
TENSORBOARD = "tensorboard"  # the epochs as TensorBoard reads them, where that was asked for
SIGNS = ("config.json", "log.jsonl", "launch.json", SERIES)  # of a run that was launched at least, or of a series
PARENT = "parent.safetensors"  # those of the run that it went on from, in one that began so


def home() -> Path:
    """The user's own folder: BACKPROP_HOME, or ~/Backprop."""
    return Path(os.environ.get("BACKPROP_HOME") or Path.home() / "Backprop").expanduser().absolute()


def new_folder(name: str) -> Path:
    """Make a folder named after the time and this: 2026-11-23T10-15-04-reference. Raises WriteError."""
    name, count = f"{datetime.now():%Y-%m-%dT%H-%M-%S}-{name}", 1
    while True:
        folder = home() / "runs" / (name if count == 1 else f"{name}-{count}")
        with writing(folder):
            try:
                folder.mkdir(parents=True)
                return folder
            except FileExistsError:
                if not folder.is_dir():
                    raise
                count += 1


def list_runs(root: Path | None = None) -> list[Path]:
    """The run folders of the user's folder `root` (home() if None), newest first.

    In place of a series there are its runs, the last first.
    """
    return [run for entry in list_entries(root) for run in runs_in(entry)]


def list_entries(root: Path | None = None) -> list[Path]:
    """The folders of runs and of series, newest first: their names begin with the time."""
    place = (root or home()) / "runs"
    found = [entry for entry in place.iterdir() if entry.is_dir()] if place.is_dir() else []
    return sorted(found, key=lambda entry: (entry.name[:19], len(entry.name), entry.name), reverse=True)


def is_series(folder: Path) -> bool:
    return (folder / SERIES).is_file()


def runs_in(folder: Path) -> list[Path]:
    """The folder itself, or the runs of the series in it, the last first."""
    if not is_series(folder):
        return [folder]
    order = {name: place for place, name in enumerate(named_in(folder))}
    found = (entry for entry in folder.iterdir() if (entry / "log.jsonl").is_file())
    return sorted(found, key=lambda run: (order.get(run.name, -1), len(run.name), run.name), reverse=True)


def named_in(folder: Path) -> list[str]:
    """The names of the runs of a series in the order in which they are trained; none where that is damaged."""
    try:
        return list(json.loads((folder / SERIES).read_bytes())["runs"])
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return []


def find(named: Path) -> Path:
    """The run folder of this path, or name: the user's, or the project's. Raises NoRunError.

    Another folder of that name counts where there is no run.
    """
    found = [folder for folder in (named, home() / "runs" / named, PROJECT / named) if folder.is_dir()]
    if not found:
        raise NoRunError(named)
    return max(found, key=holds_runs).resolve()


def holds_runs(folder: Path) -> bool:
    return any((folder / name).is_file() for name in SIGNS)


def called(folder: Path) -> str:
    """What `find` finds a folder by, on other machines too where it can be: its name, else its path."""
    for place in (home() / "runs", PROJECT):
        if folder.is_relative_to(place):
            return folder.relative_to(place).as_posix()
    return str(folder)


class NoRunError(FileNotFoundError):
    """There is no run of this name or path: `error` says so, and `advice` what to do."""

    advice = "python start.py runs lists them"

    def __init__(self, named: Path):
        self.error = f"There is no run {named}"
        super().__init__(f"{self.error}; {self.advice}")


class WriteError(OSError):
    """A file or folder that could not be written; its `filename` says which."""


class ForbiddenError(WriteError, PermissionError):
    """One that may not be written, or is open in another program."""


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say of an error of the system which file was to be written. Raises WriteError."""
    try:
        yield
    except OSError as error:
        kind = ForbiddenError if isinstance(error, PermissionError) else WriteError
        raise kind(error.errno, error.strerror or str(error), str(path)) from error


def open_own(path: str | Path, flags: int) -> int:
    """Open a file of a run folder. A link is not followed: it could lead to any file of the user's. Raises OSError."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0), 0o666)


def write_file(path: Path, content: bytes) -> None:
    """Write a whole file or none: beside it first, then renamed. Raises WriteError; the old file stays as it was."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with writing(path):
        try:
            beside.unlink(missing_ok=True)
            with open(open_own(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, path)
        except BaseException:
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)
            raise


def request_stop(folder: Path) -> None:
    """Ask the trainer of this run or series to end; it does so within a batch and keeps the complete epochs."""
    os.close(open_own(Path(folder) / "stop", os.O_WRONLY | os.O_CREAT))


def stop_requested(folder: Path) -> bool:
    return os.path.lexists(os.path.join(folder, "stop"))


def clear_stop(folder: Path) -> None:
    (Path(folder) / "stop").unlink(missing_ok=True)
