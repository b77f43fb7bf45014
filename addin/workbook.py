"""The workbooks that this machine writes: for any network, the user's own, and a new one beside it.

A user's own workbook is written where there is none and never touched after that. Where this version lays it out in
another way, start.py says so, and `python start.py new` writes today's beside it.
"""

import argparse
import itertools
import sys
import zipfile
from pathlib import Path
from xml.etree import ElementTree

from xlsxwriter import Workbook

from addin.setup import excel
from cnn import runs
from xlsx import build, contract
from xlsx.sheets.book import PythonBlock


def add_macros(workbook: Workbook, blocks: list[PythonBlock]) -> None:
    """Give a workbook whose sheets are written the macros for Excel on this machine."""
    from addin.excel import project  # it needs xlwings, which takes a second to load

    project.add_to(workbook, blocks)


KINDS: dict[str, build.Macros | None] = {".xlsx": None, ".xlsm": add_macros}


def write(path: Path) -> Path:
    """Write the workbook of the default network, with macros where its name says so."""
    return build.build(path, macros=KINDS[path.suffix])


def own(name: str = build.FILE_NAME) -> Path:
    """The user's own workbook, written where there is none and otherwise left as it is."""
    path = runs.home() / name
    return path if path.exists() else write(path)


def layout(path: Path) -> int:
    """The number of a workbook's layout; a file that does not say is of the first, also one that is no workbook."""
    try:
        with zipfile.ZipFile(path) as archive:
            properties = ElementTree.fromstring(archive.read("docProps/custom.xml"))
        found = {each.get("name"): "".join(each.itertext()) for each in properties}
        return int(float(found[contract.LAYOUT_PROPERTY]))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile, ElementTree.ParseError):
        return 1


def newer_layout(path: Path) -> str:
    """What to say of a workbook that an earlier version laid out; '' for one of today's layout."""
    if layout(path) >= contract.LAYOUT:
        return ""
    siblings = sorted(path.parent.glob(f"{path.stem} *{path.suffix}"))
    there = next((each for each in siblings if layout(each) >= contract.LAYOUT), None)
    todays = f"it is in {there}" if there else "python start.py new writes it beside, under a new name"
    return f"{path} has the layout of an earlier version, and goes on working. Today's: {todays}."


def beside(path: Path) -> Path:
    """The first name beside a workbook that is free: backprop 2.xlsx, backprop 3.xlsx …"""
    names = (path.with_name(f"{path.stem} {number}{path.suffix}") for number in itertools.count(2))
    return next(name for name in names if not name.exists())


def new(words: list[str]) -> int:
    """`start.py new`: a workbook of today's layout beside each of the user's own."""
    parser = argparse.ArgumentParser(
        prog="python start.py new",
        description="Write a workbook of today's layout beside your own, under a new name. Yours stays as it is.",
    )
    parser.parse_args(words)
    paths = [runs.home() / name for name in (build.FILE_NAME, excel.FILE_NAME)]
    try:
        for path in [path for path in paths if path.exists()] or paths[:1]:
            print(write(beside(path) if path.exists() else path))
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def main(words: list[str]) -> int:
    """`build` with its options, or `new`; the exit code."""
    command, *others = words
    return new(others) if command == "new" else build.main(others, KINDS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
