"""Checks learners' workbooks of the exercise: `python start.py check FILE.xlsx …`, or a folder for a whole class.

Exit code: 0 right, 1 mistakes or blanks, 2 not understood or not readable.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from . import csv_file
from . import report as reports
from .annotate import annotate
from .check import check
from .findings import Report
from .package import Unreadable

WORKBOOKS = {".xlsx", ".xlsm", ".xltx", ".xltm", ".xls", ".xlsb", ".ods", *csv_file.SUFFIXES}
Converter = Callable[[list[Path]], AbstractContextManager[dict[Path, Path]]]


def no_converter(files: list[Path]) -> AbstractContextManager[dict[Path, Path]]:
    """Where no other program is asked, no file has another form."""
    return nullcontext({})


def arguments(line: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python start.py check",
        description="Say what is right and what is wrong in a workbook of the backpropagation exercise, and where.",
        epilog="exit code: 0 right, 1 mistakes or blanks, 2 not understood or not readable",
    )
    parser.add_argument(
        "files",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="a workbook (.xlsx, .xlsm, .ods, .xls, .csv), or a folder of them",
    )
    parser.add_argument("--json", action="store_true", help="write the whole report as JSON")
    parser.add_argument("--annotate", type=Path, metavar="OUT.xlsx", help="write a copy with the wrong cells marked")
    return parser.parse_args(line)


def workbooks(paths: list[Path]) -> list[Path]:
    """The files, and those in the folders; what a spreadsheet program keeps beside an open file is left out."""
    found = []
    for path in paths:
        inside = (
            sorted(each for each in path.iterdir() if each.suffix.lower() in WORKBOOKS) if path.is_dir() else [path]
        )
        found += [each for each in inside if not each.name.startswith(("~$", ".~lock"))]
    return found


def main(line: list[str] | None = None, convert: Converter = no_converter) -> int:
    """Check what the line names; `convert` gives an .xlsx in place of files that are not read here."""
    asked = arguments(line)
    try:
        files = workbooks(asked.files)
    except OSError as error:
        return refuse(f"{error.filename} cannot be read ({error.strerror})")
    if not files:
        return refuse(
            f"There is no workbook in {', '.join(map(str, asked.files))}: .xlsx and .xlsm files are looked for."
        )
    if asked.annotate and (len(files) != 1 or asked.annotate.exists()):
        why = (
            "takes one workbook at a time" if len(files) != 1 else f"would overwrite {asked.annotate}: name a new file"
        )
        return refuse(f"--annotate {why}.")
    with convert(files) as copies:
        return told(files, copies, asked)


def told(files: list[Path], copies: dict[Path, Path], asked: argparse.Namespace) -> int:
    """Check the files, or their copies, and say what was found; the exit code."""
    found = [check(copies.get(path, path), str(path)) for path in files]
    code, written = reports.exit_code(found), ""
    if asked.annotate and found[0].blocks:
        try:
            written = annotate(copies.get(files[0], files[0]), asked.annotate, found[0])
        except (OSError, Unreadable) as error:
            code = refuse(f"{asked.annotate} was not written: {error}")
    try:
        say(shown(found, asked))
        if written and asked.json:
            print(written, file=sys.stderr, flush=True)
        elif written:
            say(written)
    except BrokenPipeError:  # what reads it, as head does, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


def shown(found: list[Report], asked: argparse.Namespace) -> str:
    folder = any(path.is_dir() for path in asked.files)
    if asked.json:
        whole = [reports.as_json(each) for each in found]
        return json.dumps(whole if folder or len(found) > 1 else whole[0], indent=2, ensure_ascii=False)
    if folder:
        return reports.table(found)
    texts = [reports.text(each) for each in found]
    return "\n\n\n".join([*texts, reports.table(found)] if len(found) > 1 else texts)


def say(text: str) -> None:
    """Print a text: as UTF-8 where it has letters that the output lacks, as a file or a pipe on Windows may."""
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    print(text, flush=True)


def refuse(message: str) -> int:
    print(message, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
