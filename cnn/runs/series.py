"""A series: a folder that names its runs and holds them, and the one process that trains them, one after the other.

    series.json      the settings of each run, by the name of its folder, in the order in which they are trained
    lock, stop       as in a run's folder: the process holds the lock, and the file ends all of the series
    seed-0/ …        the runs

Nothing else is kept: what is still to be trained, the runs' own logs say.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cnn.runs.folder import SERIES, write_file
from cnn.runs.follower import Run
from cnn.runs.follower import read as read_run
from cnn.runs.lock import is_alive
from cnn.runs.settings import SettingsError, completed


@dataclass(frozen=True)
class Series:
    """The runs of a series: the settings of each, by its name."""

    folder: Path
    settings: dict[str, dict[str, Any]]

    @property
    def folders(self) -> list[Path]:
        return [self.folder / name for name in self.settings]

    @property
    def runs(self) -> list[Run]:
        """Each run as it is now, also one that has not begun."""
        return [read_run(folder) for folder in self.folders]

    @property
    def is_finished(self) -> bool:
        return all(run.is_finished for run in self.runs)

    @property
    def status(self) -> str:
        """One plain line for a person."""
        found = self.runs
        finished = sum(run.is_finished for run in found)
        done = f"{finished} of {len(found)} runs finished"
        current = next((run for run in found if not run.is_finished), None)
        if current is None:
            return done
        if is_alive(self.folder):
            return f"{done}; {current.folder.name}: {current.status}"
        return f"{done}; not under way. Resume trains what is missing"


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
