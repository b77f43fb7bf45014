"""Train a network on images of digits, into a run folder: settings, log and a checkpoint after every epoch.

    python -m cnn.train                                MNIST, 19 epochs of the exercise's network
    python -m cnn.train --dataset digits --epochs 5    a few seconds, nothing to download
    python -m cnn.train --data-dir FOLDER              MNIST from FOLDER/MNIST/raw, which is only read
    python -m cnn.train --resume                       go on with the newest unfinished run

Ctrl-C, SIGTERM or a file named "stop" in the run folder end the run within a batch and keep its complete epochs;
a second Ctrl-C ends it at once. --resume goes on after the last complete epoch, after a kill too.

Exit codes: 0 finished, or stopped by the file; 1 failed; 2 wrong use; 130 stopped by Ctrl-C; 143 stopped by SIGTERM.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from cnn import runs
from cnn.settings import SETTINGS, SettingsError, check_setting, check_settings, read_config, write_config

if TYPE_CHECKING:
    from cnn.epochs import Training

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

    def run(self, options: argparse.Namespace) -> None:
        given = {name: check_setting(name, value) for name, value in vars(options).items() if name in SETTINGS}
        if options.resume is None:
            self.begin(check_settings(given), options)
        else:
            self.resume(given, options)

    def begin(self, settings: dict, options: argparse.Namespace) -> None:
        """A new run. Without --out its folder is made only once everything is ready."""
        if options.out:
            self.take(Path(options.out).expanduser().absolute())
        training = _prepare(settings, options.data_dir)
        if not self.folder:
            self.take(runs.new_folder(settings["model"]))
        write_config(self.folder, training.settings, training.facts, training.images.folder)
        self.train(training, None)

    def resume(self, given: dict, options: argparse.Namespace) -> None:
        """Go on after the run's last checkpoint, with its own settings."""
        folder = Path(options.resume).expanduser().absolute() if options.resume else newest_unfinished()
        config = read_config(folder)
        for name in given:
            if given[name] != config[name]:
                error = f"{name} is {given[name]}, but {folder.name} was started with {config[name]}"
                raise SettingsError(error, "Leave it out, or start a new run without --resume")
        self.take(folder, resume=True)
        settings = {name: config[name] for name in SETTINGS}
        training = _prepare(settings, options.data_dir or config.get("data_dir"))
        self.restore(training)
        self.train(training, len(training.epochs))

    def restore(self, training: Training) -> None:
        """Bring network, optimizer and log to the last checkpoint; a kill may have left the log short of its line."""
        from cnn import checkpoint

        path, model = self.folder / "checkpoint.pt", training.settings["model"]
        if path.exists() or runs.read(self.folder).epochs:
            training.epochs = checkpoint.load(path, model, training.network, training.optimizer)
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

    def train(self, training: Training, resumed_from: int | None) -> None:
        """Train the epochs that are left, from `started` to `finished`."""
        from cnn.epochs import train

        facts = training.facts
        self.log.write("started", pid=os.getpid(), **facts, resumed_from=resumed_from)
        say("{model}, {parameters:,} parameters; {dataset}, {train_images:,} images; {device}".format(**facts))
        say(f"run folder: {self.folder}")
        self.stop.gentle = True
        train(training, self.folder, say, lambda: self.stop.check(self.folder))
        self.log.write("finished", epoch=facts["epochs"], test_accuracy=training.epochs[-1]["test_accuracy"])
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
        say(f"to go on: python -m cnn.train --resume {self.folder}")
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


def _prepare(settings: dict, data_dir: str | None) -> Training:
    """epochs.prepare, whose import takes seconds and fails without PyTorch: wrong options are refused before."""
    try:
        from cnn import epochs
    except OSError as error:  # Windows, where a library of PyTorch's is missing
        raise ImportError(str(error)) from error
    return epochs.prepare(settings, data_dir, say)


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as for a wrong value."""

    def error(self, message: str) -> NoReturn:
        raise SettingsError(message, "--help shows every option")


def parser() -> argparse.ArgumentParser:
    """The command line; an option that is not given is not in its result, so that --resume can tell."""
    usage, _, rest = __doc__.partition("\n\n")
    made = Parser("python -m cnn.train", None, usage, rest, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, setting in SETTINGS.items():
        option, metavar = f"--{name.replace('_', '-')}", "|".join(setting.choices) or setting.kind.__name__.upper()
        made.add_argument(
            option, metavar=metavar, default=argparse.SUPPRESS, help=f"{setting.help} (default {setting.default})"
        )
    made.add_argument(
        "--data-dir", metavar="FOLDER", help="holds MNIST/raw as torchvision has it (default CNN_DATA_DIR)"
    )
    where = made.add_mutually_exclusive_group()
    where.add_argument("--out", metavar="RUN", help="the run's own folder (default a new one in BACKPROP_HOME/runs)")
    where.add_argument(
        "--resume", metavar="RUN", nargs="?", const="", help="go on with this run, or the newest unfinished"
    )
    return made


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit code."""
    with Stop() as stop:
        session = Session(stop)
        try:
            try:
                session.run(parser().parse_args(arguments))
            except Stopped as stopped:
                return session.stopped(stopped)
            return 0
        except Exception as error:
            return session.failed(error)
        finally:
            session.close()


if __name__ == "__main__":
    for stream in filter(None, (sys.stdout, sys.stderr)):  # a path that the console cannot show must not end a run
        stream.reconfigure(errors="backslashreplace")
    sys.exit(main())
