"""What a button of Results asks for, and what its host, Calc or Excel, is to show: COMMANDS has them all.

Standard library only, and Python 3.9: it runs inside LibreOffice's own Python too.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from addin import launch
from addin.wording import in_the_sheets_words
from cnn import runs
from cnn.runs.settings import SettingsError
from xlsx.contract import PROGRESS

STARTING, STOPPING = "starting …", "stopping …"
UNDER_WAY = "A run is under way in this workbook. Press Stop first, or wait for its end."
GONE = "the run’s folder is gone: Train CNN starts a new one"
NOTHING_TO_STOP = "nothing to stop: no run is under way"
NOTHING_TO_RESUME = "nothing to resume: press Train CNN"
NOTHING_TO_UNFOLD = "nothing to unfold: press Train CNN, and wait for the end"
UNFOLDING = "writing the network as formulas …"
UNFOLDED = "as formulas: {}"


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

    `over`: no more will come from the run that is shown. `open` is a workbook to open.
    """

    folder: str = ""
    status: str = ""
    tell: str = ""
    over: bool = False
    open: str = ""


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
    return Answer(folder=str(launch.start(sheet.settings(), sheet.workbook)), status=STARTING)


def stop(sheet: Sheet) -> Answer:
    """Ask the run to end; its complete epochs stay."""
    if not launch.is_under_way(sheet.folder):
        return Answer(status=NOTHING_TO_STOP)
    launch.stop(Path(sheet.folder))
    return Answer(status=STOPPING)


def resume(sheet: Sheet) -> Answer:
    """Go on with the run that the sheet shows, from its last complete epoch."""
    if not sheet.folder:
        return Answer(status=NOTHING_TO_RESUME)
    if not Path(sheet.folder).is_dir():
        return Answer(status=GONE)
    if launch.is_under_way(sheet.folder):
        return Answer(tell=UNDER_WAY)
    launch.resume(Path(sheet.folder))
    return Answer(folder=sheet.folder, status=STARTING)


def unfold(sheet: Sheet) -> Answer:
    """Have the network of the run that the sheet shows written as formulas, into a workbook in its folder."""
    if not sheet.folder:
        return Answer(status=NOTHING_TO_UNFOLD)
    if launch.is_under_way(sheet.folder):
        return Answer(tell=UNDER_WAY)
    launch.unfold(Path(sheet.folder))
    return Answer(folder=sheet.folder, status=UNFOLDING)


def newest(sheet: Sheet) -> Answer:
    """The newest run that was started from this workbook, else the one that it shows."""
    folder = launch.run_of(sheet.workbook, sheet.folder)
    return Answer(folder=str(folder)) if folder else Answer()


def look(sheet: Sheet) -> Answer:
    """How the run that the sheet shows stands."""
    return state(runs.read(Path(sheet.folder)))


def state(run: runs.Run) -> Answer:
    """How a run stands, in a line for a person, and whether there is nothing more to come."""
    if not run.folder.is_dir():
        return Answer(status=GONE, over=True)
    if run.alive and run.started:
        return Answer(status=run.status)
    if run.alive or launch.is_starting(run.folder):
        return Answer(status=f"{STARTING} {launch.said(run.folder)}")
    status = in_the_sheets_words(launch.outcome(run.folder) or run.status)
    if launch.is_unfolding(run.folder):
        return Answer(status=f"{status}; {UNFOLDING}")
    unfolded = launch.unfolded(run.folder)
    more = f"; {UNFOLDED.format(in_the_sheets_words(unfolded))}" if unfolded else ""
    return Answer(status=status + more, over=True)


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
