"""Train a network on images of digits, into a run folder: settings, log, a checkpoint every epoch, and the outcome.

    python start.py train                                MNIST, 19 epochs of the network "tuned", by its recipe
    python start.py train --epochs 4 --target 99.4       exit code 0 only if the last epoch reached 99.4 %
    python start.py train --seeds 0-4                    a run for each seed, then mean, deviation, lowest, highest
    python start.py train --learning-rates 0.01 0.05 0.2              a run for each; also --models tuned tiny
    python start.py train --validate                     choose settings so: 10,000 training images are held out
    python start.py train --model reference --recipe reference        the exercise's network, the exercise's way
    python start.py train --find-rate                    try learning rates from small to large, and draw the loss
    python start.py train --dataset digits --batch-size 64            a few seconds, nothing to download
    python start.py train --data-dir FOLDER              MNIST from FOLDER/MNIST/raw, which is only read
    python start.py train --resume                       go on with the newest unfinished run
    python start.py train --resume-or-begin FOLDER       begin there, or go on: for queues that start a job again
    python start.py train --more 4 RUN                   a new run of 4 epochs from RUN's weights; --out as ever
    torchrun --nproc-per-node 2 -m cnn.train             one run in several processes, on one machine or on many

Every choice of the recipe is an option. Test figures are shown after every epoch and decide nothing; the headline is
the last epoch's. The same seed, machine, settings and threads give the same run. One thread computes, beside which
a spreadsheet can work; with OMP_NUM_THREADS=2 an epoch is quicker on two idle cores.

Ctrl-C, SIGTERM, SIGHUP, SIGUSR1 (Slurm's warning) or a file named "stop" in the run folder end the run within a batch
and keep its complete epochs; a second Ctrl-C ends it at once. --resume goes on after the last complete epoch, after a
kill too. Several runs are a series in one folder: what ends one ends all, and --resume, or the same command with the
same --out, trains only what is missing. A run that diverges does not keep the others from being trained.

Exit codes: 0 finished, or stopped by the file; 1 failed; 2 wrong use; 3 finished below --target; 130 stopped by
Ctrl-C; 143 stopped by SIGTERM, SIGHUP or SIGUSR1.
"""

from __future__ import annotations

from cnn import end_by_ctrl_c

if __name__ == "__main__":
    end_by_ctrl_c()  # until `stop` hears it

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cnn import events, runs
from cnn.runs import Series, processes, series
from cnn.runs.command import Parser, need, run_name
from cnn.runs.config import compare, determined, read_config
from cnn.runs.folder import called
from cnn.runs.settings import RECIPES, SETTINGS, SettingsError, check_setting, check_settings, option
from cnn.series import train, train_one, verdict
from cnn.session import Session, in_own_process, newest_unfinished, nothing_more, prepare
from cnn.stop import Stop
from cnn.streams import say

EXAMPLES = {"learning_rate": "0.01 0.05 0.2", "seed": "0-4, or 1 3 5", "model": "tuned tiny"}
NEWEST = Path("the newest")  # --resume without a run
NOT_TRIED = ("epochs", "learning_rate", "schedule", "warmup", "plain", "average", "average_every")  # by --find-rate


def main(
    arguments: list[str] | None = None, stop: Stop | None = None, finished: Callable[[Path], None] = nothing_more
) -> int:
    """Run the command line; the exit code. `stop` hears signals already; `finished` is told of each finished run."""
    session = Session(stop or Stop(), finished)
    return session.carry_out(lambda: command(session, parser().parse_args(arguments)))


def command(session: Session, options: argparse.Namespace) -> int:
    """What the options ask for; the exit code. Raises SettingsError, and what a run may fail with."""
    session.force = options.force
    if options.tensorboard:
        need("tensorboard")
        session.watch = events.writer
    session.stop.listen()
    given = {name: check_setting(name, vars(options)[name], option(name)) for name in SETTINGS if name in options}
    if processes.rank() > 0:
        return follow(session.stop)
    if options.resume is not None:
        return resume(session, given, options.resume, options)
    if options.find_rate:
        processes.refuse_several("--find-rate")
        return find_rate(given, options)
    for name in series.VARIED:
        if vars(options)[several(name)]:
            return train_several(session, name, given, options)
    if options.resume_or_begin:
        return resume_or_begin(session, given, options.resume_or_begin, options)
    return begin(session, given, options.out, options)


def begin(session: Session, given: dict[str, Any], out: Path | None, options: argparse.Namespace) -> int:
    """Train a new run, which may go on from another's weights."""
    settings, parent = more(given, *options.more) if options.more else (given, None)
    return verdict([session.begin(check_settings(settings), out, options.data_dir, parent)], options.target)


def more(given: dict[str, Any], epochs: str, run: str) -> tuple[dict[str, Any], Path]:
    """The settings of a new run that goes on from a finished one's weights: that one's but for those given; and it.

    Raises SettingsError.
    """
    count, parent = check_setting("epochs", epochs, "--more"), found(run)
    begun = read_config(parent)
    if "epochs" in given:
        raise SettingsError("--epochs and --more both say how many epochs", "Leave --epochs out")
    if given.get("model", begun["model"]) != begun["model"]:
        raise SettingsError(f"--model is {given['model']}, but {parent.name} is {begun['model']}", "Leave it out")
    if not runs.read(parent).is_finished:
        raise SettingsError(f"{parent.name} has not finished", "Go on with it first: --resume")
    learnt = begun["validate"] == "no" and given.get("dataset", begun["dataset"]) == begun["dataset"]
    if learnt and given.get("validate") == "yes":
        error = f"--validate holds out images, and {parent.name} has learnt from all"
        raise SettingsError(error, "Take one that held them out too")
    own = {name: begun[name] for name in SETTINGS if name != "device"}
    return {**own, **given, "epochs": count}, parent


def found(run: str) -> Path:
    """The folder of the run that --more names. Raises SettingsError, NoRunError."""
    try:
        return runs.find(run_name(run))
    except argparse.ArgumentTypeError as error:
        raise SettingsError(f"--more names no run: {error}", "Name a finished one") from error


def compare_parent(epochs: str, run: str, config: dict[str, Any], folder: Path) -> None:
    """Raise SettingsError where --more names other epochs or another run than the one in the folder began from."""
    begun = config.get("parent", "no other run")
    try:
        parent = called(found(run))
    except runs.NoRunError:  # it may have gone since: the folder has its weights
        parent = begun if Path(run).name == Path(begun).name else run
    if parent != begun:
        error = f"--more names {parent}, but {folder.name} began with {begun}"
        raise SettingsError(error, "Name that one, or train a new run in another folder")
    compare({"epochs": check_setting("epochs", epochs, "--more")}, config, folder)


def resume_or_begin(session: Session, given: dict[str, Any], folder: Path, options: argparse.Namespace) -> int:
    """Begin a run in the folder, go on with the one that is there, or leave it as it is where it has finished."""
    if runs.is_series(folder):
        return resume(session, given, folder, options)
    if not (folder / "config.json").exists():
        return begin(session, given, folder, options)
    config = read_config(folder)
    compare(given, config, folder)
    if options.more:
        epochs, parent = options.more
        compare_parent(epochs, parent, config, folder)
    train_one(session, given, folder, options.data_dir)
    return verdict([folder], options.target)


def resume(session: Session, given: dict[str, Any], chosen: Path, options: argparse.Namespace) -> int:
    """Go on with the run or series that is named, else with the newest, as it was begun."""
    ways = {several(name): f"{option(name)}s" for name in series.VARIED}
    ways |= {"find_rate": "--find-rate", "more": "--more"}
    if given_too := [shown for way, shown in ways.items() if vars(options)[way]]:
        raise SettingsError("--resume goes on with one run or series, as it was begun", f"Leave {given_too[0]} out")
    folder = newest_unfinished() if chosen is NEWEST else runs.find(chosen)
    if not runs.is_series(folder):
        return verdict([session.resume(given, folder, options.data_dir)], options.target)
    found = series.read(folder)
    for run, settings in zip(found.folders, found.settings.values(), strict=True):
        compare(given, settings, run)
    again = {name: {**settings, **determined(given)} for name, settings in found.settings.items()}
    return train_all(session, Series(folder, again), options)


def train_several(session: Session, name: str, given: dict[str, Any], options: argparse.Namespace) -> int:
    """A series with a run for each value, in --out or a folder of its own; those that are finished already are kept."""
    shown = f"{option(name)}s"
    if name in given:
        raise SettingsError(f"{option(name)} names one and {shown} several", "Leave one of them out")
    values = series.listed(name, " ".join(vars(options)[several(name)]), shown)
    settings = series.varied(name, values, given)
    folder = options.out or options.resume_or_begin or runs.new_folder(shown[2:])
    return train_all(session, Series(folder, settings), options)


def several(name: str) -> str:
    """Where argparse puts the values of a setting in which the runs of a series differ."""
    return f"{name}s"


def train_all(session: Session, asked: Series, options: argparse.Namespace) -> int:
    processes.refuse_several("a series")
    return train(session, asked, options.data_dir) or verdict(asked.folders, options.target)


def find_rate(given: dict[str, Any], options: argparse.Namespace) -> int:
    """The learning-rate range test, into --out or a folder in the user's own. Raises SettingsError."""
    ignored = [option(name) for name in given if name in NOT_TRIED] + ["--target"] * (options.target is not None)
    ignored += ["--resume-or-begin"] * (options.resume_or_begin is not None) + ["--tensorboard"] * options.tensorboard
    if ignored:
        raise SettingsError(f"{ignored[0]} says nothing to --find-rate, which trains no run", "Leave it out")
    settings = check_settings(given)
    training = prepare(settings, options.data_dir)
    from cnn import rate_finder  # it needs PyTorch, of whose lack `prepare` has told

    say(rate_finder.find(training, options.out or rate_finder.new_folder(settings["model"])))
    return 0


def follow(stop: Stop) -> int:
    """Train along with the first of torchrun's processes; the exit code."""
    from cnn import along  # it needs PyTorch

    return along.follow(stop)


def parser() -> argparse.ArgumentParser:
    """The command line; a setting that is not given is not in its result, so that --resume can tell."""
    made = Parser("train", __doc__)
    for name in SETTINGS:
        made.add_argument(option(name), **described(name))
    made.add_argument("--target", metavar="PERCENT", type=percentage, help="the accuracy the last epoch must reach")
    made.add_argument("--data-dir", metavar="FOLDER", help="has MNIST/raw as torchvision has it (default CNN_DATA_DIR)")
    where = made.add_mutually_exclusive_group()
    where.add_argument("--out", metavar="RUN", type=new_path, help="the run's own folder (default: a new one)")
    where.add_argument(
        "--resume", metavar="RUN", type=run_name, nargs="?", const=NEWEST, help="go on with it, or the newest"
    )
    where.add_argument(
        "--resume-or-begin",
        metavar="RUN",
        type=new_path,
        help="go on with this run or series, or begin it there: for queues, which start the same job again",
    )
    made.add_argument("--force", action="store_true", help="go on though it may be alive: see an error that names this")
    text = "write the epochs for TensorBoard too, into the run's folder (pip install tensorboard)"
    made.add_argument("--tensorboard", action="store_true", help=text)
    what = made.add_mutually_exclusive_group()
    for name in series.VARIED:
        text = f"a run for each {name.replace('_', ' ')}, one after the other: {EXAMPLES[name]}"
        what.add_argument(f"{option(name)}s", metavar="LIST", nargs="+", help=text)
    text = "a new run of N epochs from the weights of a finished one, by that one's settings where none is given"
    what.add_argument("--more", metavar=("N", "RUN"), nargs=2, help=text)
    what.add_argument("--find-rate", action="store_true", help="no run: try learning rates, and draw the loss")
    return made


def described(name: str) -> dict[str, Any]:
    """What argparse needs to know of a setting."""
    setting = SETTINGS[name]
    if setting.choices == ("no", "yes"):
        return {"nargs": "?", "const": "yes", "default": argparse.SUPPRESS, "help": setting.help, "metavar": "no|yes"}
    reference = RECIPES["reference"].get(name)
    other = "" if reference is None else f"; by --recipe reference {reference}"
    metavar = "|".join(setting.choices) or setting.kind.__name__.upper()
    text = f"{setting.help} (default {setting.default}{other})"
    return {"metavar": metavar, "default": argparse.SUPPRESS, "help": text}


def new_path(text: str) -> Path:
    """The absolute path of a folder that is to be made."""
    return run_name(text).absolute()


def percentage(text: str) -> float:
    """An accuracy in percent. Raises ArgumentTypeError."""
    try:
        if 1 < float(text) <= 100:  # 0.994 is meant as a fraction, and every run would reach it
            return float(text)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{text!r} is no percentage, such as 99.4")


def as_command(arguments: list[str] | None = None, finished: Callable[[Path], None] = nothing_more) -> int:
    """The command line in a process of its own."""
    return in_own_process(lambda stop: main(arguments, stop, finished))


if __name__ == "__main__":
    sys.exit(as_command())
