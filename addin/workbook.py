"""The workbooks that this machine writes: for any network, the user's own, and a new one beside it.

A user's own workbook is written where there is none and never touched after that. Where this version lays it out in
another way, start.py says so, and `python start.py new` writes today's beside it.
"""

import argparse
import sys
import zipfile
from pathlib import Path
from xml.etree import ElementTree

from xlsxwriter import Workbook

from addin.setup import excel
from cnn import runs
from cnn.runs.output import free, in_folder
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


def install_add_in() -> Path | None:
    """Bring the add-in where Excel looks for it up to this source; where it is, None where nothing was to be done.

    Raises OSError; PermissionError while Excel holds the file.
    """
    from addin.excel import add_in  # it needs xlwings, too

    path, content = excel.add_in(), add_in.content()
    if path is None or (path.is_file() and path.read_bytes() == content):
        return None
    runs.write_file(in_folder(path), content)
    return path


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


def new(words: list[str]) -> int:
    """`start.py new`: a workbook of today's layout beside each of the user's own."""
    parser = argparse.ArgumentParser(
        prog="python start.py new",
        description="Write a workbook of today's layout beside your own, under a new name. Yours stays as it is.",
    )
    parser.parse_args(words)
    names = (build.FILE_NAME, excel.FILE_NAME)
    try:
        for name in [name for name in names if (runs.home() / name).exists()] or names[:1]:
            print(write(free(runs.home() / name)))
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
