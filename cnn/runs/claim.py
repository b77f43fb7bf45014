"""Claiming a folder for a run: what must not be in it, who holds it, and what a kill has left there."""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from cnn.runs.folder import PARENT, SERIES, TENSORBOARD, WEIGHTS, home, is_series, writing
from cnn.runs.lock import Lock, holder_of
from cnn.runs.settings import SettingsError

WRITTEN = (  # by a run, in its folder
    "config.json",
    "log.jsonl",
    "log.csv",
    "checkpoint.pt",
    PARENT,
    WEIGHTS,
    "layers.csv",
    "confusion.csv",
    "classes.csv",
    "mistakes.csv",
    "mistakes.png",
    "curves.png",
    "model-card.md",
    "pictures",
    TENSORBOARD,
    "results.xlsx",  # by start.py train, once it has finished
)
OF_A_BEGINNING = ("log.jsonl", PARENT, SERIES)  # there before anything is trained
EMPTY = ("lock", "stop")  # hold nothing where they are a run's
LEFT = re.compile(r"\.(?P<name>.+)\.\d+")  # a file that a kill kept from being whole: write_file


@dataclass(frozen=True)
class Claim:
    """A folder whose lock this process holds, and which folders were made for it, the innermost first."""

    folder: Path
    lock: Lock
    made: list[Path]

    def give_up(self, begun: bool) -> None:
        """Release the folder; where nothing has begun in it, nothing of ours is left there."""
        if not begun:
            with contextlib.suppress(OSError):  # what cannot be removed, and a folder that holds more, stay
                for name in OF_A_BEGINNING:
                    (self.folder / name).unlink(missing_ok=True)
                self.lock.remove()
                for folder in self.made:
                    folder.rmdir()
        self.lock.release()


def make(folder: Path) -> list[Path]:
    """Make the folder where there is none; those that were made, the innermost first. Raises WriteError."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return missing or [folder] * (folder.parent == home() / "runs")  # new_folder has just made that one


def hold(folder: Path, made: list[Path], force: bool = False) -> Claim:
    """Lock the folder and clear what a kill has left in it. Raises SettingsError where another trainer has it, OSError.

    `force` takes it from one that may be alive, which only happens where the file system has no locks.
    """
    lock = Lock(folder)
    if not lock.acquire(force):
        if holder := holder_of(folder):
            advice = "Look there: where nothing of it is left, go on with --force"
            raise SettingsError(f"{folder} may be at work still: {holder}", advice)
        raise SettingsError(f"Another trainer is at work in {folder}", "Let it end, or stop it first")
    clear_leftovers(folder)
    return Claim(folder, lock, made)


def refuse_taken(folder: Path, names: tuple[str, ...] = WRITTEN) -> None:
    """Raise SettingsError where the folder holds a file that would be written over, or anything but a run's own."""
    found = [name for name in names if os.path.lexists(folder / name)]
    found += [name for name in EMPTY if os.path.lexists(folder / name) and not is_empty(folder / name)]
    if (folder / "config.json").is_file() and (folder / "log.jsonl").is_file():
        raise SettingsError(f"{folder} holds a run already", "Take another folder, or go on with --resume RUN")
    if found:
        raise SettingsError(f"{folder} holds a file {found[0]} already", "Take another folder: a run writes one there")


def refuse_series(folder: Path) -> None:
    """Raise SettingsError where a run of its own would come between the runs of a series."""
    if is_series(folder):
        raise SettingsError(f"{folder} holds a series of runs", "Take another folder, or go on with --resume RUN")


def is_empty(path: Path) -> bool:
    return path.is_file() and not path.is_symlink() and path.stat().st_size == 0


def clear_leftovers(folder: Path) -> None:
    """Remove the halves of files that a killed trainer has left, which the holder of the lock alone may do."""
    names = {*WRITTEN, SERIES, "launch.json", "holder"}
    for path in folder.iterdir():
        if (left := LEFT.fullmatch(path.name)) and left["name"] in names:
            path.unlink(missing_ok=True)
    pictures = folder / "pictures"
    for path in pictures.iterdir() if pictures.is_dir() and not pictures.is_symlink() else ():
        if LEFT.fullmatch(path.name):
            path.unlink(missing_ok=True)
