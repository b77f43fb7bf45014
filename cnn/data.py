"""The images: MNIST or one of its kind, or scikit-learn's bundled digits, as two tensors that stay on the device."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from cnn import download
from cnn.official import KINDS, DataError, Official, kept, look, read

MEAN, DEVIATION = 0.1307, 0.3081  # of MNIST's training images; the exercise normalises by them
LEAST = 2  # images that a process needs of a batch: BatchNorm takes no single one
HELD_OUT = 6  # --validate: the last sixth of the training images, 10,000 of 60,000
TEST_DIGITS = 360  # of scikit-learn's 1,797 digits, in their own order, the last 360 are the test set, always
DIGITS = tuple("0123456789")


@dataclass(frozen=True)
class Split:
    """images (n, 1, 28, 28), float32, normalised; labels (n,), int64."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, part: slice) -> Split:
        return Split(self.images[part], self.labels[part])

    def to(self, device: torch.device) -> Split:
        return Split(self.images.to(device), self.labels.to(device))

    def batch_count(self, size: int, least: int = LEAST) -> int:
        left = len(self) % size
        return max(1, len(self) // size + (left >= least))

    def batches(self, size: int, order: Tensor | None = None, least: int = LEAST) -> Iterator[tuple[Tensor, Tensor]]:
        """All images in this order, `size` at a time; the last batch may be smaller and is kept.

        Fewer than `least` images go with the batch before: BatchNorm needs two.
        """
        order = torch.arange(len(self)) if order is None else order
        count = self.batch_count(size, least)
        sizes = [size] * (count - 1) + [len(self) - size * (count - 1)]
        for index in torch.split(order.to(self.labels.device), sizes):
            yield self.images[index], self.labels[index]


@dataclass(frozen=True)
class DataSet:
    """Images to learn from and to measure with, and the folder they were read from (None: they came with a package).

    `part` says what is measured with: test, or validation, a part of the training images that is not learnt from.
    `mean` and `deviation` are those that the images were normalised by.
    """

    name: str
    train: Split
    test: Split
    folder: Path | None = None
    classes: tuple[str, ...] = DIGITS
    part: str = "test"
    mean: float = MEAN
    deviation: float = DEVIATION

    def to(self, device: torch.device) -> DataSet:
        return replace(self, train=self.train.to(device), test=self.test.to(device))

    def pixels(self) -> Tensor:
        """The test images (n, 28, 28) as they were before they were normalised: whole numbers from 0 to 255."""
        return ((self.test.images * self.deviation + self.mean) * 255).round().squeeze(1)

    def validation(self) -> DataSet:
        """The last sixth of the training images in place of the test images, always the same ones."""
        kept = len(self.train) - len(self.train) // HELD_OUT
        return replace(self, train=self.train[:kept], test=self.train[kept:], part="validation")


def load(
    name: str, data_dir: str | None = None, say: Callable[[str], None] = print, files: Official | None = None
) -> DataSet:
    """The data set of that name; auto is mnist, or digits where it is missing, which `say` is told.

    `data_dir`, else CNN_DATA_DIR, holds it and is only read; `files` are those that were found there already. Without
    either it is downloaded once, into the user's own folder. Raises DataError, OSError.
    """
    if name in PACKAGED:
        return PACKAGED[name]()
    kind = "mnist" if name == "auto" else name
    try:
        return _made(files or look(kind, data_dir) or _downloaded(KINDS[kind], say))
    except DataError as error:
        if name != "auto":
            raise
        say(f"No MNIST here ({error.error}): training on digits instead, scikit-learn's 1,797 scans.")
        return _digits()


def _downloaded(kind: str, say: Callable[[str], None]) -> Official:
    download.download(kind, kept(), say)
    return read(kind, kept())


def classes(name: str) -> tuple[str, ...]:
    """What the images of a set are of, in the order of their labels; needs no images."""
    return CLASSES[name] if name in CLASSES else tuple(download.torchvision(KINDS[name]).classes)


def _split(images: Tensor, labels: Tensor, mean: float = MEAN, deviation: float = DEVIATION) -> Split:
    """From images (n, 28, 28) between 0 and 1."""
    return Split(images.unsqueeze(1).sub_(mean).div_(deviation), labels.long())


def _digits() -> DataSet:
    found = find_spec("sklearn")  # found, not imported: that takes seconds
    (package,) = (found and found.submodule_search_locations) or ("",)
    rows = torch.from_numpy(np.loadtxt(Path(package, "datasets/data/digits.csv.gz"), delimiter=",", dtype=np.float32))
    small, labels = rows[:, :-1].view(-1, 1, 8, 8) / 16, rows[:, -1]
    images = F.interpolate(small, size=(28, 28), mode="bilinear").squeeze(1)
    train, test = slice(None, -TEST_DIGITS), slice(-TEST_DIGITS, None)
    return DataSet("digits", _split(images[train], labels[train]), _split(images[test], labels[test]))


PACKAGED: dict[str, Callable[[], DataSet]] = {"digits": _digits}  # come with a package, not as files
CLASSES = {"mnist": DIGITS, "digits": DIGITS}  # of the others torchvision says them


def _made(files: Official) -> DataSet:
    """The set in these files, normalised."""
    (images, labels), (tests, test_labels) = files.train, files.test
    normal = (MEAN, DEVIATION) if files.kind == "MNIST" else _moments(torch.from_numpy(images.copy()))
    train = _split(torch.from_numpy(images.astype(np.float32)) / 255, torch.from_numpy(labels.copy()), *normal)
    test = _split(torch.from_numpy(tests.astype(np.float32)) / 255, torch.from_numpy(test_labels.copy()), *normal)
    name = files.kind.lower()
    return DataSet(name, train, test, files.folder, classes(name), mean=normal[0], deviation=normal[1])


def _moments(pixels: Tensor) -> tuple[float, float]:
    """Mean and deviation of the training pixels, as fractions of 255."""
    counts = torch.bincount(pixels.flatten(), minlength=256).double()
    values = torch.arange(256) / 255
    mean = (counts * values).sum() / counts.sum()
    return float(mean), float(((counts * (values - mean) ** 2).sum() / counts.sum()).sqrt())
