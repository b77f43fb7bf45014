"""The image network's figures, written to RESULTS.md. CNN_DATA_DIR names the folder with MNIST.

    python -m benchmarks.cnn accuracy [ROW…]    five seeds of every row, or of some; the table of those there are
    python -m benchmarks.cnn table              only the table, of the rows that are finished
    python -m benchmarks.cnn average            the short training, averaged every fifth update (0.1.0) and every one
    python -m benchmarks.cnn precision          bfloat16 and float32 on held-out images, by ten seeds of their own
    python -m benchmarks.cnn speed              time and memory beside the exercise's way, in turn; minutes

The runs of the accuracies are kept in BACKPROP_HOME/benchmark: started again, only what is missing is trained, and
rows may be trained by several processes at a time. A table is of one source: move the folder away for a new one.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.record import record
from cnn import runs
from cnn.runs import series
from cnn.runs.config import compare, read_config
from cnn.runs.settings import SETTINGS, check_settings
from cnn.series import BELOW_TARGET
from cnn.train import parser

PROJECT = Path(__file__).resolve().parents[1]
SEEDS = "0-4"
PAIRS = "40-49"  # seeds that chose nothing else
HELD_OUT = 10_000  # images
SPREAD = ("mean ± deviation, %", "lowest", "highest", "each seed")
ROUNDS = 3
EPOCHS = 2  # of which the second is measured: in the first PyTorch prepares its kernels
TARGET = 99.4
EXERCISE_EPOCHS = 19


@dataclass(frozen=True)
class Row:
    """What is trained, by the options of cnn.train, and the mean accuracies that are wanted of it, in percent.

    `looks` is how often what stands here was measured on the test images before, in tables that were committed.
    """

    options: str
    must: float
    aim: float
    looks: int


ROWS = {
    "one-epoch": Row(
        "--model tuned --epochs 1 --batch-size 64 --learning-rate 0.03 --warmup 0.1 --label-smoothing 0.1",
        *(99.20, 99.30, 6),
    ),
    "target": Row(
        "--model tuned --epochs 2 --batch-size 128 --learning-rate 0.04 --warmup 0.1 --label-smoothing 0.1",
        *(99.40, 99.50, 3),
    ),
    "short": Row("--model tuned --epochs 4 --label-smoothing 0.1", 99.50, 99.55, 6),
    "small": Row("--model small --epochs 19", 99.40, 99.45, 1),
    "tiny-2": Row("--model tiny-2 --epochs 15", 99.33, 99.45, 2),
    "tiny": Row("--model tiny --epochs 15", 99.33, 99.45, 5),
    "tuned": Row("--model tuned --epochs 19", 99.64, 99.70, 5),
    "compact": Row("--model compact --epochs 15", 99.60, 99.65, 6),
    "compact-float32": Row("--model compact --epochs 15 --precision float32", 99.60, 99.65, 6),
}


def folder(name: str) -> Path:
    return runs.home() / "benchmark" / name


# --- accuracy ----------------------------------------------------------------------------------------------------


def accuracy(names: list[str]) -> None:
    """Train the rows' seeds, those that are missing, and write the table after every row."""
    for name in names or ROWS:
        train(ROWS[name].options, folder(name))
        table()


def train(options: str, place: Path, seeds: str = SEEDS) -> None:
    """Train the seeds that are missing, each in a folder of its own in this one."""
    command = [sys.executable, "-m", "cnn.train", *options.split(), "--seeds", seeds, "--out", str(place)]
    subprocess.run(command, cwd=PROJECT, check=True)


def table() -> None:
    """Write the rows all of whose seeds are finished. Raises SettingsError where their settings are not the row's."""
    head = ("options of cnn.train", "parameters", *SPREAD, "must", "aim", "looks before")
    finished = [accuracy_row(name) for name in ROWS if all(runs.read(run).is_finished for run in seed_folders(name))]
    print(record("Test accuracy on MNIST, last epoch", "python -m benchmarks.cnn accuracy", [head, *finished]))


def check_row(name: str) -> None:
    """Raise SettingsError where a run was trained with other settings than the row says."""
    wanted = settings(ROWS[name].options.split())
    for seed, run in zip(series.listed("seed", SEEDS), seed_folders(name), strict=True):
        compare({**wanted, "seed": seed}, read_config(run), run)


def settings(options: list[str]) -> dict[str, Any]:
    """All settings of a training with these options of cnn.train."""
    given = vars(parser().parse_args(options))
    return check_settings({name: value for name, value in given.items() if name in SETTINGS})


def average() -> None:
    """The short training with the steps of the average as version 0.1.0 made them, and as they are made now."""
    rows = [("options of cnn.train", *SPREAD)]
    for every in (5, 1):
        options, place = f"{ROWS['short'].options} --average-every {every}", folder(f"average-every-{every}")
        train(options, place)
        rows.append((f"`{options} --seeds {SEEDS}`", *spread([runs.read(run) for run in runs.runs_in(place)[::-1]])))
    print(record("Steps of the average: every fifth update and every one", "python -m benchmarks.cnn average", rows))


def precision() -> None:
    """Mistakes of compact on images held out, trained in bfloat16 and in float32 from the same seeds."""
    mistakes = {}
    for name in ("bfloat16", "float32"):
        place = folder(f"precision-{name}")
        train(f"--model compact --epochs 15 --validate --precision {name}", place, PAIRS)
        found = [runs.read(run) for run in runs.runs_in(place)[::-1]]
        mistakes[name] = [round(HELD_OUT * (1 - run.epochs[-1]["validation_accuracy"])) for run in found]
    differences = [after - before for before, after in zip(*mistakes.values(), strict=True)]
    rows = [(f"compact, 15 epochs, seeds {PAIRS}", "mean ± deviation", "each seed")]
    for name, each in {**mistakes, "float32 less bfloat16": differences}.items():
        figures = f"{statistics.mean(each):.1f} ± {statistics.stdev(each):.1f}"
        rows.append((name, figures, " ".join(map(str, each))))
    rows.append(("t of that difference", f"{t_value(differences):.2f}", "p < 0.05 beyond 2.26"))
    print(record(f"Mistakes of {HELD_OUT:,} held-out images by precision", "python -m benchmarks.cnn precision", rows))


def t_value(differences: Sequence[float]) -> float:
    """Student's t of their mean against 0."""
    return statistics.mean(differences) * len(differences) ** 0.5 / statistics.stdev(differences)


def spread(found: list[runs.Run]) -> tuple[str, ...]:
    """The last epochs' test accuracies: SPREAD."""
    percent = [100 * run.epochs[-1]["test_accuracy"] for run in found]
    mean = f"{statistics.mean(percent):.3f} ± {statistics.stdev(percent):.3f}"
    return mean, f"{min(percent):.2f}", f"{max(percent):.2f}", " ".join(f"{each:.2f}" for each in percent)


def seed_folders(name: str) -> list[Path]:
    return [folder(name) / f"seed-{seed}" for seed in series.listed("seed", SEEDS)]


def accuracy_row(name: str) -> tuple[str, ...]:
    check_row(name)
    row, found = ROWS[name], [runs.read(path) for path in seed_folders(name)]
    dirty = any((read_config(run.folder)["revision"] or "").endswith("-dirty") for run in found)
    return (
        f"`{row.options} --seeds {SEEDS}`" + (" (uncommitted source)" if dirty else ""),
        f"{found[0].started['parameters']:,}",
        *spread(found),
        f"{row.must:.2f}",
        f"{row.aim:.2f}",
        str(row.looks),
    )


# --- speed -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Measured:
    """One command: seconds of its last epoch, seconds from the process's start to its end, its largest memory."""

    epoch: float
    whole: float
    megabytes: float


def speed() -> None:
    """An epoch of the exercise's way and one of tuned in turn, on all cores and on one; then a run to the target."""
    cores = len(os.sched_getaffinity(0))
    rows = [("", "the exercise's way", "tuned", "ratio", "must", "aim")]
    for threads, rounds in ((cores, ROUNDS), (1, 1)):
        pairs = [(exercise(threads), tuned(threads)) for _ in range(rounds)]
        rows.append(compared(f"an epoch, {threads} threads" if threads > 1 else "an epoch, 1 thread", pairs))
        if threads == cores:
            yardstick = EXERCISE_EPOCHS * statistics.median(before.epoch for before, _ in pairs)
            rows += to_the_target(threads, yardstick)
            rows.append(memory(pairs))
    print(record("Time and memory beside the exercise's way", "python -m benchmarks.cnn speed", rows))


def compared(label: str, pairs: list[tuple[Measured, Measured]]) -> tuple[str, ...]:
    columns = [[each.epoch for each in column] for column in zip(*pairs, strict=True)]
    ratio = statistics.median(after.epoch / before.epoch for before, after in pairs)
    return (f"{label}, with its test", *map(seconds, columns), f"{ratio:.2f}", "0.30", "0.25")


def seconds(values: list[float]) -> str:
    span = f" ({min(values):.1f} to {max(values):.1f})" if len(values) > 1 else ""
    return f"{statistics.median(values):.1f} s{span}"


def to_the_target(threads: int, yardstick: float) -> Iterator[tuple[str, ...]]:
    """The training that must reach the target, from every seed, against the exercise's 19 epochs, which do not."""
    with tempfile.TemporaryDirectory() as place:
        folders = {seed: Path(place, f"seed-{seed}") for seed in series.listed("seed", SEEDS)}
        whole = [timed("cnn.train", *target(seed, run), threads=threads).whole for seed, run in folders.items()]
        found = [runs.read(run) for run in folders.values()]
    training = [sum(epoch["seconds"] for epoch in run.epochs) for run in found]
    reached = statistics.mean(100 * run.epochs[-1]["test_accuracy"] for run in found)
    exercise = f"{yardstick:.0f} s (19 times an epoch)"
    for label, values, *bars in (
        (f"training to {TARGET} % (mean of seeds {SEEDS}: {reached:.2f} %)", training, "0.07", "0.05"),
        ("the whole command, from its start", whole, "0.09", ""),
    ):
        yield (label, exercise, seconds(values), f"{statistics.median(values) / yardstick:.3f}", *bars)


def target(seed: int, run: Path) -> list[str]:
    """The options of the training to the target."""
    return [*ROWS["target"].options.split(), "--target", str(TARGET), "--seed", str(seed), "--out", str(run)]


def memory(pairs: list[tuple[Measured, Measured]]) -> tuple[str, ...]:
    before, after = (statistics.median(each.megabytes for each in column) for column in zip(*pairs, strict=True))
    return ("largest memory", f"{before:.0f} MB", f"{after:.0f} MB", f"{after / before:.2f}", "1.50", "")


def exercise(threads: int) -> Measured:
    return timed("benchmarks.exercise", str(EPOCHS), threads=threads)


def tuned(threads: int) -> Measured:
    """Epochs as all but a training's last are: with augmentation."""
    with tempfile.TemporaryDirectory() as place:
        options = ("--model", "tuned", "--epochs", str(EPOCHS), "--plain", "0", "--out", f"{place}/run")
        found = timed("cnn.train", *options, threads=threads)
        return Measured(runs.read(Path(place, "run")).epochs[-1]["seconds"], found.whole, found.megabytes)


def timed(module: str, *options: str, threads: int) -> Measured:
    """Run a module to its end in a process of its own. Raises CalledProcessError where it fails."""
    command, began = [sys.executable, "-m", module, *options], time.perf_counter()
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    with subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, BELOW_TARGET):
        raise subprocess.CalledProcessError(process.returncode, command, said)
    epoch = json.loads(said)[-1]["seconds"] if module == "benchmarks.exercise" else 0.0
    return Measured(epoch, time.perf_counter() - began, usage.ru_maxrss / 1024)


COMMANDS = {"table": table, "average": average, "precision": precision, "speed": speed}

if __name__ == "__main__":
    what, *names = sys.argv[1:] or [""]
    if what == "accuracy" and set(names) <= set(ROWS):
        accuracy(names)
    elif what in COMMANDS and not names:
        COMMANDS[what]()
    else:
        sys.exit(__doc__)
