"""Trainers killed and sent signals at random moments, written to RESULTS.md; POSIX.

    python -m benchmarks.interruptions kills [NUMBER]       1000 by default, each run goes on until it has finished
    python -m benchmarks.interruptions signals [NUMBER]     500 by default, to a new trainer each time

Most are forked from a process that has loaded PyTorch; every 20th starts from the very beginning, and is interrupted
while it loads that too. Ended early, by Ctrl-C or SIGTERM, it writes what it has.
"""

from __future__ import annotations

import contextlib
import shutil
import signal
import sys
import tempfile
from collections import Counter
from pathlib import Path
from random import Random

from benchmarks.record import record
from tests.interrupted import OPTIONS, Trainers, ending, kill_until_finished, same, trainers, whole

SENT = ([signal.SIGTERM], [signal.SIGINT], [signal.SIGINT, signal.SIGINT])
SEED = 14


def kills(wanted: int, trained: Trainers, seconds: dict[str, float], found: Counter[str]) -> None:
    """Kill runs until so many kills are done; each run is compared with one that was left alone."""
    chance, folder = Random(SEED), trained.place / "run"
    while found["kills"] < wanted:
        way = "begun" if found["runs"] % 20 == 19 else "forked"
        found["kills"] += kill_until_finished(trained, folder, chance, seconds[way], way)
        found["runs"] += 1
        found["equal"] += same(folder, trained.place / "forked")
        shutil.rmtree(folder)


def signals(wanted: int, trained: Trainers, seconds: dict[str, float], found: Counter[str]) -> None:
    """Send signals, one or two at a time, to a new trainer each time."""
    chance, folder = Random(SEED), trained.place / "run"
    for number in range(wanted):
        sent, way = SENT[number % len(SENT)], "begun" if number % 20 == 19 else "forked"
        code = getattr(trained, way)([*OPTIONS, "--out", folder], chance.uniform(0, seconds[way]), sent)
        how = ending(trained, folder, code, sent)
        found["sent"] += 1
        found[how if how in ("stopped", "finished") else "wrong"] += 1
        if how not in ("stopped", "finished"):
            print(sent, way, how, file=sys.stderr, flush=True)
        shutil.rmtree(folder, ignore_errors=True)


def of_kills(found: Counter[str]) -> list[tuple[str, ...]]:
    return [
        ("kill -9 at random moments", "runs, resumed until finished", "same files as one left alone", "other"),
        (*(f"{found[key]:,}" for key in ("kills", "runs", "equal")), f"{found['runs'] - found['equal']:,}"),
    ]


def of_signals(found: Counter[str]) -> list[tuple[str, ...]]:
    return [
        ("SIGTERM, SIGINT, SIGINT twice", "stopped: its last line, and 143 or 130", "had finished before", "other"),
        tuple(f"{found[key]:,}" for key in ("sent", "stopped", "finished", "wrong")),
    ]


WAYS = {  # the work, how often by default, its table and title
    "kills": (kills, 1000, of_kills, "Trainers killed"),
    "signals": (signals, 500, of_signals, "Trainers sent signals"),
}


def main(what: str, number: str = "") -> None:
    """Do the work and write its table."""
    work, usual, table, title = WAYS[what]
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    found = Counter[str]()
    with tempfile.TemporaryDirectory() as place, trainers(Path(place)) as trained:
        whole(trained, Path(place, "first"))  # in which the system reads all that is needed
        seconds = {way: whole(trained, Path(place, way), way) for way in ("forked", "begun")}
        with contextlib.suppress(KeyboardInterrupt):
            work(int(number or usual), trained, seconds, found)
    print(record(title, f"python -m benchmarks.interruptions {what}", table(found)))


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3) or sys.argv[1] not in WAYS:
        sys.exit(__doc__)
    main(*sys.argv[1:])
