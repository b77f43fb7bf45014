"""One training run in its folder: how it begins, goes on, is stopped, fails, and what is said and logged of it.

What needs PyTorch is imported where it is used: that takes seconds, and wrong options are told before.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnn import runs
from cnn.advice import as_failure
from cnn.console import say
from cnn.runs.config import compare, read_config, write_config
from cnn.runs.settings import SETTINGS, SettingsError
from cnn.stop import Stop, Stopped

if TYPE_CHECKING:
    from cnn.training import TrainingState


@dataclass(frozen=True)
class Held:
    """A run folder whose lock this process holds."""

    folder: Path
    lock: runs.Lock
    log: runs.Log


class Session:
    """One run, and how it ends; one that has finished is handed to `finished`, while its lock is still held."""

    def __init__(self, stop: Stop, finished: Callable[[Path], None]):
        self.stop, self.finished = stop, finished
        self.held: Held | None = None

    def carry_out(self, work: Callable[[], int]) -> int:
        """The exit code of `work`, or of how it was stopped or failed, which is said and logged."""
        try:
            try:
                return work()
            except Stopped as stopped:
                return self.stopped(stopped)
        except Exception as error:
            return self.failed(error)
        finally:
            if self.held:
                self.held.lock.release()

    def begin(self, settings: dict[str, Any], out: Path | None, data_dir: str | None) -> Path:
        """Train a new run; its folder. Without `out` it is made only once everything is ready."""
        held = self.take(out) if out else None
        training = self.prepare(settings, data_dir)
        held = held or self.take(runs.new_folder(settings["model"]))
        write_config(held.folder, training.settings, training.facts, training.images.folder)
        self.train(held, training, None)
        return held.folder

    def resume(self, given: dict[str, Any], folder: Path, data_dir: str | None) -> Path:
        """Go on after the run's last checkpoint, with its own settings, which those `given` may not contradict."""
        config = read_config(folder)
        compare(given, config, folder)
        held = self.take(folder, resume=True)
        settings = {name: config[name] for name in SETTINGS}
        training = self.prepare(settings, data_dir or config.get("data_dir"))
        restore(held, training)
        self.train(held, training, len(training.epochs))
        return folder

    def prepare(self, settings: dict[str, Any], data_dir: str | None) -> TrainingState:
        training = prepare(settings, data_dir)
        self.stop.check()
        return training

    def take(self, folder: Path, resume: bool = False) -> Held:
        """Make this the run's folder and lock it. Raises SettingsError where another trainer or run has it, OSError."""
        folder.mkdir(parents=True, exist_ok=True)
        lock = hold(folder)
        if not resume and (folder / "config.json").exists():
            raise SettingsError(f"{folder} holds a run already", "Take another folder, or go on with --resume RUN")
        if resume and runs.read(folder).is_finished:
            raise SettingsError(f"{folder} is finished", "Start a new run without --resume")
        self.held = Held(folder, lock, runs.Log(folder))
        clear_stale_stop(folder)
        return self.held

    def train(self, held: Held, training: TrainingState, resumed_from: int | None) -> None:
        """Train the epochs that are left, from `started` to `finished`."""
        from cnn import epochs, outcome

        facts = training.facts
        with self.stop.gently(held.folder):
            held.log.write("started", pid=os.getpid(), **facts, resumed_from=resumed_from)
            say("{model}, {parameters:,} parameters; {dataset}, {train_images:,} images; {device}".format(**facts))
            say(f"run folder: {held.folder}")
            epochs.train(training, held.folder, say, self.stop.check)
            outcome.write(training, held.folder, self.stop.check)
        part, reached = runs.accuracy(training.epochs[-1])
        held.log.write("finished", epoch=facts["epochs"], **{f"{part}_accuracy": reached})
        say(runs.read(held.folder).status)
        self.finished(held.folder)

    def stopped(self, stopped: Stopped) -> int:
        """Say and log how far the run came; the epoch that was under way is dropped."""
        self.stop.over = True
        if not self.held:
            say("stopped before the run began")
            return stopped.exit_code
        folder = self.held.folder
        self.held.log.write("stopped", epoch=len(runs.read(folder).epochs))
        runs.clear_stop(folder)
        say(f"{runs.read(folder).status}; an unfinished epoch was dropped")
        say(f"to go on: python start.py train --resume {folder}")
        return stopped.exit_code

    def failed(self, error: Exception) -> int:
        """Say and log what went wrong; the exit code."""
        self.stop.over = True
        failure = as_failure(error)
        if self.held:
            with contextlib.suppress(OSError):  # what cannot be written can still be said
                self.held.log.write("failed", error=failure.error, advice=failure.advice)
        print(f"cnn.train: {failure}", file=sys.stderr)
        return failure.exit_code


def nothing_more(folder: Path) -> None:
    """What is done with a finished run where nobody asks for more."""


def hold(folder: Path) -> runs.Lock:
    """The folder's lock. Raises SettingsError where another trainer has it, OSError."""
    lock = runs.Lock(folder)
    if not lock.acquire():
        raise SettingsError(f"Another trainer is at work in {folder}", "Let it end, or stop it first")
    return lock


def restore(held: Held, training: TrainingState) -> None:
    """Bring network, optimizer and log to the last checkpoint; a kill may have left the log short of its line."""
    path = held.folder / "checkpoint.pt"
    if path.exists() or runs.read(held.folder).epochs:
        training.restore(path)
    runs.cut_log(held.folder, len(training.epochs))
    for figures in training.epochs[len(runs.read(held.folder).epochs) :]:
        held.log.write("epoch", **figures)


def clear_stale_stop(folder: Path) -> None:
    """A launcher leaves no file `stop` behind, so one that is there was meant for the run that it started."""
    if "BACKPROP_LAUNCHED" not in os.environ:
        runs.clear_stop(folder)


def newest_unfinished() -> Path:
    """The newest run that --resume can go on with, or its series. Raises SettingsError where there is none."""
    for folder in runs.list_runs():
        run = runs.read(folder)
        if (folder / "config.json").exists() and not run.alive and not run.is_finished:
            return folder.parent if runs.is_series(folder.parent) else folder
    raise SettingsError(f"There is no unfinished run in {runs.home() / 'runs'}", "Name its folder: --resume RUN")


def prepare(settings: dict[str, Any], data_dir: str | None) -> TrainingState:
    """training.prepare. Raises ImportError where PyTorch is missing or cannot be loaded."""
    try:
        from cnn import training
    except OSError as error:  # Windows, where a library of PyTorch's is missing
        raise ImportError(str(error)) from error
    return training.prepare(settings, data_dir, say)
