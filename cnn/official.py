"""The official files of MNIST and its kind: found in a folder, checked and read. Nothing is unpacked onto a disk.

numpy alone is needed, so that a missing or damaged file is told before PyTorch is loaded.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cnn import runs

KINDS = {"mnist": "MNIST", "fashionmnist": "FashionMNIST", "kmnist": "KMNIST"}  # torchvision's names and folders
FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
PACKED = {  # MD5 of the .gz files, in the order of FILES, as torchvision has them
    "MNIST": (
        "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "d53e105ee54ea40749a09fcbcd1e9432",
        "9fb629c4189551a2d022fa330f9573f3",
        "ec29112dd5afa0611ce80d1b7f02629c",
    ),
    "FashionMNIST": (
        "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "25c81989df183df01b3e8a0aad5dffbe",
        "bef4ecab320f06d8554ea6380940ec79",
        "bb300cfdad3c16e7a12a480ee83cd310",
    ),
    "KMNIST": (
        "bdb82020997e1d708af4cf47b453dcf7",
        "e144d726b3acfaa3e44228e80efcd344",
        "5c965bf0a639b31b8f53240b1b52f4d7",
        "7320c461ea6c1c855c0b718fb2a4b134",
    ),
}
UNPACKED = {  # MD5 of what is in them, which other programs pack differently; KMNIST's is not published
    "MNIST": (
        "6bbc9ace898e44ae57da46a324031adb",
        "a25bea736e30d166cdddb491f175f624",
        "2646ac647ad5339dbf082846283269ea",
        "27ae3e4e09519cfbb04c329615203637",
    ),
    "FashionMNIST": (
        "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "9018921c3c673c538a1fc5bad174d6f9",
        "8181f5470baa50b63fa0f6fddb340f0a",
        "15d484375f8d13e6eb1aabb0c3f46965",
    ),
}
Bytes = npt.NDArray[np.uint8]


class DataError(runs.Failure):
    """Images that are missing or damaged; the message names the file and what to do."""


@dataclass(frozen=True)
class Official:
    """A set as it is in its files: images (n, 28, 28) and labels (n,), for training and test, and their folder."""

    kind: str
    folder: Path
    train: tuple[Bytes, Bytes]
    test: tuple[Bytes, Bytes]


def look(name: str, data_dir: str | None) -> Official | None:
    """The set `name` from the folder that is given, by CNN_DATA_DIR otherwise, or from an earlier download.

    None where it is yet to be downloaded, and for digits. Raises DataError, OSError.
    """
    kind, given = KINDS.get(name), data_dir or os.environ.get("CNN_DATA_DIR")
    if kind is None:
        return None
    if given:
        return read(kind, Path(given).expanduser().absolute())
    return read(kind, kept()) if (kept() / kind).is_dir() else None


def kept() -> Path:
    """The folder that keeps what was downloaded, for all runs."""
    return runs.home() / "data"


def read(kind: str, root: Path) -> Official:
    """A set's four files, each checked. Raises DataError, OSError."""
    learnt, learnt_labels, tests, test_labels = (unpacked(kind, root, number) for number in range(4))
    return Official(
        kind,
        root,
        (images(learnt), labels(learnt_labels)),
        (images(tests), labels(test_labels)),
    )


def images(content: bytes) -> Bytes:
    """From an idx file: four numbers of four bytes, then a byte a pixel."""
    return np.frombuffer(content, np.uint8, offset=16).reshape(-1, 28, 28)


def labels(content: bytes) -> Bytes:
    """From an idx file: two numbers of four bytes, then a byte an image."""
    return np.frombuffer(content, np.uint8, offset=8)


def places(kind: str, root: Path, name: str) -> Iterator[Path]:
    """Where a file may lie, torchvision's first; Kaggle's names have dots, and folders of the same name."""
    dotted = name.replace("-idx", ".idx")
    for folder in (root / kind / "raw", root / kind, root / "raw", root):
        for form in (name, dotted):
            yield from (folder / f"{form}.gz", folder / form, folder / form / form)


def unpacked(kind: str, root: Path, number: int) -> bytes:
    """The content of a set's file, from its packed or unpacked form. Raises DataError, OSError."""
    name = FILES[number]
    path = next((place for place in places(kind, root, name) if place.is_file()), None)
    if path is None:
        raise DataError(f"{root / kind / 'raw' / name}.gz is missing", instead(kind))
    content = path.read_bytes()
    found = checked(kind, number, content)
    if found is None:
        advice = f"Put the official {path.name} there in its place, or type --dataset digits"
        raise DataError(f"{path} is not the official file: it {flaw(kind, number, content)}", advice)
    return found


def checked(kind: str, number: int, content: bytes) -> bytes | None:
    """The content, unpacked, where it is the official file's, however it is packed."""
    if content[:2] != b"\x1f\x8b":
        return content if is_official(kind, number, content) else None
    try:
        inside = gzip.decompress(content)
    except (OSError, EOFError, zlib.error):
        return None
    return inside if md5(content) == PACKED[kind][number] or is_official(kind, number, inside) else None


def is_official(kind: str, number: int, inside: bytes) -> bool:
    return kind in UNPACKED and md5(inside) == UNPACKED[kind][number]


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def flaw(kind: str, number: int, content: bytes) -> str:
    """What is wrong with a file, after `it`."""
    if not content.strip():
        return "is empty"
    if content.lstrip()[:1] == b"<":
        return "is a web page"
    for other in PACKED:
        if other != kind and checked(other, number, content) is not None:
            return f"is {other}'s"
    return f"is cut short or altered ({len(content):,} bytes)"


def instead(kind: str) -> str:
    """What to do where a set cannot be had."""
    folder = f"--data-dir FOLDER for a folder with {kind}/raw/{FILES[0]}.gz and so on"
    return f"Type --dataset digits, or {folder}"
