"""One training run in its folder: how it begins, goes on, is stopped, fails, and what is said and logged of it.

What needs PyTorch is imported where it is used: that takes seconds, and wrong options are told before.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from cnn import runs
from cnn.runs.config import read_config, write_config
from cnn.runs.settings import SETTINGS, SettingsError

if TYPE_CHECKING:
    from cnn.training import TrainingState

SIGNALS = (signal.SIGINT, signal.SIGTERM)
NO_ROOM = "Look whether the disk is full or the folder may not be written; --out or BACKPROP_HOME name another place"


class Stopped(Exception):
    """The run was asked to end."""

    def __init__(self, exit_code: int):
        super().__init__(exit_code)
        self.exit_code = exit_code


class Stop:
    """Hears Ctrl-C and SIGTERM. Between batches (`gentle`) the first only asks; otherwise it raises Stopped at once."""

    def __init__(self):
        self.gentle, self.deaf, self.asked = False, False, 0

    def __enter__(self) -> Stop:
        self.before = {number: signal.signal(number, self.hear) for number in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def hear(self, number: int, _frame: object) -> None:
        if self.deaf:
            return
        if self.asked or not self.gentle:
            raise Stopped(128 + number)
        self.asked = number

    def check(self, folder: Path) -> None:
        """Raise Stopped when a signal or the file asks for it."""
        if self.asked:
            raise Stopped(128 + self.asked)
        if runs.stop_requested(folder):
            raise Stopped(0)


class Session:
    """One command: its run folder, once there is one, and how it ends."""

    def __init__(self, stop: Stop):
        self.stop, self.folder, self.lock, self.log = stop, None, None, None

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
            self.close()

    def begin(self, settings: dict, out: Path | None, data_dir: str | None) -> None:
        """A new run. Without `out` its folder is made only once everything is ready."""
        if out:
            self.take(out)
        training = prepare(settings, data_dir)
        if not self.folder:
            self.take(runs.new_folder(settings["model"]))
        write_config(self.folder, training.settings, training.facts, training.images.folder)
        self.train(training, None)

    def resume(self, given: dict, folder: Path, data_dir: str | None) -> None:
        """Go on after the run's last checkpoint, with its own settings, which those `given` may not contradict."""
        config = read_config(folder)
        compare(given, config, folder)
        self.take(folder, resume=True)
        settings = {name: config[name] for name in SETTINGS}
        training = prepare(settings, data_dir or config.get("data_dir"))
        self.restore(training)
        self.train(training, len(training.epochs))

    def restore(self, training: TrainingState) -> None:
        """Bring network, optimizer and log to the last checkpoint; a kill may have left the log short of its line."""
        path = self.folder / "checkpoint.pt"
        if path.exists() or runs.read(self.folder).epochs:
            training.restore(path)
        runs.cut_log(self.folder, len(training.epochs))
        for figures in training.epochs[len(runs.read(self.folder).epochs) :]:
            self.log.write("epoch", **figures)

    def take(self, folder: Path, resume: bool = False) -> None:
        """Make this the run's folder and lock it. Raises SettingsError where another trainer or run has it, OSError."""
        folder.mkdir(parents=True, exist_ok=True)
        lock = runs.Lock(folder)
        if not lock.acquire():
            raise SettingsError(f"Another trainer is at work in {folder}", "Let it end, or stop it first")
        self.folder, self.lock = folder, lock
        if not resume and (folder / "config.json").exists():
            raise SettingsError(f"{folder} holds a run already", "Take another folder, or go on with --resume RUN")
        if resume and (runs.read(folder).end or {}).get("event") == "finished":
            raise SettingsError(f"{folder} is finished", "Start a new run without --resume")
        self.log = runs.Log(folder)
        if "BACKPROP_LAUNCHED" not in os.environ:  # a launcher leaves none, so one that is there was meant for us
            runs.clear_stop(folder)

    def train(self, training: TrainingState, resumed_from: int | None) -> None:
        """Train the epochs that are left, from `started` to `finished`."""
        from cnn import epochs, outcome

        facts = training.facts
        self.log.write("started", pid=os.getpid(), **facts, resumed_from=resumed_from)
        say("{model}, {parameters:,} parameters; {dataset}, {train_images:,} images; {device}".format(**facts))
        say(f"run folder: {self.folder}")
        self.stop.gentle = True
        epochs.train(training, self.folder, say, lambda: self.stop.check(self.folder))
        self.stop.gentle = False
        outcome.write(training, self.folder)
        part, reached = runs.accuracy(training.epochs[-1])
        self.log.write("finished", epoch=facts["epochs"], **{f"{part}_accuracy": reached})
        say(runs.read(self.folder).status)

    def stopped(self, stopped: Stopped) -> int:
        """Say and log how far the run came; the epoch that was under way is dropped."""
        self.stop.deaf = True
        if not self.log:
            say("stopped before the run began")
            return stopped.exit_code
        self.log.write("stopped", epoch=len(runs.read(self.folder).epochs))
        runs.clear_stop(self.folder)
        say(f"{runs.read(self.folder).status}; an unfinished epoch was dropped")
        say(f"to go on: python start.py train --resume {self.folder}")
        return stopped.exit_code

    def failed(self, error: Exception) -> int:
        """Say and log what went wrong; the exit code."""
        self.stop.deaf = True
        failure = as_failure(error)
        if self.log:
            with contextlib.suppress(OSError):  # what cannot be written can still be said
                self.log.write("failed", error=failure.error, advice=failure.advice)
        print(f"cnn.train: {failure}", file=sys.stderr)
        return failure.exit_code

    def close(self) -> None:
        if self.lock:
            self.lock.release()


def as_failure(error: Exception) -> runs.Failure:
    """What to say about an error; one that is not foreseen here is a bug, whose traceback goes to stderr."""
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, runs.Failure):
        return error
    if isinstance(error, MemoryError) or "out of memory" in text.lower() or "can't allocate memory" in text:
        return runs.Failure(f"The memory is full ({text[:200]})", "Take a smaller --batch-size, or --device cpu")
    if isinstance(error, ImportError):
        return runs.Failure(f"A package that training needs cannot be loaded ({text})", "Type python start.py setup")
    if isinstance(error, OSError):
        return runs.Failure(f"{error.strerror or text}{f': {error.filename}' if error.filename else ''}", NO_ROOM)
    traceback.print_exception(error)
    return runs.Failure(f"An error that should not happen: {type(error).__name__}: {text}", "Please report it")


def compare(given: dict, config: dict, folder: Path) -> None:
    """Raise SettingsError where a setting differs from what the run was started with."""
    for name in given:
        if given[name] != config[name]:
            error = f"{name} is {given[name]}, but {folder.name} was started with {config[name]}"
            raise SettingsError(error, "Leave it out, or start a new run without --resume")


def determined(settings: dict) -> dict:
    """Those settings that leave nothing open; what auto became in a run cannot be compared with it."""
    return {name: value for name, value in settings.items() if value != "auto"}


def newest_unfinished() -> Path:
    """The newest run folder that --resume can go on with. Raises SettingsError where there is none."""
    for folder in runs.list_runs():
        run = runs.read(folder)
        if (folder / "config.json").exists() and not run.alive and (run.end or {}).get("event") != "finished":
            return folder
    raise SettingsError(f"There is no unfinished run in {runs.home() / 'runs'}", "Name its folder: --resume RUN")


def say(line: str) -> None:
    """A plain line on stdout; a run goes on when nobody reads it any more."""
    try:
        print(line, flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def prepare(settings: dict, data_dir: str | None) -> TrainingState:
    """training.prepare. Raises ImportError where PyTorch is missing or cannot be loaded."""
    try:
        from cnn import training
    except OSError as error:  # Windows, where a library of PyTorch's is missing
        raise ImportError(str(error)) from error
    return training.prepare(settings, data_dir, say)
