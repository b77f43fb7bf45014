"""What a button of Results asks for, and what its host, Calc or Excel, is to show: COMMANDS has them all.

Standard library only, and Python 3.9: it runs inside LibreOffice's own Python too.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, Callable, NamedTuple, Protocol, Union

from addin import launch, overview
from addin.wording import in_the_sheets_words
from cnn import runs
from cnn.runs import series
from cnn.runs.settings import SettingsError
from xlsx.contract import MOST_COMPARED, ONE_CURVE, PROGRESS, RESULTS_FILE

STARTING, STOPPING = "starting …", "stopping …"
UNDER_WAY = "A run is under way in this workbook. Press Stop first, or wait for its end."
GONE = "the run’s folder is gone: Train CNN starts a new one"
NOTHING_TO_STOP = "nothing to stop: no run is under way"
NOTHING_TO_RESUME = "nothing to resume: press Train CNN"
NOTHING_TO_UNFOLD = "nothing to unfold: press Train CNN, and wait for the end"
UNFOLDING = "writing the network as formulas …"
UNFOLDED = "as formulas: {}"
Found = Union[runs.Run, series.Standing]  # what a folder holds, as it is now


class Sheet(Protocol):
    """The Results sheet as its host knows it."""

    @property
    def workbook(self) -> str:
        """Where its workbook lies; '' for one that was never saved."""

    @property
    def folder(self) -> str:
        """The folder of the run that it shows; '' for none."""

    def settings(self) -> dict[str, object]:
        """The settings of the next run, by name."""


class Answer(NamedTuple):
    """What to show: the run in `folder`, `status` in its cell, `tell` in a box; '' leaves each as it is.

    `over`: no more will come from the run that is shown. `open` is a workbook to open. `runs` are those of a series, in
    folders of these names. `sheets` is a workbook whose sheets of a finished run are to be copied in.
    """

    folder: str = ""
    status: str = ""
    tell: str = ""
    over: bool = False
    open: str = ""
    runs: str = ""
    sheets: str = ""


class Shown(NamedTuple):
    """What the sheet shows of a folder: the run whose epochs are in the table, and the curve of each run there."""

    folder: Path
    run: runs.Run
    curves: overview.Rows
    status: str
    over: bool
    sheets: str


def answer(command: str, sheet: Sheet) -> Answer:
    """Do what a command of COMMANDS says; what goes wrong on the way is its status."""
    try:
        return COMMANDS[command](sheet)
    except (OSError, SettingsError) as error:
        return Answer(status=in_the_sheets_words(str(error)))


def train(sheet: Sheet) -> Answer:
    """Start a run with the sheet's settings, unless one is under way."""
    if launch.is_under_way(sheet.folder):
        return Answer(tell=UNDER_WAY)
    return showing(launch.start(sheet.settings(), sheet.workbook), STARTING)


def stop(sheet: Sheet) -> Answer:
    """Ask the run to end; its complete epochs stay."""
    if not launch.is_under_way(sheet.folder):
        return Answer(status=NOTHING_TO_STOP)
    launch.stop(Path(sheet.folder))
    return Answer(status=STOPPING)


def resume(sheet: Sheet) -> Answer:
    """Go on with the run that the sheet shows, from its last complete epoch; of a series train what is missing."""
    return on_shown_run(sheet, launch.resume, STARTING, NOTHING_TO_RESUME)


def unfold(sheet: Sheet) -> Answer:
    """Have the network of the run that the sheet shows written as formulas, into a workbook in its folder."""
    return on_shown_run(
        sheet, lambda folder: launch.unfold(run_of(look_at(folder)).folder), UNFOLDING, NOTHING_TO_UNFOLD
    )


def on_shown_run(sheet: Sheet, act: Callable[[Path], None], status: str, lacking: str) -> Answer:
    """Do something to the run that the sheet shows, where there is one that is not under way."""
    if not sheet.folder:
        return Answer(status=lacking)
    if not Path(sheet.folder).is_dir():
        return Answer(status=GONE)
    if launch.is_under_way(sheet.folder):
        return Answer(tell=UNDER_WAY)
    act(Path(sheet.folder))
    return showing(Path(sheet.folder), status)


def newest(sheet: Sheet) -> Answer:
    """The newest run or series that was started from this workbook, else the one that it shows."""
    folder = launch.run_of(sheet.workbook, sheet.folder)
    return showing(folder) if folder else Answer()


def showing(folder: Path, status: str = "") -> Answer:
    """Show the run or series in this folder. Raises SettingsError."""
    names = series.read(folder).settings if runs.is_series(folder) else ()
    return Answer(folder=str(folder), status=status, runs=" ".join(names))


def look(sheet: Sheet) -> Answer:
    """How the run that the sheet shows stands."""
    return state(look_at(Path(sheet.folder)))


def look_at(folder: Path) -> Found:
    """What is in a folder. Raises SettingsError."""
    return follower(folder).poll()


def follower(folder: Path) -> runs.Follower | series.Follower:
    """Follows the run or series in this folder. Raises SettingsError."""
    return series.Follower(folder) if runs.is_series(folder) else runs.Follower(folder)


def run_of(found: Found) -> runs.Run:
    """The run itself, or the one of a series whose epochs are shown."""
    return found.current if isinstance(found, series.Standing) else found


def shown(found: Found) -> Shown:
    """What the sheet shows of a run or series."""
    several, names = (found.runs, ()) if isinstance(found, series.Standing) else ([found], (ONE_CURVE,))
    curves = overview.curves(several, names)
    answer = state(found)
    return Shown(found.folder, run_of(found), curves, answer.status, answer.over, answer.sheets)


def state(found: Found) -> Answer:
    """How a run or series stands, in a line for a person, and whether there is nothing more to come."""
    if not found.folder.is_dir():
        return Answer(status=GONE, over=True)
    if found.alive and found.started:
        return Answer(status=found.status + undrawn(found))
    if found.alive or launch.is_starting(found.folder):
        return Answer(status=f"{STARTING} {launch.said(found.folder)}")
    status, run = in_the_sheets_words(launch.outcome(found.folder) or found.status), run_of(found)
    if launch.is_unfolding(run.folder):
        return Answer(status=f"{status}; {UNFOLDING}")
    unfolded = launch.unfolded(run.folder)
    more = f"; {UNFOLDED.format(in_the_sheets_words(unfolded))}" if unfolded else ""
    return Answer(status=status + undrawn(found) + more, over=True, sheets=left_by(run))


def undrawn(found: Found) -> str:
    """Which runs of a long series the chart has; '' where it has all."""
    if isinstance(found, series.Standing) and len(found.runs) > MOST_COMPARED:
        return f"; the chart shows the first {MOST_COMPARED} of them"
    return ""


def left_by(run: runs.Run) -> str:
    """The workbook of what a finished run left; '' where there is none."""
    path = run.folder / RESULTS_FILE
    return str(path) if run.is_finished and path.is_file() else ""


def progress(run: runs.Run) -> tuple[float | str, ...]:
    """PROGRESS of a run: a fraction, then texts, and the images a second; blank where there is nothing to say."""
    started = run.started
    if not started or not (run.alive or run.epochs):
        return ("",) * len(PROGRESS)
    epochs, batches = started["epochs"], started["batches"]
    batch = run.progress["batch"] if run.progress else 0
    done = len(run.epochs) + batch / batches
    left = seconds_left(run, done) if run.alive and done < epochs else ""
    epoch = min(len(run.epochs) + 1, epochs)
    shown = f"{batch} of {batches}" if batch else ""
    return (done / epochs, f"{epoch} of {epochs}", shown, speed(run), left, str(started.get("device", "")))


def speed(run: runs.Run) -> float | str:
    """Images a second: within the epoch that is under way, else in the last one."""
    started = run.started or {}
    if run.progress and "train_images" in started:
        seconds = moment(run.progress) - moment(run.epochs[-1] if run.epochs else started)
        images = started["train_images"] * run.progress["batch"] / started["batches"]
        return round(images / seconds) if seconds > 0 else ""
    return round(run.epochs[-1].get("images_per_second") or 0) or "" if run.epochs else ""


def seconds_left(run: runs.Run, done: float) -> str:
    """The time that the epochs still take, judged by those that are complete, else by the speed so far."""
    started = run.started or {}
    taken = [line["seconds"] for line in run.epochs if line.get("seconds")]
    if not taken and not run.progress:
        return ""
    each = sum(taken) / len(taken) if taken else (moment(run.progress or {}) - moment(started)) / done
    minutes, seconds = divmod(round(each * (started["epochs"] - done)), 60)
    return f"{minutes} min {seconds:02} s" if minutes else f"{seconds} s"


def moment(line: dict[str, Any]) -> float:
    """The time of a line of the log, in seconds."""
    return datetime.fromisoformat(line["time"]).timestamp()


COMMANDS = {"train": train, "stop": stop, "resume": resume, "unfold": unfold, "newest": newest, "look": look}
STARTS = ("train", "resume")  # those that come to nothing where what they start could not be shown
