"""Writing a workbook file: whole or not at all, the same bytes for the same content, and every text as text."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import chain, count
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from cnn import runs
from cnn.runs.output import in_folder

LONGEST_TEXT, LONGEST_SHEET_NAME, LONGEST_FORMULA = 32_767, 31, 8_192  # Excel's limits, in characters
CUT = " … (cut)"
CREATED = datetime(2026, 1, 1)
TEXT_STAYS_TEXT = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
FONT = {"font_name": "Arial", "font_size": 10}
NOT_IN_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
NOT_IN_SHEET_NAMES = re.compile(r"[\[\]:*?/\\'\t\n]")


class FormulaTooLongError(runs.Failure, ValueError):
    """A formula that Excel would take out of the workbook when it opens it."""


class OlderFormulas(Worksheet):  # type: ignore[misc]  # XlsxWriter brings no types
    """A sheet whose formulas need no function newer than Excel 2010's.

    XlsxWriter would search each one for thirty newer names: most of the time of a build. Raises FormulaTooLongError.
    """

    def _prepare_formula(self, formula: str, expand_future_functions: bool = False) -> str:
        if len(formula) > LONGEST_FORMULA:
            error = f"A formula on {self.name} is too long for Excel: {len(formula):,} characters, {LONGEST_FORMULA:,}"
            raise FormulaTooLongError(f"{error} at most", "Take fewer units a layer, or fewer samples")
        return formula[1:-1].removeprefix("=") if formula.startswith("{") else formula.removeprefix("=")


class UnwritableError(runs.Failure, PermissionError):
    """A workbook that may not be written, or is open in another program."""


@contextmanager
def written(path: Path, title: str) -> Iterator[Workbook]:
    """A workbook to fill; an older file stays until this one is whole.

    Raises UnwritableError; its sheets raise FormulaTooLongError.
    """
    content = io.BytesIO()
    options = {**TEXT_STAYS_TEXT, "default_format_properties": dict(FONT)}  # a copy: XlsxWriter adds to it
    workbook = Workbook(content, options)
    workbook.worksheet_class = OlderFormulas
    workbook.set_properties({"title": title, "created": CREATED})
    try:
        yield workbook
        workbook.close()
    finally:
        workbook.fileclosed = 1  # a workbook given up is not written when it is collected
    try:
        runs.write_file(in_folder(path), without_empty_macros(content))
    except PermissionError as error:
        advice = "Close it where it is open, or name another place"
        raise UnwritableError(f"{path} cannot be written ({error.strerror or error})", advice) from error


def without_empty_macros(content: io.BytesIO) -> bytes:
    """Leave out the empty macro names that XlsxWriter writes for buttons without one; Excel writes nothing there."""
    found = io.BytesIO()
    with ZipFile(content) as source, ZipFile(found, "w", ZIP_DEFLATED) as target:
        for info in source.infolist():
            target.writestr(info, source.read(info).replace(b"<x:FmlaMacro></x:FmlaMacro>", b""))
    return found.getvalue()


def safe_text(value: object) -> str:
    """Text that a cell can hold: no control characters, not longer than Excel allows."""
    text = NOT_IN_XML.sub("", str(value))
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - len(CUT)] + CUT


def sheet_names(wanted: list[str], taken: tuple[str, ...]) -> list[str]:
    """A sheet name for each wanted one: allowed characters, at most 31 of them, none twice and none that is taken."""
    used, names = {name.lower() for name in taken}, []
    for name in wanted:
        plain = NOT_IN_SHEET_NAMES.sub("-", NOT_IN_XML.sub("", name)).strip() or "run"
        names.append(next(free for free in numbered(plain) if free.lower() not in used))
        used.add(names[-1].lower())
    return names


def numbered(name: str) -> Iterator[str]:
    """The name cut to a sheet name's length, then with (2), (3) … at its end."""
    for ending in chain([""], (f" ({number})" for number in count(2))):
        yield name[: LONGEST_SHEET_NAME - len(ending)].strip() + ending
