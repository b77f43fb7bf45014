"""The processes that torchrun has started to train a run together, by the variables that it sets."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from cnn.runs.settings import SettingsError


def count() -> int:
    """How many there are: 1 without torchrun, whatever else has set WORLD_SIZE."""
    return int(os.environ.get("WORLD_SIZE", "1")) if "RANK" in os.environ else 1


def rank() -> int:
    """The number of this one, from 0."""
    return int(os.environ["RANK"]) if count() > 1 else 0


def train_command(processes: int) -> list[str]:
    """What to type before the options of a training by so many processes."""
    several = ["torchrun", "--nproc-per-node", str(processes), "-m", "cnn.train"]
    return several if processes > 1 else ["python", "start.py", "train"]


def refuse_others(begun: int, folder: Path) -> None:
    """Raise SettingsError where a run that was begun with so many processes would go on with another number."""
    if begun != count():
        error = f"{folder.name} was begun with {begun} process{'es' * (begun > 1)}, and this is {count()}"
        advice = f"Go on with torchrun --nproc-per-node {begun}" if begun > 1 else "Leave torchrun out"
        raise SettingsError(error, advice)


def refuse_several(what: str) -> None:
    """Raise SettingsError for what torchrun's processes cannot share."""
    if count() > 1:
        error = f"torchrun started {count()} processes, which train one run together, and {what} is none"
        raise SettingsError(error, "Leave torchrun out")


def end_at_once(code: int) -> None:
    """End one of several processes: PyTorch's threads abort it now and then while Python winds down."""
    if count() > 1:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
