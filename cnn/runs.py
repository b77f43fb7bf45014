"""The run folder: how a training run is written down, followed, stopped and found again.

    config.json      every setting of the run, and what it ran on
    log.jsonl        one flat JSON object a line; each has `event` and `time` (ISO, UTC)
    lock             held by the living trainer: an OS lock, which a kill releases
    stop             a file that asks the trainer to end
    checkpoint.pt    the last complete epoch; once it is finished also what cnn/outcome.py names

Events: `started`, `progress`, `epoch`, then `finished`, `stopped` or `failed`. Accuracies are fractions. Standard
library only, and Python 3.9, because LibreOffice's own Python follows runs with this file. `python -m cnn.runs` lists
and compares runs (cnn/comparison.py).
"""

from __future__ import annotations

import json
import math
import os
import time
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    import msvcrt

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
LOCK_PATIENCE = 1.0  # seconds a trainer waits for the lock: a reader's probe holds it for microseconds
PROBE_SECONDS = 0.5  # how often a follower asks whether the trainer lives


class Failure(Exception):
    """What ends a run, as the log's `failed` has it: `error`, what went wrong and where, and `advice`, what to do."""

    exit_code = 1

    def __init__(self, error: str, advice: str):
        super().__init__(f"{error}. {advice}.")
        self.error, self.advice = error, advice


def epoch_keys(part: str) -> tuple[str, ...]:
    """EPOCH_KEYS of a run that is measured with this part of the images."""
    return tuple(key.replace("test_", f"{part}_") for key in EPOCH_KEYS)


def accuracy(figures: dict) -> tuple[str, float | None]:
    """Which part of the images an epoch was measured with, and its accuracy there (a fraction)."""
    part = next((part for part in PARTS if f"{part}_accuracy" in figures), PARTS[0])
    return part, figures.get(f"{part}_accuracy")


def home() -> Path:
    """The user's own folder: BACKPROP_HOME, or ~/Backprop."""
    return Path(os.environ.get("BACKPROP_HOME") or Path.home() / "Backprop").expanduser().absolute()


def new_folder(model: str) -> Path:
    """Make a run folder, named after time and model: 2026-11-23T10-15-04-reference. Raises OSError."""
    name, count = f"{datetime.now():%Y-%m-%dT%H-%M-%S}-{model}", 1
    while True:
        folder = home() / "runs" / (name if count == 1 else f"{name}-{count}")
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError:
            if not folder.is_dir():
                raise
            count += 1


def list_runs(root: Path | None = None) -> list[Path]:
    """The run folders of the user's folder `root` (home() if None), newest first: their names begin with the time."""
    folder = (root or home()) / "runs"
    found = [run for run in folder.iterdir() if run.is_dir()] if folder.is_dir() else []
    return sorted(found, key=lambda run: (run.name[:19], len(run.name), run.name), reverse=True)


def write_file(path: Path, content: bytes) -> None:
    """Write a whole file or none: beside it first, then renamed. Raises OSError; the old file then stays as it was."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(beside, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def request_stop(folder: Path) -> None:
    """Ask the trainer of this run to end; it does so within a batch and keeps the complete epochs."""
    (Path(folder) / "stop").touch()


def stop_requested(folder: Path) -> bool:
    return os.path.exists(os.path.join(folder, "stop"))


def clear_stop(folder: Path) -> None:
    (Path(folder) / "stop").unlink(missing_ok=True)


def _try_lock(handle: int, shared: bool) -> bool:
    """Lock the open file without waiting: shared for a reader's probe, so that two probes do not see each other."""
    try:
        if os.name == "nt":  # no shared lock there: is_alive looks again
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        return True
    except (BlockingIOError, PermissionError):
        return False


class Lock:
    """The lock of a run folder, which one trainer holds for as long as it lives."""

    def __init__(self, folder: Path):
        self.path, self.handle = os.path.join(folder, "lock"), None

    def acquire(self) -> bool:
        """Take the lock; False where another trainer holds it. Raises OSError where the folder cannot be written."""
        self.handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
        deadline = time.monotonic() + LOCK_PATIENCE
        while not _try_lock(self.handle, shared=False):
            if time.monotonic() > deadline:
                self.release()
                return False
            time.sleep(0.02)
        return True

    def release(self) -> None:
        if self.handle is not None:
            os.close(self.handle)
        self.handle = None


def is_alive(folder: Path) -> bool:
    """Whether a trainer holds the lock of this folder. Creates nothing, and keeps no trainer from starting."""
    probe = Lock(folder)
    try:
        probe.handle = os.open(probe.path, os.O_RDONLY)
        return not any(_try_lock(probe.handle, shared=True) for _ in range(3 if os.name == "nt" else 1))
    except OSError:
        return False
    finally:
        probe.release()


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
        read = _parse(line) if line.endswith(b"\n") else None
        if read and read["event"] == "epoch" and read["epoch"] <= epoch:
            end = position
    with open(path, "r+b") as file:
        file.truncate(end)


def _parse(line: bytes) -> dict | None:
    """The event on a line of the log, or None where it is not one."""
    try:
        read = json.loads(line)
        return read if read.keys() >= EVENTS[read["event"]] and isinstance(read.get("epoch", 0), int) else None
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


@dataclass(frozen=True)
class Run:
    """What is known of a run: its log's lines by event, and whether its trainer lives."""

    folder: Path
    started: dict | None = None
    epochs: list[dict] = field(default_factory=list)
    progress: dict | None = None  # within the epoch that is under way
    end: dict | None = None  # finished, stopped or failed
    alive: bool = False
    skipped: int = 0  # lines that are no event

    def after(self, line: dict) -> Run:
        """This run with one more line of its log."""
        event = line["event"]
        if event == "started":
            kept = [epoch for epoch in self.epochs if epoch["epoch"] <= (line.get("resumed_from") or 0)]
            return replace(self, started=line, epochs=kept, progress=None, end=None)
        if event == "epoch":
            return replace(self, epochs=[*self.epochs, line], progress=None)
        return replace(self, progress=line) if event == "progress" else replace(self, end=line, progress=None)

    @property
    def status(self) -> str:
        """One plain line for a person."""
        done, on = len(self.epochs), f" ({self.started['dataset']})" if self.started else ""
        last = f"after epoch {done}" if done else "before the first epoch was complete"
        if self.end and self.end["event"] == "failed":
            return f"failed: {self.end['error']}. {self.end['advice']}."
        if self.end and self.end["event"] == "stopped":
            return f"stopped {last}{on}"
        if self.end:
            return f"finished: {done} epoch{'s' * (done != 1)}{self._headline}{on}"
        if self.started and not self.alive:
            return f"ended without a word {last}{on}: killed, or the machine went down. Resume goes on from there"
        return self._doing + on

    @property
    def _headline(self) -> str:
        part, reached = accuracy(self.epochs[-1]) if self.epochs else ("", None)
        return "" if reached is None else f", {part} accuracy {100 * reached:.2f} %"

    @property
    def _doing(self) -> str:
        if not self.started:
            return "starting" if self.alive else "nothing logged yet"
        epoch = f"epoch {min(len(self.epochs) + 1, self.started['epochs'])} of {self.started['epochs']}"
        if not self.progress:
            return epoch
        loss = self.progress["train_loss"]
        shown = "not finite" if loss is None else f"{loss:.2f}"
        return f"{epoch}, batch {self.progress['batch']} of {self.started['batches']}, loss {shown}"


class Follower:
    """Follows a run's log. An idle poll costs one stat, and every PROBE_SECONDS a look at the lock."""

    def __init__(self, folder: Path):
        self.run, self.path = Run(Path(folder)), os.path.join(folder, "log.jsonl")
        self._offset, self._last, self._seen, self._next_probe = 0, b"", None, 0.0

    def poll(self) -> Run:
        """The run as it is now; the same object as before where nothing changed."""
        if self._read_log() and not self.run.alive:
            self._next_probe = 0.0  # a line from a run thought dead: it was resumed
        if time.monotonic() >= self._next_probe:
            self._next_probe = time.monotonic() + PROBE_SECONDS
            alive = is_alive(self.run.folder)
            if alive != self.run.alive:
                self._read_log()  # a trainer's last words come before it lets go of the lock
                self.run = replace(self.run, alive=alive)
        return self.run

    def _read_log(self) -> bool:
        """Take in the complete lines that are new; whether there was any change. A torn last line waits."""
        try:
            stat = os.stat(self.path)
            seen = (stat.st_size, stat.st_mtime_ns, stat.st_ino)
            if seen == self._seen:
                return False
            new = self._new_bytes()
        except OSError:
            return False
        self._seen = seen
        for line in new[: new.rfind(b"\n") + 1].splitlines(keepends=True):
            self._offset, self._last = self._offset + len(line), line
            read = _parse(line)
            self.run = self.run.after(read) if read else replace(self.run, skipped=self.run.skipped + 1)
        return True

    def _new_bytes(self) -> bytes:
        """What follows the last line read. Where that line is gone, a resume cut the log: all of it is read anew."""
        with open(self.path, "rb") as file:
            file.seek(self._offset - len(self._last))
            if file.read(len(self._last)) != self._last:
                self.run = Run(self.run.folder, alive=self.run.alive)
                self._offset, self._last = file.seek(0), b""
            return file.read()


def read(folder: Path) -> Run:
    """The run in this folder, as it is now."""
    return Follower(folder).poll()


if __name__ == "__main__":
    import sys

    from cnn import comparison

    sys.exit(comparison.main())
