"""The user's own folder and the run folders in it; writing a file whole; and the file that asks a trainer to stop."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path


def home() -> Path:
    """The user's own folder: BACKPROP_HOME, or ~/Backprop."""
    return Path(os.environ.get("BACKPROP_HOME") or Path.home() / "Backprop").expanduser().absolute()


def new_folder(model: str) -> Path:
    """Make a run folder, named after time and model: 2026-11-23T10-15-04-reference. Raises OSError."""
    name, count = f"{datetime.now():%Y-%m-%dT%H-%M-%S}-{model}", 1
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
    """The run folders of the user's folder `root` (home() if None), newest first: their names begin with the time."""
    folder = (root or home()) / "runs"
    found = [run for run in folder.iterdir() if run.is_dir()] if folder.is_dir() else []
    return sorted(found, key=lambda run: (run.name[:19], len(run.name), run.name), reverse=True)


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
    """Ask the trainer of this run to end; it does so within a batch and keeps the complete epochs."""
    (Path(folder) / "stop").touch()


def stop_requested(folder: Path) -> bool:
    return os.path.exists(os.path.join(folder, "stop"))


def clear_stop(folder: Path) -> None:
    (Path(folder) / "stop").unlink(missing_ok=True)
