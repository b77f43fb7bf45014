"""Runs `python -m cnn.train` as its users do, in a process of its own; on digits."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from cnn import runs

PROJECT = Path(__file__).resolve().parents[1]
DIGITS = ("--dataset", "digits", "--device", "cpu", "--model", "tiny")
DIGITS += ("--batch-size", "128", "--learning-rate", "0.02")  # 12 updates an epoch, and small ones


def variables(home: Path, **more: str) -> dict[str, str]:
    """The environment of a trainer whose user's folder is `home`, and who has no MNIST."""
    others = {name: text for name, text in os.environ.items() if name not in ("CNN_DATA_DIR", "OMP_NUM_THREADS")}
    return {**others, "BACKPROP_HOME": str(home), "PYTHONPATH": str(PROJECT), **more}


def start(home: Path, *options: object, **popen: object) -> subprocess.Popen:
    """Start the trainer; what it says can be read from it."""
    command = [sys.executable, "-m", "cnn.train", *map(str, options)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "env": variables(home)}
    return subprocess.Popen(command, **{**pipes, **popen})


def wait_until(condition: Callable[[], object], seconds: float = 90) -> None:
    """Look every 10 ms until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.01)


def wait_for_batch(folder: Path, epoch: int) -> None:
    """Wait until the trainer is in the middle of this epoch."""
    follower = runs.Follower(folder)
    wait_until(lambda: (follower.poll().progress or {}).get("epoch") == epoch or len(follower.run.epochs) >= epoch)
    assert follower.run.end is None, follower.run.end
