"""A study: trials of settings that several processes and machines share through one journal, by Optuna.

The folder of a study holds `study.journal`, a run folder for each trial (trial-7), and the finalists' series (final-7).
Whoever names the folder takes part. Optuna is an optional package.
"""

from __future__ import annotations

import json
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import optuna
from optuna.pruners import MedianPruner
from optuna.samplers import TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial, TrialState

from cnn import runs
from cnn.runs.settings import SettingsError, option

JOURNAL = "study.journal"
ASKED = "asked"  # what the study's first process was asked for, as all others are
DIVERGED = "diverged"  # a trial that failed so counts; any other was cut short with its process
GRACE = timedelta(seconds=60)  # from a trial's beginning to its folder, and from its run's end to the journal


def join(folder: Path, asked: dict[str, Any]) -> optuna.Study:
    """The study in this folder, made where there is none; one that is there keeps what it was `asked` for.

    Raises SettingsError where that is something else, or where the journal is damaged, OSError.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    with runs.writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    mend(folder / JOURNAL)
    study = optuna.create_study(
        storage=JournalStorage(JournalFileBackend(str(folder / JOURNAL), lock(folder / JOURNAL))),
        study_name="backprop",
        direction="maximize",
        sampler=TPESampler(constant_liar=True),
        pruner=MedianPruner(n_warmup_steps=2),
        load_if_exists=True,
    )
    known = study.user_attrs.get(ASKED)
    if known is None:
        study.set_user_attr(ASKED, asked)
    elif differing := [name for name in asked if asked[name] != known.get(name)]:
        name = differing[0]
        error = f"{option(name)} is {asked[name]}, but {folder.name} was begun with {known.get(name)}"
        raise SettingsError(error, "Leave it out, or name another study")
    return study


def lock(journal: Path) -> JournalFileOpenLock:
    """A lock that every file system has: one made by a machine that was killed is broken after 30 s."""
    return JournalFileOpenLock(str(journal))


def mend(journal: Path) -> None:
    """Cut off half a line that a killed process has left, to which the next one would write. Raises SettingsError."""
    if not journal.exists():
        return
    held = lock(journal)
    held.acquire()
    try:
        content = journal.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        for number, line in enumerate(whole.splitlines(), 1):
            if not is_json(line):
                error = f"Line {number} of {journal} is damaged"
                raise SettingsError(error, "Remove that line, or take another study; the runs are kept")
        if whole != content:
            runs.write_file(journal, whole)
    finally:
        held.release()


def is_json(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def trial_folder(folder: Path, number: int) -> Path:
    return folder / f"trial-{number}"


def bury(study: optuna.Study, folder: Path) -> list[int]:
    """Tell trials as failed whose process has died, which the journal does not know; their numbers."""
    running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    dead = [each.number for each in running if is_dead(each, trial_folder(folder, each.number))]
    for number in dead:
        study.tell(number, state=TrialState.FAIL, skip_if_finished=True)
    return dead


def is_dead(trial: FrozenTrial, folder: Path) -> bool:
    """Whether nobody trains it any more: its run folder says so, or was never made."""
    if not (folder / "lock").exists():
        return trial.datetime_start is not None and datetime.now() - trial.datetime_start > GRACE
    run = runs.read(folder)
    ended = run.end is not None and datetime.now(UTC) - datetime.fromisoformat(run.end["time"]) < GRACE
    return runs.liveness(folder) == "dead" and not ended


def counted(study: optuna.Study) -> int:
    """How many trials have begun that were not cut short with their process."""
    return sum(each.state != TrialState.FAIL or DIVERGED in each.user_attrs for each in study.trials)


def best(study: optuna.Study, count: int) -> list[FrozenTrial]:
    """The trials that were completed, the best first."""
    done = study.get_trials(states=(TrialState.COMPLETE,))
    return sorted(done, key=lambda trial: (-(trial.value or 0.0), trial.number))[:count]
