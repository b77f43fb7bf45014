"""A series: a folder that names its runs and holds them, and the one process that trains them, one after the other.

    series.json            the settings of each run, by the name of its folder, in the order in which they are trained
    lock, stop             as in a run's folder: the process holds the lock, and the file ends all of the series
    seed-0/ rate-0.05/ …   the runs

Nothing else is kept: what is still to be trained, the runs' own logs say.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cnn.runs.folder import SERIES, write_file
from cnn.runs.follower import Follower as RunFollower
from cnn.runs.follower import Run
from cnn.runs.follower import read as read_run
from cnn.runs.lock import is_alive
from cnn.runs.settings import SETTINGS, SettingsError, check_setting, check_settings, completed

VARIED = {"learning_rate": "rate-{}", "seed": "seed-{}", "model": "{}"}  # in which runs may differ, and their folders
MOST_RUNS = 1000
BETWEEN = re.compile(r"[;,\s]+")  # the values of a list
POINT = re.compile(r"(?<=\d),(?=\d)")  # a comma that is one, where semicolons part the values
FROM_TO = re.compile(r"(\d+)-(\d+)")


@dataclass(frozen=True)
class Standing:
    """How a series stands: its runs in their order, and whether the process that trains them lives."""

    folder: Path
    runs: tuple[Run, ...]
    alive: bool

    @property
    def current(self) -> Run:
        """The run that trains, else the last one that has begun."""
        begun = [run for run in self.runs if run.started]
        return next((run for run in self.runs if run.alive), [*self.runs[:1], *begun][-1])

    @property
    def started(self) -> bool:
        return any(run.started for run in self.runs)

    @property
    def is_finished(self) -> bool:
        return all(run.is_finished for run in self.runs)

    @property
    def status(self) -> str:
        """One plain line for a person."""
        done = f"{sum(run.is_finished for run in self.runs)} of {len(self.runs)} runs finished"
        if self.alive and not self.is_finished:
            now = self.current.status if self.current.started else "starting"
            return f"{done}; {self.current.folder.name}: {now}"
        failed = [run for run in self.runs if run.end and run.end["event"] == "failed"]
        is_missing = sum(run.is_finished for run in self.runs) + len(failed) < len(self.runs)
        missing = ["not under way. Resume trains what is missing"] if is_missing else []
        shown = [self.current] if self.current.end and self.current not in failed else []
        return "; ".join([done, *(f"{run.folder.name}: {run.status}" for run in (*failed, *shown)), *missing])


@dataclass(frozen=True)
class Series:
    """The runs of a series: the settings of each, by its name."""

    folder: Path
    settings: dict[str, dict[str, Any]]

    @property
    def folders(self) -> list[Path]:
        return [self.folder / name for name in self.settings]

    @property
    def standing(self) -> Standing:
        """As it is now, with runs that have not begun."""
        return Standing(self.folder, tuple(map(read_run, self.folders)), is_alive(self.folder))


class Follower:
    """Follows the runs of a series as the other one follows a run; the log of a finished one is not read again.

    Raises SettingsError where the folder holds no series.
    """

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        self._followers = [RunFollower(run) for run in read(self.folder).folders]
        self._process = RunFollower(self.folder)  # it has no log of its own, but a lock

    def poll(self) -> Standing:
        """The series as it is now."""
        alive = self._process.poll().alive
        found = (each.run if each.run.is_finished and not each.run.alive else each.poll() for each in self._followers)
        return Standing(self.folder, tuple(found), alive)


def varied(name: str, values: Sequence[Any], others: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The settings of a series' runs, by the names of their folders: a run for each value. Raises SettingsError."""
    return {VARIED[name].format(value): check_settings({**others, name: value}) for value in values}


def several(given: Mapping[str, Any]) -> tuple[str, list[Any]] | None:
    """The setting that is a list, such as "0.01, 0.05, 0.2", and its values; None where each is one value.

    Raises SettingsError where a value is not allowed, or a second setting is a list.
    """
    lists = {name: str(given[name]) for name in VARIED if name in given}
    found = {name: listed(name, text) for name, text in lists.items() if len(entries(text)) > 1 or is_range(name, text)}
    if len(found) > 1:
        raise SettingsError(f"{' and '.join(found)} each list several values", "Let one of them: a series varies one")
    return next(iter(found.items()), None)


def listed(name: str, text: str, shown: str | None = None) -> list[Any]:
    """The values of a setting in a text: 0.01, 0.05; of whole numbers 0-4 too. Beside semicolons a comma is a point.

    Raises SettingsError, which calls the setting `shown` and names the entry that is not allowed.
    """
    found = [value for entry in entries(text) for value in in_entry(name, entry, shown or name)]
    twice = [value for at, value in enumerate(found) if value in found[:at]]
    if twice:
        raise SettingsError(f"{shown or name} lists {twice[0]} twice", "Name each value once")
    if not 1 <= len(found) <= MOST_RUNS:
        count = f"more than {MOST_RUNS:,} values" if found else "no value"
        raise SettingsError(f"{shown or name} lists {count}", f"Name from 1 to {MOST_RUNS:,}")
    return found


def entries(text: str) -> list[str]:
    """The parts of a list."""
    return [part for part in BETWEEN.split(POINT.sub(".", text) if ";" in text else text) if part]


def is_range(name: str, entry: str) -> bool:
    return SETTINGS[name].kind is int and FROM_TO.fullmatch(entry.strip()) is not None


def in_entry(name: str, entry: str, shown: str) -> Sequence[Any]:
    """The values of one part of a list."""
    if not is_range(name, entry):
        return [check_setting(name, entry, shown)]
    first, last = (check_setting(name, end, shown) for end in entry.split("-"))
    return range(first, min(last, first + MOST_RUNS) + 1)


def write(series: Series) -> None:
    """Name the runs in the series' folder. Raises OSError."""
    write_file(series.folder / SERIES, json.dumps({"runs": series.settings}, indent=2).encode())


def read(folder: Path) -> Series:
    """The series in this folder; a run that an earlier version named has its settings of then. Raises SettingsError."""
    path = folder / SERIES
    try:
        named = json.loads(path.read_bytes())["runs"]
        if any(Path(name).name != name for name in named):
            raise ValueError("a run lies outside the folder")
        return Series(folder, {name: completed(begun) for name, begun in named.items()})
    except FileNotFoundError:
        raise SettingsError(f"There is no {path}", "Name the folder of a series") from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise SettingsError(f"{path} is damaged ({error})", "Start the series anew, in another folder") from error
