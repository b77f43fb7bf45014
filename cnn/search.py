"""Searches for good settings: trials on held-out training images, by Optuna, then the best over several seeds.

python start.py search rates                          30 trials of learning rates for "tuned", into a study of this name
python start.py search rates                          the same again, on this or another machine: takes part in it
python start.py search nets --models tuned tiny --recipes tuned reference --epochs 4 --trials 60
python start.py search quick --dataset digits --batch-size 64 --epochs 3 --trials 8 --finalists 2

Machines that share the study's folder (BACKPROP_HOME/studies/NAME, or a path) share its trials. With Slurm:
sbatch --array=1-8 --wrap "python start.py search /shared/nets"; on one machine: for i in 1 2 3; do python start.py
search nets & done. A trial that falls behind the median of those before is stopped. Whoever ends the last trial trains
the finalists over the seeds 1 to 3. Test images are never looked at: evaluate measures what you choose.

A process that is killed costs its trial only; the same command goes on. trials.csv and trials.png show what was found.

Exit codes: 0 all was done, or others are still at work; 1 no trial was completed; else as train's.
"""

from __future__ import annotations

from cnn import end_by_ctrl_c

if __name__ == "__main__":
    end_by_ctrl_c()  # until `stop` hears it

import argparse
import contextlib
import math
import statistics
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from cnn import events, runs
from cnn.runs import Series, processes
from cnn.runs.command import Parser, need
from cnn.runs.listing import aligned
from cnn.runs.settings import MODELS, RECIPES, SETTINGS, SettingsError, check_setting, check_settings, option
from cnn.series import reached
from cnn.series import train as train_series
from cnn.session import Session, in_own_process, nothing_more
from cnn.stop import Stop
from cnn.streams import say
from cnn.train import described

SEEDS = (1, 2, 3)  # of the finalists; the trials have another one
SEARCHED = ("model", "recipe", "learning_rate", "seed", "validate")
DEFAULTS = {"rates": [0.005, 0.2], "models": ["tuned"], "recipes": ["tuned"], "trials": 30, "finalists": 3}
PRUNED = "pruned"
HEAD = ("trial", "model", "recipe", "learning_rate", "epochs", "validation_accuracy", "state")


def main(arguments: list[str] | None = None, stop: Stop | None = None) -> int:
    """Run the command line; the exit code."""
    session = Session(stop or Stop(), nothing_more, command="search")
    return session.carry_out(lambda: command(session, parser().parse_args(arguments)))


def command(session: Session, options: argparse.Namespace) -> int:
    """Take part in the study; the exit code. Raises SettingsError, OSError."""
    session.stop.listen()
    processes.refuse_several("a search")
    need("optuna")
    given = {name: check_setting(name, vars(options)[name], option(name)) for name in SETTINGS if name in options}
    asked = {name: checked(name, vars(options)[name]) for name in DEFAULTS if vars(options)[name] is not None}
    named = len(options.study.parts) == 1
    folder = (runs.home() / "studies" / options.study if named else options.study).absolute()
    from cnn import study as studies  # which needs Optuna

    session.stop.check()
    joined = studies.join(folder, {**asked, **given} if exists(folder) else {**DEFAULTS, **asked, **given})
    search = Search(session.stop, folder, joined, options.data_dir)
    return search.trials() or search.finals()


def exists(folder: Path) -> bool:
    return any(folder.glob("study.journal"))


def checked(name: str, value: Any) -> Any:
    """An option's value, or SettingsError."""
    if name == "rates":
        low, high = (check_setting("learning_rate", each, "--rates") for each in value)
        if not low < high:
            raise SettingsError(f"--rates is {low:g} {high:g}", "The lower one comes first")
        return [low, high]
    if name in ("models", "recipes"):
        return [check_setting(name[:-1], each, f"--{name}") for each in value]
    return check_setting("epochs", value, f"--{name}")


class FellBehind(runs.Failure):
    """Ends a trial that is behind the median of those before it."""


class Search:
    """One process of a study."""

    def __init__(self, stop: Stop, folder: Path, study: Any, data_dir: str | None):
        from cnn import study as studies

        self.studies = studies
        self.stop, self.folder, self.study, self.data_dir = stop, folder, study, data_dir
        self.asked: dict[str, Any] = study.user_attrs[studies.ASKED]

    def trials(self) -> int:
        """Train trials until there are enough; the exit code of what ended it before, else 0."""
        while True:
            for number in self.studies.bury(self.study, self.folder):
                say(f"trial {number}: its process has died")
            if self.studies.counted(self.study) >= self.asked["trials"]:
                return 0
            if code := self.trial(self.study.ask()):
                return code

    def trial(self, trial: Any) -> int:
        """Train one trial and tell what it reached."""
        settings = self.settings(self.chosen(trial))
        shown = ", ".join(f"{name} {plain(value)}" for name, value in trial.params.items())
        counted = f"{self.studies.counted(self.study)} of {self.asked['trials']}"
        say(f"trial {trial.number} ({counted}): {shown}")
        watch = partial(reporting, trial, settings["epochs"])
        session = Session(self.stop, nothing_more, watch=watch, command="search")
        folder = self.studies.trial_folder(self.folder, trial.number)

        def work() -> int:
            session.begin(settings, folder, self.data_dir)
            return 0

        code = session.carry_out(work)
        self.tell(trial, runs.read(folder), session.diverged)
        self.table()
        return 0 if session.diverged or PRUNED in trial.user_attrs else code

    def chosen(self, trial: Any) -> dict[str, Any]:
        """The settings that a trial tries."""
        return {
            "model": trial.suggest_categorical("model", self.asked["models"]),
            "recipe": trial.suggest_categorical("recipe", self.asked["recipes"]),
            "learning_rate": trial.suggest_float("learning_rate", *self.asked["rates"], log=True),
        }

    def settings(self, chosen: dict[str, Any]) -> dict[str, Any]:
        fixed = {name: self.asked[name] for name in SETTINGS if name in self.asked}
        return check_settings({**fixed, **chosen, "validate": "yes"})

    def tell(self, trial: Any, run: runs.Run, diverged: bool) -> None:
        """What became of a trial: its last epoch counts, pruned or not."""
        from optuna.trial import TrialState

        if run.is_finished:
            self.study.tell(trial, runs.accuracy(run.epochs[-1])[1], skip_if_finished=True)
        elif PRUNED in trial.user_attrs:
            self.study.tell(trial, state=TrialState.PRUNED)
        else:
            if diverged:
                trial.set_user_attr(self.studies.DIVERGED, True)
            self.study.tell(trial, state=TrialState.FAIL, skip_if_finished=True)

    def finals(self) -> int:
        """The best trials over several seeds, once nobody trains a trial any more; the exit code."""
        from optuna.trial import TrialState

        if self.study.get_trials(states=(TrialState.RUNNING,)):
            say("others are still at trials; who ends the last one trains the finalists")
            return 0
        for trial in self.studies.best(self.study, self.asked["finalists"]):
            asked = self.final(trial)
            if runs.is_alive(asked.folder):
                say(f"{asked.folder.name}: another process trains it")
            elif code := train_series(Session(self.stop, nothing_more, command="search"), asked, self.data_dir):
                return code
        self.table()
        rows = self.summary()
        say(aligned(rows) if rows[1:] else "no trial was completed")
        return 0 if rows[1:] else 1

    def final(self, trial: Any) -> Series:
        settings = {f"seed-{seed}": {**self.settings(trial.params), "seed": seed} for seed in SEEDS}
        return Series(self.folder / f"final-{trial.number}", settings)

    def summary(self) -> list[list[str]]:
        """A row per finalist: what it is, its trial's accuracy, the mean over the seeds and its deviation."""
        rows = [["trial", "settings", "trial's", f"mean of seeds {SEEDS[0]}-{SEEDS[-1]}", "±"]]
        for trial in self.studies.best(self.study, self.asked["finalists"]):
            done = [each for each in self.final(trial).folders if runs.read(each).is_finished]
            percent = [reached(each)[1] for each in done]
            mean = f"{statistics.mean(percent):.3f} %" if len(percent) == len(SEEDS) else f"{len(percent)} of 3 trained"
            deviation = f"{statistics.stdev(percent):.3f}" if len(percent) == len(SEEDS) else ""
            settings = " ".join(f"{option(name)} {plain(value)}" for name, value in trial.params.items())
            rows.append([str(trial.number), settings, f"{100 * (trial.value or 0.0):.2f} %", mean, deviation])
        return rows

    def table(self) -> None:
        """Write trials.csv and trials.png."""
        from cnn import outcome, pictures

        rows = [self.row(trial) for trial in self.study.trials]
        runs.write_file(self.folder / "trials.csv", outcome.table(HEAD, rows))
        runs.write_file(self.folder / "trials.png", pictures.trials(rows))

    def row(self, trial: Any) -> dict[str, Any]:
        reports = trial.intermediate_values
        last = max(reports, default=0)
        state = "diverged" if self.studies.DIVERGED in trial.user_attrs else trial.state.name.lower()
        return {
            "trial": trial.number,
            **{name: trial.params.get(name, "") for name in ("model", "recipe", "learning_rate")},
            "epochs": last,
            "validation_accuracy": reports.get(last, ""),
            "state": state,
        }


def plain(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


@contextlib.contextmanager
def reporting(trial: Any, epochs: int, folder: Path, complete: int) -> Iterator[events.Told]:
    """Tells a trial each epoch's accuracy, and stops the run where it has fallen behind."""

    def told(figures: dict[str, Any]) -> None:
        accuracy = runs.accuracy(figures)[1]
        trial.report(0.0 if accuracy is None or not math.isfinite(accuracy) else accuracy, figures["epoch"])
        if figures["epoch"] < epochs and trial.should_prune():
            trial.set_user_attr(PRUNED, True)
            raise FellBehind("It fell behind the other trials", "train --resume goes on with it all the same")

    yield told


def parser() -> Parser:
    """The command line."""
    made = Parser("search", __doc__)
    made.add_argument("study", metavar="STUDY", type=Path, help="its name, or its folder's path")
    made.add_argument(
        "--trials", type=int, metavar="N", help=f"of all processes together (default {DEFAULTS['trials']})"
    )
    made.add_argument("--finalists", type=int, metavar="N", help="how many are trained over seeds (default 3)")
    made.add_argument("--rates", nargs=2, metavar=("LOW", "HIGH"), help="the learning rates to try (default 0.005 0.2)")
    made.add_argument("--models", nargs="+", choices=MODELS, help="the networks to try (default tuned)")
    made.add_argument("--recipes", nargs="+", choices=tuple(RECIPES), help="the recipes to try (default tuned)")
    made.add_argument("--data-dir", metavar="FOLDER", help="has MNIST/raw as torchvision has it (default CNN_DATA_DIR)")
    for name in SETTINGS:
        if name not in SEARCHED:
            made.add_argument(option(name), **described(name))
    return made


if __name__ == "__main__":
    sys.exit(in_own_process(lambda stop: main(stop=stop)))
