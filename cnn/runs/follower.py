"""Reads a run while it grows: its log, and whether its trainer lives."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from stat import S_ISREG
from typing import Any

from cnn.runs.lock import liveness
from cnn.runs.log import accuracy, parse

EVENT, PROGRESS = b'{"event": ', b'{"event": "progress"'  # how such lines begin
PROBE_SECONDS = 0.5  # how often a follower asks whether the trainer lives


@dataclass(frozen=True)
class Run:
    """What is known of a run: its log's lines by event, and whether its trainer lives."""

    folder: Path
    started: dict[str, Any] | None = None
    epochs: list[dict[str, Any]] = field(default_factory=list)
    progress: dict[str, Any] | None = None  # within the epoch that is under way
    end: dict[str, Any] | None = None  # finished, stopped or failed
    alive: bool = False
    unsure: bool = False  # whether it is alive, where there are no locks
    skipped: int = 0  # lines that are no event

    def after(self, line: dict[str, Any]) -> Run:
        """This run with one more line of its log."""
        event = line["event"]
        if event == "started":
            kept = [epoch for epoch in self.epochs if epoch["epoch"] <= (line.get("resumed_from") or 0)]
            return replace(self, started=line, epochs=kept, progress=None, end=None)
        if event == "epoch":
            return replace(self, epochs=[*self.epochs, line], progress=None)
        if event in ("progress", "shards"):
            return replace(self, progress=line) if event == "progress" else self
        return replace(self, end=line, progress=None)

    @property
    def is_finished(self) -> bool:
        return self.end is not None and self.end["event"] == "finished"

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
        if self.started and self.unsure:
            return f"no sign of life {last}{on}: it may still train on another machine"
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
        self._offset, self._last, self._next_probe = 0, b"", 0.0
        self._seen: tuple[int, int, int] | None = None

    def poll(self) -> Run:
        """The run as it is now; the same object as before where nothing changed."""
        if self._read_log() and not self.run.alive:
            self._next_probe = 0.0  # a line from a run thought dead: it was resumed
        if time.monotonic() >= self._next_probe:
            self._next_probe = time.monotonic() + PROBE_SECONDS
            found = liveness(self.run.folder)
            alive, unsure = found == "alive", found == "unsure"
            if (alive, unsure) != (self.run.alive, self.run.unsure):
                self._read_log()  # a trainer's last words come before it lets go of the lock
                self.run = replace(self.run, alive=alive, unsure=unsure)
        return self.run

    def _read_log(self) -> bool:
        """Take in the complete lines that are new; whether there was any change. A torn last line waits."""
        try:
            stat = os.stat(self.path)
            if not S_ISREG(stat.st_mode):  # a pipe would keep a reader waiting
                return False
            seen = (stat.st_size, stat.st_mtime_ns, stat.st_ino)
            if seen == self._seen:
                return False
            new = self._new_bytes()
        except OSError:
            return False
        self._seen = seen
        lines = new[: new.rfind(b"\n") + 1].splitlines(keepends=True)
        for line, following in zip(lines, [*lines[1:], b""]):
            self._offset += len(line)
            if line.startswith(PROGRESS) and following.startswith(EVENT):
                self._last = line
                continue  # overtaken already: most of a log that is read at once, and of the time that it takes
            read = parse(line)
            self._last = line if read else self._last + line  # others may stand at any place, as a blank line
            self.run = self.run.after(read) if read else replace(self.run, skipped=self.run.skipped + 1)
        return True

    def _new_bytes(self) -> bytes:
        """What follows the last event read. Where that is gone, a resume cut the log: all of it is read anew."""
        with open(self.path, "rb") as file:
            file.seek(self._offset - len(self._last))
            if file.read(len(self._last)) != self._last:
                self.run = Run(self.run.folder, alive=self.run.alive, unsure=self.run.unsure)
                self._offset, self._last = file.seek(0), b""
            return file.read()


def read(folder: Path) -> Run:
    """The run in this folder, as it is now."""
    return Follower(folder).poll()
