"""The macros of an unfolded network that is kept as .xlsm: drawing into its field, in Excel. They need no Python."""

from __future__ import annotations

from pathlib import Path

from xlsxwriter import Workbook

from addin import contract as for_macros
from addin.excel import project
from xlsx import contract

VBA = Path(__file__).with_name("drawing")
MODULE = "DrawingContract"


def add_to(workbook: Workbook) -> None:
    """Give a workbook whose sheets are all there its macros."""
    project.embed(workbook, sources)


def constants() -> dict[str, str | int | float]:
    """What the macros share with the extension in Calc."""
    return {
        "FIELD": "yours",
        "EMPTY_FIELD": "pad",
        "SEEN_FIELD": "used",
        "PEN_STATE": "pen",
        "PEN_REACH": contract.PEN_RADIUS + contract.PEN_EDGE,
        "PEN_EDGE": contract.PEN_EDGE,
        "FULL_INK": contract.INK,
        "STROKE_TITLE": contract.STROKE,
        "CLEARED": contract.CLEARED,
    }


def sources() -> dict[str, str]:
    """The modules by name: ASCII text with VBA's line ends."""
    ours = {path.stem: path.read_text("ascii").replace("\n", "\r\n") for path in sorted(VBA.iterdir())}
    return {**ours, MODULE: for_macros.module(MODULE, constants())}
