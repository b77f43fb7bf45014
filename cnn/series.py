"""Trains the runs of a series one after the other, those that are missing, and sums them up."""

from __future__ import annotations

import gc
import statistics
from functools import partial
from pathlib import Path
from typing import Any

from cnn import runs
from cnn.runs import Series, series
from cnn.runs.claim import hold, make, refuse_taken
from cnn.runs.config import compare, determined, read_config
from cnn.session import Session, clear_stale_stop
from cnn.streams import say

BELOW_TARGET = 3


def train(first: Session, asked: Series, data_dir: str | None) -> int:
    """Train what is missing of the runs asked for; the exit code. Raises SettingsError where one has other settings."""
    is_new = not runs.is_series(asked.folder)
    made = make(asked.folder)
    refuse_taken(asked.folder)
    claim = hold(asked.folder, made, first.force)
    try:
        name_runs(asked)
        clear_stale_stop(asked.folder)
        first.stop.folders.append(asked.folder)
        code = train_missing(first, asked, data_dir)
        runs.clear_stop(asked.folder)
        return code
    finally:
        claim.give_up(not is_new or any((folder / "config.json").exists() for folder in asked.folders))


def name_runs(asked: Series) -> None:
    """Add the runs to those that the folder names already. Raises SettingsError where one was begun differently."""
    for folder, settings in zip(asked.folders, asked.settings.values(), strict=True):
        if (folder / "config.json").exists():
            compare(settings, read_config(folder), folder)
    known = series.read(asked.folder).settings if runs.is_series(asked.folder) else {}
    series.write(Series(asked.folder, {**known, **asked.settings}))


def train_missing(first: Session, asked: Series, data_dir: str | None) -> int:
    """The exit code of the first run that did not finish, else 0. All are tried but after one that was stopped, or that
    failed for anything but its own settings."""
    codes = []
    for folder, settings in zip(asked.folders, asked.settings.values(), strict=True):
        session = Session(first.stop, first.finished, first.force, first.watch, first.command)
        codes.append(session.carry_out(partial(train_one, session, settings, folder, data_dir)))
        gc.collect()  # a network and its optimizer refer to each other, and hold the images
        if not runs.read(folder).is_finished and not session.diverged:
            return codes[-1]
    if not any(codes):
        say(summary(asked))
    return max(codes)


def train_one(session: Session, settings: dict[str, Any], folder: Path, data_dir: str | None) -> int:
    """Begin the run, go on with it, or leave it as it is."""
    if not (folder / "config.json").exists():
        session.begin(settings, folder, data_dir)
    elif not runs.read(folder).is_finished:
        session.resume(determined(settings), folder, data_dir)
    else:
        say(f"{folder}: {runs.read(folder).status}")
    return 0


def reached(folder: Path) -> tuple[str, float]:
    """Which part of the images a finished run was measured with, and the last epoch's accuracy in percent."""
    part, accuracy = runs.accuracy(runs.read(folder).epochs[-1])
    return part, 100 * (accuracy or 0.0)


def summary(asked: Series) -> str:
    """The last epochs' accuracies in a line: of several seeds their mean and spread, else each."""
    part, percent = reached(asked.folders[0])[0], [reached(folder)[1] for folder in asked.folders]
    if not all(name.startswith("seed-") for name in asked.settings):
        each = ", ".join(f"{name} {found:.2f} %" for name, found in zip(asked.settings, percent, strict=True))
        return f"{len(percent)} runs, {part} accuracy of the last epoch: {each}"
    deviation = f" ± {statistics.stdev(percent):.3f}" if len(percent) > 1 else ""
    found = f"mean {statistics.mean(percent):.3f}{deviation} %, lowest {min(percent):.2f}, highest {max(percent):.2f}"
    return f"{len(percent)} seeds, {part} accuracy of the last epoch: {found}"


def verdict(folders: list[Path], target: float | None) -> int:
    """0, or BELOW_TARGET where a run is not finished or its last epoch did not reach the target, in percent."""
    for folder in folders if target is not None else ():
        if not runs.read(folder).is_finished:
            return BELOW_TARGET
        part, percent = reached(folder)
        if percent < (target or 0.0):
            say(f"below the target: {part} accuracy {percent:.2f} %, not {target:g} %, in {folder}")
            return BELOW_TARGET
    return 0
