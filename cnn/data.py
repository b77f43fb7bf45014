"""The images: MNIST or one of its kind, or scikit-learn's bundled digits, as two tensors that stay on the device."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import http.client
import io
import os
import queue
import socket
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from cnn import runs

MEAN, DEVIATION = 0.1307, 0.3081  # of MNIST's training images; the exercise normalises by them
TORCHVISION = {"mnist": "MNIST", "fashionmnist": "FashionMNIST", "kmnist": "KMNIST"}  # its classes and folders
HELD_OUT = 6  # --validate: the last sixth of the training images, 10,000 of 60,000
TEST_DIGITS = 360  # of scikit-learn's 1,797 digits, in their own order, the last 360 are the test set, always
MEGABYTES = {"MNIST": 11, "FashionMNIST": 30, "KMNIST": 20}  # of the download
DIGITS = tuple("0123456789")
PATIENCE = 20.0  # seconds without an answer, after which a server counts as unreachable
UNPACKED = {  # MNIST's, unpacked; torchvision knows the checksums of the packed files only
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


Answers = queue.Queue[tuple[str, object]]  # a mirror, and why it cannot be had (None where it can)


class DataError(runs.Failure):
    """Images that are missing or damaged; the message names the file and what to do."""


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

    def batches(self, size: int, order: Tensor | None = None) -> Iterator[tuple[Tensor, Tensor]]:
        """All images in this order, `size` at a time; the last batch may be smaller and is kept."""
        order = torch.arange(len(self)) if order is None else order
        for index in torch.split(order.to(self.labels.device), size):
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


def load(name: str, data_dir: str | None = None, say: Callable[[str], None] = print) -> DataSet:
    """The data set of that name; auto is mnist, or digits where it is missing, which `say` is told.

    `data_dir`, else CNN_DATA_DIR, holds it in torchvision's layout and is only read. Without either it is
    downloaded once, into the user's own folder. Raises DataError, OSError.
    """
    given = data_dir or os.environ.get("CNN_DATA_DIR")
    if name == "digits":
        return _digits()
    kind = TORCHVISION["mnist" if name == "auto" else name]
    try:
        return _read(
            kind, Path(given).expanduser().absolute() if given else _downloaded(kind, runs.home() / "data", say)
        )
    except DataError as error:
        if name != "auto":
            raise
        say(f"No MNIST here ({error.error}): training on digits instead, scikit-learn's 1,797 scans.")
        return _digits()


def _torchvision(kind: str) -> Any:
    from torchvision import datasets  # takes seconds to import, and digits need none of it

    return getattr(datasets, kind)


def classes(name: str) -> tuple[str, ...]:
    """What the images of a set are of, in the order of their labels; needs no images."""
    return DIGITS if name in ("mnist", "digits") else tuple(_torchvision(TORCHVISION[name]).classes)


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


def _read(kind: str, root: Path) -> DataSet:
    """A set from a folder that is only read: checked and unpacked into another, from which torchvision reads."""
    dataset = _torchvision(kind)
    with tempfile.TemporaryDirectory() as staging:
        raw = Path(staging, kind, "raw")
        raw.mkdir(parents=True)
        for name, checksum in dataset.resources:
            unpacked = name.removesuffix(".gz")
            (raw / unpacked).write_bytes(_verified(root / kind / "raw", unpacked, checksum))
        train, test = (dataset(staging, train=train) for train in (True, False))
    normal = (MEAN, DEVIATION) if kind == "MNIST" else _moments(train.data)
    learnt, measured = (_split(part.data / 255, part.targets, *normal) for part in (train, test))
    return DataSet(kind.lower(), learnt, measured, root, classes(kind.lower()), mean=normal[0], deviation=normal[1])


def _moments(pixels: Tensor) -> tuple[float, float]:
    """Mean and deviation of the training pixels, as fractions of 255."""
    counts = torch.bincount(pixels.flatten(), minlength=256).double()
    values = torch.arange(256) / 255
    mean = (counts * values).sum() / counts.sum()
    return float(mean), float(((counts * (values - mean) ** 2).sum() / counts.sum()).sqrt())


def _verified(raw: Path, unpacked: str, checksum: str) -> bytes:
    """One official file's content, from its packed or its unpacked form in `raw`. Raises DataError."""
    packed, kind = raw / f"{unpacked}.gz", raw.parent.name
    forms: list[tuple[Path, str, Callable[[bytes], bytes]]] = [(packed, checksum, gzip.decompress)]
    if kind == "MNIST":
        forms.append((raw / unpacked, UNPACKED[unpacked], bytes))
    for path, expected, unpack in forms:
        if path.is_file():
            content = path.read_bytes()
            if hashlib.md5(content, usedforsecurity=False).hexdigest() != expected:
                advice = f"Put the official {packed.name} there in its place, or type --dataset digits"
                raise DataError(f"{path} is not the official file: it {_flaw(content)}", advice)
            return unpack(content)
    raise DataError(f"{packed} is missing", _instead(kind))


def _instead(kind: str) -> str:
    folder = f"--data-dir FOLDER for a folder with {kind}/raw/train-images-idx3-ubyte.gz and so on"
    return f"Type --dataset digits, or {folder}"


def _flaw(content: bytes) -> str:
    if not content.strip():
        return "is empty"
    if content.lstrip()[:1] == b"<":
        return "is a web page"
    return f"is cut short or altered ({len(content):,} bytes)"


def _downloaded(kind: str, cache: Path, say: Callable[[str], None]) -> Path:
    """The folder that keeps the sets for all runs, filled by torchvision's download if need be."""
    if (cache / kind).is_dir():
        return cache
    dataset = _torchvision(kind)
    mirrors = _answering(kind, dataset.mirrors, dataset.resources[1][0])
    say(f"Downloading {kind} ({MEGABYTES[kind]} MB) to {cache}")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as staging:
        _download(dataset, mirrors, staging)
        with contextlib.suppress(OSError):  # another run was first
            os.replace(Path(staging, kind), cache / kind)
    return cache


def _download(dataset: Any, mirrors: list[str], folder: str) -> None:
    kind = dataset.__name__
    quiet = contextlib.nullcontext() if sys.stderr.isatty() else contextlib.redirect_stderr(io.StringIO())
    socket.setdefaulttimeout(PATIENCE)
    try:
        with quiet:
            type(kind, (dataset,), {"mirrors": mirrors})(folder, download=True)
    except RuntimeError as error:
        what = f"what came is not {kind} (a login page of the network?)"
        raise DataError(f"{kind} could not be downloaded: {what}", _instead(kind)) from error
    except (OSError, http.client.HTTPException) as error:
        raise DataError(f"{kind} could not be downloaded ({error})", _instead(kind)) from error
    finally:
        socket.setdefaulttimeout(None)


def _answering(kind: str, mirrors: list[str], file: str) -> list[str]:
    """The mirrors, the first to answer in front. Raises DataError when none answers within PATIENCE."""
    answers: Answers = queue.Queue()
    for mirror in mirrors:  # daemons: a name server that never answers must not keep the program from ending
        threading.Thread(target=_ask, args=(mirror, file, answers), daemon=True).start()
    reason: object
    reason, deadline = f"no answer within {PATIENCE:.0f} s", time.monotonic() + PATIENCE
    with contextlib.suppress(queue.Empty):
        for _ in mirrors:
            mirror, reason = answers.get(timeout=max(0, deadline - time.monotonic()))
            if reason is None:
                return sorted(mirrors, key=mirror.__ne__)
    raise DataError(f"{kind} cannot be reached ({reason})", _instead(kind))


def _ask(mirror: str, file: str, answers: Answers) -> None:
    try:
        with urllib.request.urlopen(urllib.request.Request(mirror + file, method="HEAD"), timeout=PATIENCE):
            answers.put((mirror, None))
    except (OSError, ValueError, http.client.HTTPException) as error:
        answers.put((mirror, getattr(error, "reason", None) or error))
