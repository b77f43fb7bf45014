"""Trainers that are killed, or sent signals, at any moment: real processes, forked from one that has loaded PyTorch."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from random import Random

from cnn import runs
from tests.trainer import PROJECT, variables

OPTIONS = ("--dataset", "digits", "--device", "cpu", "--model", "tiny", "--batch-size", "64", "--epochs", "4")
SERVER = """
import json, os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
from cnn import epochs, outcome, train  # PyTorch and all else, once for all trainers
for line in sys.stdin:
    arguments, said = json.loads(line)
    child = os.fork()
    if child == 0:
        for number, name in enumerate((os.devnull, said + ".out", said + ".err")):
            os.dup2(os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o666), number)
        sys.exit(train.as_command(arguments))
    print(child, flush=True)
    print(os.waitpid(child, 0)[1], flush=True)
"""


class Trainers:
    """Starts one trainer after the other, each in a process of its own, by forking or from the very beginning."""

    def __init__(self, place: Path):
        self.place, self.variables = place, variables(place / "home", OMP_NUM_THREADS="1")
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.server = subprocess.Popen(
            [sys.executable, "-c", SERVER], cwd=PROJECT, env=self.variables, text=True, **pipes
        )

    def close(self) -> None:
        self.server.stdin.close()
        self.server.wait()
        self.server.stdout.close()

    def forked(self, arguments: Sequence[object], delay: float, signals: Sequence[int]) -> int:
        """Send signals to a forked trainer after so many seconds; its exit code."""
        print(
            json.dumps([[str(word) for word in arguments], str(self.place / "said")]),
            file=self.server.stdin,
            flush=True,
        )
        send(int(self.server.stdout.readline()), delay, signals)
        return os.waitstatus_to_exitcode(int(self.server.stdout.readline()))

    def begun(self, arguments: Sequence[object], delay: float, signals: Sequence[int]) -> int:
        """The same with a trainer that loads PyTorch itself."""
        command = [sys.executable, "-m", "cnn.train", *map(str, arguments)]
        with open(self.place / "said.out", "wb") as out, open(self.place / "said.err", "wb") as err:
            trainer = subprocess.Popen(command, env=self.variables, stdout=out, stderr=err, preexec_fn=hear_ctrl_c)
            send(trainer.pid, delay, signals)
            return trainer.wait()

    @property
    def complaints(self) -> str:
        """What the last one said to stderr."""
        return (self.place / "said.err").read_text()


def hear_ctrl_c() -> None:
    """In a process about to start: a shell's background job would have it ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextlib.contextmanager
def trainers(place: Path) -> Iterator[Trainers]:
    made = Trainers(place)
    try:
        yield made
    finally:
        made.close()


def send(pid: int, delay: float, signals: Sequence[int]) -> None:
    """Wait, then send them 20 ms apart; to a process that has ended, nothing."""
    time.sleep(delay)
    with contextlib.suppress(ProcessLookupError):
        for number in signals:
            os.kill(pid, number)
            time.sleep(0.02 * (len(signals) > 1))


def whole(trained: Trainers, folder: Path, way: str = "forked") -> float:
    """Train a run without an interruption; the seconds from its start to its last line."""
    began = time.time()
    code = getattr(trained, way)([*OPTIONS, "--out", folder], 0, [])
    assert code == 0, trained.complaints
    return datetime.fromisoformat(runs.read(folder).end["time"]).timestamp() - began


def kill_until_finished(trained: Trainers, folder: Path, chance: Random, seconds: float, way: str = "forked") -> int:
    """Begin or resume a run again and again, and kill it at a random moment, until it finishes; how many kills.

    What is left to do gets shorter, so early moments are likelier than late ones.
    """
    kills = 0
    while not runs.read(folder).is_finished:
        arguments = ("--resume", folder) if (folder / "config.json").exists() else (*OPTIONS, "--out", folder)
        code = getattr(trained, way)(arguments, seconds * chance.random() ** 1.5, [signal.SIGKILL])
        assert code in (0, -signal.SIGKILL), trained.complaints
        kills += code != 0
    return kills


def same(folder: Path, uninterrupted: Path) -> bool:
    """Whether two runs left the same files, with the same bytes but for times: config, log, its table, checkpoint."""
    names = [sorted(str(path.relative_to(each)) for path in each.rglob("*")) for each in (folder, uninterrupted)]
    kept = [name for name in names[1] if Path(name).suffix in (".csv", ".png", ".safetensors") and name != "log.csv"]
    equal = all((folder / name).read_bytes() == (uninterrupted / name).read_bytes() for name in kept)
    return names[0] == names[1] and equal and figures(folder) == figures(uninterrupted)


def figures(folder: Path) -> list[dict[str, object]]:
    """The log's epochs without times."""
    times = ("time", "seconds", "images_per_second")
    return [{key: value for key, value in line.items() if key not in times} for line in runs.read(folder).epochs]


def ending(trained: Trainers, folder: Path, code: int, signals: Sequence[int]) -> str:
    """How a trainer ended that was sent these signals: "stopped", "finished" before them, or what is wrong with it."""
    run, wanted = runs.read(folder), 130 if signals[0] == signal.SIGINT else 143
    if trained.complaints:
        return f"said {trained.complaints}"
    if run.is_finished and code == 0:
        return "finished"
    last = run.end["event"] if run.end else None
    if run.started:
        return "stopped" if (code, last) == (wanted, "stopped") else f"exit code {code}, last line {last}"
    return "stopped" if code in (wanted, -signals[0]) else f"exit code {code} before it began"
