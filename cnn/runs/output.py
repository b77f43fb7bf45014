"""The file that a command writes for its user: of the kind that its name says, and never over another."""

from __future__ import annotations

from itertools import chain, count
from pathlib import Path

from cnn.runs.folder import writing
from cnn.runs.settings import SettingsError


def free(path: Path) -> Path:
    """This path, or the first name beside it that is free: backprop 2.xlsx, backprop 3.xlsx …"""
    others = (path.with_name(f"{path.stem} {number}{path.suffix}") for number in count(2))
    return next(each for each in chain([path], others) if not each.exists())


def named(path: Path, *kinds: str) -> Path:
    """The path, absolute. Raises SettingsError where it is a folder, or ends otherwise than on one of `kinds`."""
    if path.is_dir():
        raise SettingsError(f"{path} is a folder", f"Name a file in it that ends on {kinds[0]}")
    if path.suffix.lower() not in kinds:
        raise SettingsError(f"{path.name or 'Nothing'} does not say what to write", f"Name it as {' or '.join(kinds)}")
    return path.absolute()


def in_folder(path: Path) -> Path:
    """The path, whose folder is made where there is none. Raises WriteError."""
    with writing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
    return path


def told(written: Path, wanted: Path) -> str:
    """Where a file was written, and why not under the name that was wanted."""
    if written == wanted:
        return str(written)
    return f"{written} (there was a {wanted.name} already, which stays as it is)"
