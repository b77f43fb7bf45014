"""The log of a run: one flat JSON object a line, each with `event` and `time` (ISO, UTC).

Events: `started`, `progress`, `shards` (the images of an epoch by process, where there are several), `epoch`, then
`finished`, `stopped` or `failed`. Accuracies are fractions.
"""

from __future__ import annotations

import json
import math
import os
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from cnn.runs.folder import open_own, writing

LOSSES_AND_ACCURACIES = ("train_loss", "train_accuracy", "test_loss", "test_accuracy")
EPOCH_KEYS = ("epoch", *LOSSES_AND_ACCURACIES, "learning_rate", "seconds", "images_per_second")
PARTS = ("test", "validation")  # what a run's epochs are measured with: validation_… with --validate, else test_…
EVENTS: dict[str, dict[str, type]] = {  # what a reader counts on, and of which type; a line without it is no event
    "started": {"dataset": str, "epochs": int, "batches": int},
    "progress": {"epoch": int, "batch": int},
    "shards": {"epoch": int, "images": list},
    "epoch": {"epoch": int},
    "finished": {},
    "stopped": {"epoch": int},
    "failed": {"error": str, "advice": str},
}
FIGURES = {"batch", "parameters", *(key.replace("test_", f"{part}_") for part in PARTS for key in EPOCH_KEYS)}
MOST = 2**63  # of a whole number: one that no program of ours writes is no figure


class Failure(Exception):
    """What ends a run, as the log's `failed` has it: `error`, what went wrong and where, and `advice`, what to do."""

    exit_code = 1

    def __init__(self, error: str, advice: str):
        super().__init__(f"{error}. {advice}.")
        self.error, self.advice = error, advice


class Diverged(Failure):
    """A loss or weights that are no longer finite: the fault of a run's settings, and of no other run."""


def epoch_keys(part: str) -> tuple[str, ...]:
    """EPOCH_KEYS of a run that is measured with this part of the images."""
    return tuple(key.replace("test_", f"{part}_") for key in EPOCH_KEYS)


def accuracy(figures: dict[str, Any]) -> tuple[str, float | None]:
    """Which part of the images an epoch was measured with, and its accuracy there (a fraction)."""
    part = next((part for part in PARTS if f"{part}_accuracy" in figures), PARTS[0])
    return part, figures.get(f"{part}_accuracy")


class Log:
    """Appends events to a run's log."""

    def __init__(self, folder: Path):
        self.path = Path(folder) / "log.jsonl"

    def write(self, event: str, **fields: object) -> None:
        """Append one line at once. Numbers that are not finite become null: JSON has none. Raises OSError."""
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        finite = {
            key: None if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in fields.items()
        }
        line = json.dumps({"event": event, "time": now, **finite}, allow_nan=False) + "\n"
        with writing(self.path), open(self.path, "a+b", opener=open_own) as file:
            if file.tell() and (file.seek(-1, os.SEEK_END), file.read(1))[1] != b"\n":
                file.write(b"\n")  # a killed trainer left half a line: keep it apart from this one
            file.write(line.encode())


def cut_log(folder: Path, epoch: int) -> None:
    """Cut the log back to the end of that epoch's line (0: to nothing), for a resume from its checkpoint."""
    path, position, end = Path(folder) / "log.jsonl", 0, 0
    with writing(path), open(path, "a+b", opener=open_own) as file:
        file.seek(0)
        for line in file:
            position += len(line)
            read = parse(line) if line.endswith(b"\n") else None
            if read and read["event"] == "epoch" and read["epoch"] <= epoch:
                end = position
        file.truncate(end)


def parse(line: bytes) -> dict[str, Any] | None:
    """The event on a line of the log, or None where it is not one."""
    try:
        read = json.loads(line)
        wanted = EVENTS[read["event"]]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    typed = all(isinstance(read.get(key), kind) for key, kind in wanted.items())
    return read if typed and all(is_figure(value) for key, value in read.items() if key in FIGURES) else None


def is_figure(value: object) -> bool:
    """Whether it is a number, or nothing, which stands for one that is not finite."""
    return value is None or isinstance(value, float) or (isinstance(value, int) and abs(value) < MOST)
