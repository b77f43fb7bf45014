"""What `start.py classify` takes 1,000 test images for once they are pictures: `python -m benchmarks.classify RUN…`.

Every tenth of MNIST's test images becomes a PNG file, in each of the ways of PAPERS; CNN_DATA_DIR names MNIST's folder.
"""

import csv
import random
import sys
import tempfile
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from PIL import Image, ImageOps

from benchmarks.record import record
from cnn import classify, data, predict, runs
from cnn.runs.config import read_config

EVERY, TIMES, PAPER = 10, 9, 400  # of the test images; how often enlarged; the side of a larger paper, in pixels
BAR = 0.5  # points


def enlarged(image: Image.Image) -> Image.Image:
    return image.resize((TIMES * image.width, TIMES * image.height), Image.Resampling.BICUBIC)


def off_centre(image: Image.Image) -> Image.Image:
    """Somewhere on a larger paper."""
    paper = Image.new("L", (PAPER, PAPER))
    paper.paste(image, (random.randint(0, PAPER - image.width), random.randint(0, PAPER - image.height)))
    return paper


PAPERS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "as it is": lambda image: image,
    "enlarged": enlarged,
    "inverted": ImageOps.invert,
    "off centre": off_centre,
    "all three": lambda image: ImageOps.invert(off_centre(enlarged(image))),
}


def right(run: Path, pictures: Path, labels: list[str], out: Path) -> float:
    """The percentage of the pictures in a folder that the command takes for what they are."""
    with redirect_stdout(StringIO()):
        if classify.main([str(run), str(pictures), "--out", str(out)]):
            raise RuntimeError(f"{pictures} cannot be classified")
    with open(out, encoding="utf-8", newline="") as file:
        found = [row["label"] for row in csv.DictReader(file)]
    out.unlink()  # the command never writes over a file
    hits: int = sum(mine == label for mine, label in zip(found, labels, strict=True))
    return 100 * hits / len(labels)


def draw(folder: Path, images: data.DataSet) -> list[str]:
    """A folder of pictures for each of PAPERS; the labels in the order of the files."""
    random.seed(0)
    pixels, names = images.pixels()[::EVERY], [images.classes[int(label)] for label in images.test.labels[::EVERY]]
    for paper, draws in PAPERS.items():
        (folder / paper).mkdir()
        for number, image in enumerate(pixels):
            draws(Image.fromarray(image.byte().numpy())).save(folder / paper / f"{number:05}.png")
    return names


def row(run: Path, folder: Path, labels: list[str], images: data.DataSet) -> tuple[str, ...]:
    """A run's accuracy on all test images, on these themselves, and that of the command on the pictures."""
    reached = 100 * (runs.accuracy(runs.read(run).epochs[-1])[1] or 0.0)
    chances = predict.load(run).probabilities(images.pixels()[::EVERY])
    themselves = 100 * float((chances.argmax(1) == images.test.labels[::EVERY]).double().mean())
    found = [right(run, folder / paper, labels, folder / "classified.csv") for paper in PAPERS]
    shown = (f"{each:.1f}" for each in (themselves, *found))
    return str(read_config(run)["model"]), f"{reached:.2f}", *shown, f"{reached - BAR:.2f}"


def main(named: list[str]) -> None:
    """Draw, classify, print, and write the section of RESULTS.md."""
    found, images = [runs.find(Path(each)) for each in named], data.load("mnist")
    with tempfile.TemporaryDirectory() as name:
        labels = draw(Path(name), images)
        rows = [row(run, Path(name), labels, images) for run in found]
    count = f"{len(labels):,}"
    papers = (f"{count} pictures, {paper}" for paper in PAPERS)
    head = ("network", "all 10,000 test images, %", f"{count} of them", *papers, "bar")
    print(record("Test images as pictures, by classify", "python -m benchmarks.classify RUN…", [head, *rows]))


if __name__ == "__main__":
    main(sys.argv[1:])
