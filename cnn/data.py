"""The images: MNIST, or scikit-learn's bundled handwritten digits, as two tensors that stay on the device."""

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
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from cnn import runs

MEAN, DEVIATION = 0.1307, 0.3081  # of MNIST's training images; the exercise normalises by them
TEST_DIGITS = 360  # of scikit-learn's 1,797 digits, in their own order, the last 360 are the test set, always
PATIENCE = 20.0  # seconds without an answer, after which a server counts as unreachable
UNPACKED = {  # torchvision knows the checksums of the packed files only
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
INSTEAD = "Type --dataset digits, or --data-dir FOLDER for a folder with MNIST/raw/train-images-idx3-ubyte.gz and so on"


class DataError(runs.Failure):
    """Images that are missing or damaged; the message names the file and what to do."""


@dataclass(frozen=True)
class Split:
    """images (n, 1, 28, 28), float32, normalised; labels (n,), int64."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device) -> Split:
        return Split(self.images.to(device), self.labels.to(device))

    def batches(self, size: int, order: Tensor | None = None) -> Iterator[tuple[Tensor, Tensor]]:
        """All images in this order, `size` at a time; the last batch may be smaller and is kept."""
        order = torch.arange(len(self)) if order is None else order
        for index in order.to(self.labels.device).split(size):
            yield self.images[index], self.labels[index]


@dataclass(frozen=True)
class DataSet:
    """Images to learn from and to test with, and the folder they were read from (None: they came with a package)."""

    name: str
    train: Split
    test: Split
    folder: Path | None = None

    def to(self, device: torch.device) -> DataSet:
        return replace(self, train=self.train.to(device), test=self.test.to(device))


def load(name: str, data_dir: str | None = None, say: Callable[[str], None] = print) -> DataSet:
    """The data set mnist, digits or auto: mnist, or digits where it is missing, which `say` is told.

    `data_dir`, else CNN_DATA_DIR, holds MNIST in torchvision's layout and is only read. Without either MNIST is
    downloaded once, into the user's own folder. Raises DataError, OSError.
    """
    given = data_dir or os.environ.get("CNN_DATA_DIR")
    if name == "digits":
        return _digits()
    try:
        return _mnist(Path(given).expanduser().absolute() if given else _downloaded(runs.home() / "data", say))
    except DataError as error:
        if name != "auto":
            raise
        say(f"No MNIST here ({error.error}): training on digits instead, scikit-learn's 1,797 scans.")
        return _digits()


def _split(images: Tensor, labels: Tensor) -> Split:
    """From images (n, 28, 28) between 0 and 1."""
    return Split(images.unsqueeze(1).sub(MEAN).div_(DEVIATION), labels.long())


def _digits() -> DataSet:
    from sklearn.datasets import load_digits  # takes seconds to import

    found = load_digits()
    small = torch.from_numpy(found.images).float().unsqueeze(1) / 16
    images = F.interpolate(small, size=(28, 28), mode="bilinear").squeeze(1)
    labels = torch.from_numpy(found.target)
    train, test = slice(None, -TEST_DIGITS), slice(-TEST_DIGITS, None)
    return DataSet("digits", _split(images[train], labels[train]), _split(images[test], labels[test]))


def _mnist(root: Path) -> DataSet:
    """MNIST from a folder that is only read: checked and unpacked into another, from which torchvision reads."""
    from torchvision.datasets import MNIST  # takes seconds to import, and digits need none of it

    with tempfile.TemporaryDirectory() as staging:
        raw = Path(staging, "MNIST", "raw")
        raw.mkdir(parents=True)
        for name, checksum in MNIST.resources:
            unpacked = name.removesuffix(".gz")
            (raw / unpacked).write_bytes(_verified(root / "MNIST" / "raw", unpacked, checksum))
        parts = [MNIST(staging, train=train) for train in (True, False)]
        train, test = (_split(part.data.float() / 255, part.targets) for part in parts)
        return DataSet("mnist", train, test, root)


def _verified(raw: Path, unpacked: str, checksum: str) -> bytes:
    """One official file's content, from its packed or its unpacked form in `raw`. Raises DataError."""
    packed = raw / f"{unpacked}.gz"
    for path, expected, unpack in ((packed, checksum, gzip.decompress), (raw / unpacked, UNPACKED[unpacked], bytes)):
        if path.is_file():
            content = path.read_bytes()
            if hashlib.md5(content, usedforsecurity=False).hexdigest() != expected:
                advice = f"Put the official {packed.name} there in its place, or type --dataset digits"
                raise DataError(f"{path} is not the official file: it {_flaw(content)}", advice)
            return unpack(content)
    raise DataError(f"{packed} is missing", INSTEAD)


def _flaw(content: bytes) -> str:
    if not content.strip():
        return "is empty"
    if content.lstrip()[:1] == b"<":
        return "is a web page"
    return f"is cut short or altered ({len(content):,} bytes)"


def _downloaded(cache: Path, say: Callable[[str], None]) -> Path:
    """The folder that keeps MNIST for all runs, filled by torchvision's download if need be."""
    if (cache / "MNIST").is_dir():
        return cache
    from torchvision.datasets import MNIST

    mirrors = _answering(MNIST.mirrors, MNIST.resources[1][0])
    say(f"Downloading MNIST (11 MB) to {cache}")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as staging:
        _download(mirrors, staging)
        with contextlib.suppress(OSError):  # another run was first
            os.replace(Path(staging, "MNIST"), cache / "MNIST")
    return cache


def _download(mirrors: list[str], folder: str) -> None:
    from torchvision.datasets import MNIST

    quiet = contextlib.nullcontext() if sys.stderr.isatty() else contextlib.redirect_stderr(io.StringIO())
    socket.setdefaulttimeout(PATIENCE)
    try:
        with quiet:
            type("MNIST", (MNIST,), {"mirrors": mirrors})(folder, download=True)
    except RuntimeError as error:
        raise DataError(
            "MNIST could not be downloaded: what came is not MNIST (a login page of the network?)", INSTEAD
        ) from error
    except (OSError, http.client.HTTPException) as error:
        raise DataError(f"MNIST could not be downloaded ({error})", INSTEAD) from error
    finally:
        socket.setdefaulttimeout(None)


def _answering(mirrors: list[str], file: str) -> list[str]:
    """The mirrors, the first to answer in front. Raises DataError when none answers within PATIENCE."""
    answers: queue.Queue = queue.Queue()
    for mirror in mirrors:  # daemons: a name server that never answers must not keep the program from ending
        threading.Thread(target=_ask, args=(mirror, file, answers), daemon=True).start()
    reason, deadline = f"no answer within {PATIENCE:.0f} s", time.monotonic() + PATIENCE
    with contextlib.suppress(queue.Empty):
        for _ in mirrors:
            mirror, reason = answers.get(timeout=max(0, deadline - time.monotonic()))
            if reason is None:
                return sorted(mirrors, key=mirror.__ne__)
    raise DataError(f"MNIST cannot be reached ({reason})", INSTEAD)


def _ask(mirror: str, file: str, answers: queue.Queue) -> None:
    try:
        with urllib.request.urlopen(urllib.request.Request(mirror + file, method="HEAD"), timeout=PATIENCE):
            answers.put((mirror, None))
    except (OSError, ValueError, http.client.HTTPException) as error:
        answers.put((mirror, getattr(error, "reason", None) or error))
