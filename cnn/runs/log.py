"""The log of a run: one flat JSON object a line, each with `event` and `time` (ISO, UTC).

Events: `started`, `progress`, `epoch`, then `finished`, `stopped` or `failed`. Accuracies are fractions.
"""

from __future__ import annotations

import json
import math
import os
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

LOSSES_AND_ACCURACIES = ("train_loss", "train_accuracy", "test_loss", "test_accuracy")
EPOCH_KEYS = ("epoch", *LOSSES_AND_ACCURACIES, "learning_rate", "seconds", "images_per_second")
PARTS = ("test", "validation")  # what a run's epochs are measured with: validation_… with --validate, else test_…
EVENTS = {  # the keys that a reader counts on; a line without them is no event
    "started": {"dataset", "epochs", "batches"},
    "progress": {"epoch", "batch", "train_loss"},
    "epoch": {"epoch"},
    "finished": set(),
    "stopped": {"epoch"},
    "failed": {"error", "advice"},
}


class Failure(Exception):
    """What ends a run, as the log's `failed` has it: `error`, what went wrong and where, and `advice`, what to do."""

    exit_code = 1

    def __init__(self, error: str, advice: str):
        super().__init__(f"{error}. {advice}.")
        self.error, self.advice = error, advice


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
        with open(self.path, "a+b") as file:
            if file.tell() and (file.seek(-1, os.SEEK_END), file.read(1))[1] != b"\n":
                file.write(b"\n")  # a killed trainer left half a line: keep it apart from this one
            file.write(line.encode())


def cut_log(folder: Path, epoch: int) -> None:
    """Cut the log back to the end of that epoch's line (0: to nothing), for a resume from its checkpoint."""
    path, position, end = Path(folder) / "log.jsonl", 0, 0
    path.touch()
    for line in path.read_bytes().splitlines(keepends=True):
        position += len(line)
        read = parse(line) if line.endswith(b"\n") else None
        if read and read["event"] == "epoch" and read["epoch"] <= epoch:
            end = position
    with open(path, "r+b") as file:
        file.truncate(end)


def parse(line: bytes) -> dict[str, Any] | None:
    """The event on a line of the log, or None where it is not one."""
    try:
        read = json.loads(line)
        return read if read.keys() >= EVENTS[read["event"]] and isinstance(read.get("epoch", 0), int) else None
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
