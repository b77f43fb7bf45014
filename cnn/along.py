"""A process that trains a run along with rank 0, which torchrun has started too, and which writes what comes of it."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from cnn import epochs, ranks, runs, training
from cnn.runs.advice import as_failure
from cnn.runs.settings import check_threads
from cnn.stop import Stop
from cnn.training import TrainingState


def follow(stop: Stop) -> int:
    """Train along until the run's last epoch; the exit code. Raises Stopped, and what a training may fail with."""
    check_threads()
    stop.end_at_once()
    told: dict[str, Any] = {}
    try:
        with ranks.joined():
            told = ranks.receive()
            made = prepared(told)
            stop.hear_signals()
            stop.over, stop.gentle = False, True
            epochs.follow(made, stop.agreed(made.ranks.largest))
    except Exception as error:
        failure = as_failure(error)
        log_failure(failure, Path(told["folder"]) if told else None)
        raise failure from error
    return 0


def prepared(told: dict[str, Any]) -> TrainingState:
    """The training as it is on rank 0. Raises what training.prepare does."""
    made = training.prepare(told["settings"], told["data_dir"], lambda text: None)
    for name, part in made.parts.items():
        part.load_state_dict(told["states"][name])
    made.epochs = told["epochs"]
    return made


def log_failure(failure: runs.Failure, folder: Path | None) -> None:
    """Log how the run ended where rank 0 cannot: its lock is free, so it has died."""
    if folder is None or not folder.is_dir():
        return
    lock = runs.Lock(folder)
    with contextlib.suppress(OSError):
        if lock.acquire():
            if runs.read(folder).end is None:
                runs.Log(folder).write("failed", error=failure.error, advice=failure.advice)
            lock.release()
