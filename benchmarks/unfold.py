"""Unfolded networks against PyTorch in three spreadsheet programs, and how long they take: see `--help`.

python -m benchmarks.unfold RUN…     a finished run of each network; measure on a machine that does nothing else

The first 200 test images, by their number: logits against PyTorch in float64, and whether the classes are the same.
Needs LibreOffice 25.2, Gnumeric's ssconvert and formualizer.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.record import record
from cnn import data, plain, runs, weights
from tests import engines, unfolded
from tests.calc.office import Office
from xlsx.unfold import workbook
from xlsx.unfold.trained import Trained

IMAGES, TIMES = 200, 15
BARS = {"tuned": 1.0, "tiny": 0.1}  # seconds for a pixel
Row = tuple[str, ...]


def with_first_images(run: Path) -> Trained:
    """The run with the first IMAGES of the test set in place of those that are chosen."""
    known = Trained.read(plain.trained(run))
    images = data.load(known.dataset)
    network = weights.read(run / runs.WEIGHTS, known.model).eval()
    pixels, labels = images.pixels()[:IMAGES], images.test.labels[:IMAGES].numpy()
    logits = plain.logits(network, pixels, images).numpy()
    return replace(known, images=pixels.numpy(), labels=labels, positions=np.arange(IMAGES), logits=logits)


def compared(office: Office, run: Path, folder: Path) -> Iterator[Row]:
    """A row for each program: the largest difference from PyTorch in float64, and how many classes are the same."""
    known = with_first_images(run)
    path = workbook.write(known, folder / f"{known.model}.xlsx")
    wanted = unfolded.float64(weights.read(run / runs.WEIGHTS, known.model), known)
    pictures = list(range(1, IMAGES + 1))
    programs = {
        "LibreOffice": lambda: engines.calc(office, path, pictures),
        "Gnumeric": lambda: engines.gnumeric(path, pictures, folder),
        "formualizer": lambda: engines.formualizer(path, pictures),
    }
    for program, compute in programs.items():
        logits = np.stack(list(compute()))
        same = int((logits.argmax(1) == wanted.argmax(1)).sum())
        apart = abs(logits - wanted).max()
        yield (
            f"{program}: largest difference of a logit",
            f"{apart:.1e}",
            "1e-9",
            f"{same} of {IMAGES} classes the same",
        )


def timed(office: Office, run: Path, folder: Path) -> Iterator[Row]:
    """Seconds to write the file as users get it, to open it, and from an edit to the answer, in LibreOffice."""
    known = Trained.read(plain.trained(run))
    start = time.perf_counter()
    path = workbook.write(known, folder / f"{known.model}-timed.xlsx")
    written = time.perf_counter() - start
    size = f"{path.stat().st_size / 1e6:.1f} MB"
    yield f"write the file ({size})", f"{written:.1f} s", "10 s" if known.model == "tuned" else "", ""
    opened = []
    for _ in range(3):
        start = time.perf_counter()
        key = office.load(str(path), timeout=120)
        opened.append(time.perf_counter() - start)
        office.close(key)
    yield "open it", f"{statistics.median(opened):.1f} s", "2 s", "median of 3"
    key = office.load(str(path), timeout=120)
    pixel = statistics.median(office.timed_edits(key, "Draw.P20", TIMES, "logits", timeout=300))
    bar = f"{BARS[known.model]:g} s" if known.model in BARS else ""
    yield "a pixel, until the answer is there", f"{pixel:.2f} s", bar, f"median of {TIMES}"
    office.close(key)


def main() -> None:
    """Measure, print, and write a section of RESULTS.md for each run, as soon as it is measured."""
    parser = argparse.ArgumentParser("python -m benchmarks.unfold", description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="the folder of a finished run")
    runs = parser.parse_args().runs
    head = (f"logits of the first {IMAGES} test images; times in LibreOffice", "figure", "bar", "")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "office").mkdir()
        office = Office(folder / "office", folder / "home")
        try:
            for run in runs:
                rows = [head, *timed(office, run, folder), *compared(office, run, folder)]
                title = f"An unfolded network against PyTorch in float64: {run.name}"
                print(record(title, "python -m benchmarks.unfold RUN…", rows), flush=True)
        finally:
            office.end()


if __name__ == "__main__":
    main()
