"""One training run in its folder: how it begins, goes on, is stopped, fails, and what is said and logged of it.

What needs PyTorch is imported where it is used: that takes seconds, and wrong options are told before.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnn import events, official, runs, streams
from cnn.runs import processes
from cnn.runs.advice import as_failure
from cnn.runs.claim import Claim, hold, make, refuse_series, refuse_taken
from cnn.runs.config import compare, read_config, write_config
from cnn.runs.folder import called
from cnn.runs.settings import SETTINGS, SettingsError, check_threads
from cnn.stop import Stop, Stopped
from cnn.streams import say

if TYPE_CHECKING:
    from cnn.training import TrainingState


@dataclass(frozen=True)
class Held:
    """A run folder that this process has claimed."""

    claim: Claim
    log: runs.Log

    @property
    def folder(self) -> Path:
        return self.claim.folder


class Session:
    """One run, and how it ends; one that has finished is handed to `finished`, while its lock is still held.

    `force` takes its folder from a trainer that may be alive; `watch` opens what is told of every epoch; `command` is
    what its user typed. `diverged`: so it failed, as others may not.
    """

    def __init__(
        self,
        stop: Stop,
        finished: Callable[[Path], None],
        force: bool = False,
        watch: events.Watch = events.nobody,
        command: str = "train",
    ):
        self.stop, self.finished, self.force, self.watch, self.command = stop, finished, force, watch, command
        self.held: Held | None = None
        self.diverged = False

    def carry_out(self, work: Callable[[], int]) -> int:
        """The exit code of `work`, or of how it was stopped or failed, which is said and logged."""
        try:
            try:
                code = work()
                self.stop.over = True  # what comes now comes too late
                return code
            except Stopped as stopped:
                return self.stopped(stopped)
            except Exception:
                if not self.stop.raised:
                    raise
                return self.stopped(self.stop.raised)  # of which a package's code has made an error of its own
        except Exception as error:
            return self.failed(error)
        finally:
            if self.held:  # of a start that came to nothing a spreadsheet shows the log
                self.held.claim.give_up((self.held.folder / "config.json").exists() or is_launched())

    def begin(
        self, settings: dict[str, Any], out: Path | None, data_dir: str | None, parent: Path | None = None
    ) -> Path:
        """Train a new run, from the weights of the finished run `parent` where there is one; its folder.

        Without `out` it is made only once everything is ready.
        """
        held = self.take(out) if out else None
        data_dir = data_dir or (images_of(parent, settings["dataset"]) if parent else None)
        training = self.prepare(settings, data_dir, parent and parent / runs.WEIGHTS)
        held = held or self.take(runs.new_folder(settings["model"]))
        known = inherit(parent, held.folder) if parent else {}
        write_config(held.folder, training.settings, {**training.facts, **known}, training.images.folder)
        self.train(held, training, None)
        return held.folder

    def resume(self, given: dict[str, Any], folder: Path, data_dir: str | None) -> Path:
        """Go on after the run's last checkpoint, with its own settings, which those `given` may not contradict."""
        config = read_config(folder)
        compare(given, config, folder)
        processes.refuse_others(config.get("processes", 1), folder)
        held = self.take(folder, resume=True)
        settings = {name: config[name] for name in SETTINGS} | {name: given[name] for name in {"device"} & {*given}}
        start = folder / runs.PARENT if "parent" in config else None
        training = self.prepare(settings, data_dir or config.get("data_dir"), start)
        restore(held, training)
        self.train(held, training, len(training.epochs))
        return folder

    def prepare(self, settings: dict[str, Any], data_dir: str | None, start: Path | None) -> TrainingState:
        training = prepare(settings, data_dir, start)
        self.stop.check()
        return training

    def take(self, folder: Path, resume: bool = False) -> Held:
        """Make this the run's folder and lock it. Raises SettingsError where a trainer, run or file has it, OSError."""
        made = make(folder)
        if not resume and not runs.is_alive(folder):
            refuse_taken(folder)
            refuse_series(folder)
        if resume and runs.read(folder).is_finished:
            raise SettingsError(f"{folder} is finished", "Start a new run without --resume")
        self.held = Held(hold(folder, made, self.force), runs.Log(folder))
        clear_stale_stop(folder)
        return self.held

    def train(self, held: Held, training: TrainingState, resumed_from: int | None) -> None:
        """Train the epochs that are left, from `started` to `finished`."""
        from cnn import epochs, outcome

        facts = training.facts
        with self.watch(held.folder, len(training.epochs)) as told, self.stop.gently(held.folder):
            held.log.write("started", pid=os.getpid(), **facts, resumed_from=resumed_from)
            say("{model}, {parameters:,} parameters; {dataset}, {train_images:,} images; {device}".format(**facts))
            say(f"run folder: {held.folder}")
            with training.ranks.together(partial(training.told, held.folder)):
                epochs.train(training, held.folder, say, self.stop.agreed(training.ranks.largest), told)
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
        if not (folder / "config.json").exists():
            say("stopped before the run began")
            return stopped.exit_code
        run = runs.read(folder)
        done = len(run.epochs) == (run.started or {}).get("epochs")
        say(f"{run.status}; {'what comes of it is not written yet' if done else 'an unfinished epoch was dropped'}")
        whole = folder.parent if runs.is_series(folder.parent) else folder
        again = shlex.join([*processes.train_command(processes.count()), "--resume", str(whole)])
        say(f"to go on: {again if self.command == 'train' else 'the same command again'}")
        return stopped.exit_code

    def failed(self, error: Exception) -> int:
        """Say and log what went wrong; the exit code."""
        self.stop.over = True
        failure = as_failure(error)
        self.diverged = isinstance(failure, runs.Diverged)
        if self.held:
            with contextlib.suppress(OSError):  # what cannot be written can still be said
                self.held.log.write("failed", error=failure.error, advice=failure.advice)
        print(f"{self.command}: {failure}", file=sys.stderr)
        return failure.exit_code


def in_own_process(main: Callable[[Stop], int]) -> int:
    """A command in a process of its own; its exit code. Signals are heard until it has ended."""
    stop = Stop()
    stop.hear_signals()
    streams.prepare()
    code = main(stop)
    stop.fall_silent()
    processes.end_at_once(code)
    return code


def nothing_more(folder: Path) -> None:
    """What is done with a finished run where nobody asks for more."""


def images_of(parent: Path, dataset: str) -> str | None:
    """The folder with the images that a run was trained on, where they are of this data set."""
    begun = read_config(parent)
    return begun.get("data_dir") if begun["dataset"] == dataset else None


def inherit(parent: Path, folder: Path) -> dict[str, str]:
    """Keep the weights that the run goes on from in its own folder, and what config.json says of them. Raises OSError.

    So it can be resumed before its first epoch is complete, wherever the parent is then.
    """
    runs.write_file(folder / runs.PARENT, (parent / runs.WEIGHTS).read_bytes())
    return {"parent": called(parent)}


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
    if not is_launched():
        runs.clear_stop(folder)


def is_launched() -> bool:
    """Whether a spreadsheet started this process, for a run or series whose folder it had made."""
    return "BACKPROP_LAUNCHED" in os.environ


def newest_unfinished() -> Path:
    """The newest run that --resume can go on with, or its series. Raises SettingsError where there is none."""
    for folder in runs.list_runs():
        run = runs.read(folder)
        if (folder / "config.json").exists() and not run.alive and not run.is_finished:
            return folder.parent if runs.is_series(folder.parent) else folder
    raise SettingsError(f"There is no unfinished run in {runs.home() / 'runs'}", "Name its folder: --resume RUN")


def prepare(settings: dict[str, Any], data_dir: str | None, start: Path | None = None) -> TrainingState:
    """training.prepare. Raises ImportError where PyTorch is missing or cannot be loaded."""
    check_threads()
    files = official.look(settings["dataset"], data_dir)
    say("loading PyTorch")
    try:
        from cnn import training
    except OSError as error:  # Windows, where a library of PyTorch's is missing
        raise ImportError(str(error)) from error
    return training.prepare(settings, data_dir, say, files, start)
