"""Says what a finished run's network takes pictures of your own for.

python start.py classify RUN three.png            a PNG or JPEG of one digit: label, probabilities
python start.py classify RUN scans --out all.csv  every picture in a folder, into a CSV file of that name
python start.py classify RUN scans --sheet        a workbook too, with each digit as the network sees it

Each digit is first made like those of MNIST: light on dark where the paper is bright, cut out, its longer side scaled
to 20 pixels, its centre of mass put in the middle of 28 × 28 (cnn/handwriting.py). Write large, dark, one digit a
picture, nothing else on the paper.

Exit codes: 0 all were read; 1 at least one was not, or nothing could be written; 2 wrong use.
"""

from __future__ import annotations

from cnn import end_by_ctrl_c

if __name__ == "__main__":
    end_by_ctrl_c()

import argparse
import csv
import io
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from cnn import handwriting, pictures, predict, runs
from cnn.handwriting import Grey
from cnn.runs.command import Parser, carry_out, run_name
from cnn.runs.listing import aligned
from cnn.runs.output import free, in_folder, named, told
from cnn.runs.settings import SettingsError

ENDINGS = (".png", ".jpg", ".jpeg")
CSV, WORKBOOK = "classified.csv", "classified.xlsx"


@dataclass(frozen=True)
class Answer:
    """A picture's file, what it is taken for, the probabilities of all classes, and what the network saw, as PNG."""

    file: Path
    label: str
    probabilities: list[float]
    picture: bytes


WriteSheet = Callable[[Path, str, Sequence[str], list[Answer]], Path]


def classify(trained: predict.Trained, files: Sequence[Path], images: Sequence[Grey]) -> list[Answer]:
    """An answer per file and its image (28, 28)."""
    pixels = torch.from_numpy(np.array(images)).view(-1, handwriting.SIDE, handwriting.SIDE)
    chances = trained.probabilities(pixels)
    return [
        Answer(file, trained.classes[int(row.argmax())], row.tolist(), pictures.image(image))
        for file, row, image in zip(files, chances, pixels, strict=True)
    ]


def read(files: Sequence[Path]) -> tuple[dict[Path, Grey], list[runs.Failure]]:
    """The images of the files that can be read, and why the others cannot."""
    images, failures = {}, []
    for file in files:
        try:
            images[file] = handwriting.read(file)
        except runs.Failure as failure:
            failures.append(failure)
    return images, failures


def found(paths: Sequence[Path]) -> list[Path]:
    """The files, and for a folder all the pictures in it. Raises SettingsError for a path that has none."""
    files = []
    for path in paths:
        inside = sorted(file for file in path.iterdir() if file.suffix.lower() in ENDINGS) if path.is_dir() else [path]
        if not inside or not path.exists():
            what = f"{path} holds no picture" if path.exists() else f"There is no {path}"
            raise SettingsError(what, f"Name pictures ({', '.join(ENDINGS)}) or folders of them")
        files += inside
    return [file.absolute() for file in files]


def printed(answers: list[Answer], classes: Sequence[str]) -> str:
    """A row per picture: its name, label and probabilities in percent."""
    rows = [["picture", "label", *classes]]
    for answer in answers:
        percent = (f"{100 * probability:.1f} %" for probability in answer.probabilities)
        rows.append([answer.file.name, answer.label, *percent])
    return aligned(rows)


def table(answers: list[Answer], classes: Sequence[str]) -> bytes:
    """The same as CSV, the probabilities as fractions; a file's whole path, which no program takes for a formula."""
    content = io.StringIO()
    writer = csv.writer(content, lineterminator="\n")
    writer.writerow(("file", "label", *classes))
    writer.writerows((str(answer.file), answer.label, *answer.probabilities) for answer in answers)
    return content.getvalue().encode("utf-8", "surrogateescape")


def parser(with_sheet: bool) -> Parser:
    """The command line."""
    made = Parser("classify", __doc__)
    made.add_argument("run", metavar="RUN", type=run_name, help="the folder of a finished run, or its name")
    made.add_argument("files", metavar="FILE", type=Path, nargs="+", help="a picture, or a folder of pictures")
    made.add_argument("--out", metavar="FILE", type=Path, default=Path(CSV), help=f"the CSV to write (default {CSV})")
    if with_sheet:
        sheet = f"write a workbook too (default {WORKBOOK})"
        made.add_argument("--sheet", metavar="FILE", type=Path, nargs="?", const=Path(WORKBOOK), help=sheet)
    return made


def main(arguments: list[str] | None = None, write_sheet: WriteSheet | None = None) -> int:
    """Run the command line; the exit code. `write_sheet` writes the workbook of --sheet."""
    return carry_out("classify", lambda: work(parser(write_sheet is not None).parse_args(arguments), write_sheet))


def work(options: argparse.Namespace, write_sheet: WriteSheet | None) -> int:
    """Read, classify, print and write; the exit code. Raises Failure, OSError."""
    folder = runs.find(options.run)
    out = named(options.out, ".csv")
    book = named(options.sheet, ".xlsx") if write_sheet and options.sheet else None
    files = found(options.files)
    trained = predict.load(folder)
    images, failures = read(files)
    answers = classify(trained, list(images), list(images.values())) if images else []
    print(printed(answers, trained.classes))
    runs.write_file(target := in_folder(free(out)), table(answers, trained.classes))
    print(f"written: {told(target, out)}")
    if write_sheet and book:
        print(f"written: {told(write_sheet(free(book), folder.name, trained.classes, answers), book)}")
    for failure in failures:
        print(f"classify: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
