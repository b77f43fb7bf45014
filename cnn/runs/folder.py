"""The user's own folder and the run folders in it; writing a file whole; and the file that asks a trainer to stop."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

SERIES = "series.json"  # in a folder that holds several runs (series.py)


def home() -> Path:
    """The user's own folder: BACKPROP_HOME, or ~/Backprop."""
    return Path(os.environ.get("BACKPROP_HOME") or Path.home() / "Backprop").expanduser().absolute()


def new_folder(name: str) -> Path:
    """Make a folder named after the time and this: 2026-11-23T10-15-04-reference. Raises OSError."""
    name, count = f"{datetime.now():%Y-%m-%dT%H-%M-%S}-{name}", 1
    while True:
        folder = home() / "runs" / (name if count == 1 else f"{name}-{count}")
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError:
            if not folder.is_dir():
                raise
            count += 1


def list_runs(root: Path | None = None) -> list[Path]:
    """The run folders of the user's folder `root` (home() if None), newest first: their names begin with the time.

    In place of a series there are its runs, the last first.
    """
    place = (root or home()) / "runs"
    found = [entry for entry in place.iterdir() if entry.is_dir()] if place.is_dir() else []
    newest = sorted(found, key=lambda entry: (entry.name[:19], len(entry.name), entry.name), reverse=True)
    return [run for entry in newest for run in runs_in(entry)]


def is_series(folder: Path) -> bool:
    return (folder / SERIES).is_file()


def runs_in(folder: Path) -> list[Path]:
    """The folder itself, or the runs of the series in it, the last first."""
    if not is_series(folder):
        return [folder]
    found = (entry for entry in folder.iterdir() if (entry / "log.jsonl").is_file())
    return sorted(found, key=lambda run: (len(run.name), run.name), reverse=True)


def find(named: Path) -> Path:
    """The run folder of this path, or of this name among the user's runs. Raises FileNotFoundError."""
    for folder in (named, home() / "runs" / named):
        if folder.is_dir():
            return folder.resolve()
    raise FileNotFoundError(f"There is no run {named}; python start.py runs lists them")


def write_file(path: Path, content: bytes) -> None:
    """Write a whole file or none: beside it first, then renamed. Raises OSError; the old file then stays as it was."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(beside, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def request_stop(folder: Path) -> None:
    """Ask the trainer of this run or series to end; it does so within a batch and keeps the complete epochs."""
    (Path(folder) / "stop").touch()


def stop_requested(folder: Path) -> bool:
    return os.path.exists(os.path.join(folder, "stop"))


def clear_stop(folder: Path) -> None:
    (Path(folder) / "stop").unlink(missing_ok=True)
