"""A finished run's network as plain formulas, in a workbook without macros: python start.py unfold RUN [--out FILE]

The workbook needs neither Python nor this project: it opens in any spreadsheet program, computes there, and can be
drawn into; a FILE.xlsm has macros to draw with in Excel.
"""
# cnn.plain knows PyTorch, xlsx.unfold writes cells, and neither knows the other: they are joined here.

from __future__ import annotations

from cnn import end_by_ctrl_c

if __name__ == "__main__":
    end_by_ctrl_c()

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from xlsxwriter import Workbook

from cnn import runs
from cnn.runs.command import Parser, carry_out, run_name
from cnn.runs.output import free, named, told
from xlsx.unfold.steps import UnknownLayer
from xlsx.unfold.trained import Trained
from xlsx.unfold.workbook import write

FILE_NAMES = {False: "network.xlsx", True: "network-backward.xlsx"}
KINDS = (".xlsx", ".xlsm")  # the second with macros to draw with in Excel


def unfold(run: Path, out: Path | None = None, data_dir: str | None = None, back: bool = False) -> Path:
    """Write the workbook of a run to `out`, else into the run's own folder, with `back` the way back too; where it is.

    A file that is there is left as it is: the name gets a number. Raises Failure where run, weights, images or name
    cannot be used, UnknownLayer, OSError.
    """
    wanted = named(out or run / FILE_NAMES[back], *KINDS)
    facts = Trained.read(read(run, data_dir))
    return write(facts, free(wanted), back, macros_for(wanted))


def read(run: Path, data_dir: str | None) -> dict[str, Any]:
    """What cnn.plain says of a run. Raises Failure, OSError."""
    from cnn import plain  # PyTorch takes seconds to load: wrong use is told before

    return plain.trained(run, data_dir)


def macros_for(path: Path) -> Callable[[Workbook], None] | None:
    """What gives a .xlsm its macros; a .xlsx has none."""
    if path.suffix.lower() != ".xlsm":
        return None
    from addin.excel import unfolded  # it needs xlwings, which takes a second to load

    return unfolded.add_to


def parser() -> Parser:
    """The command line."""
    made = Parser("unfold", __doc__)
    made.add_argument("run", metavar="RUN", type=run_name, help="the folder of a finished run, or its name")
    default = f"{FILE_NAMES[False]} in the run's folder, with --backward {FILE_NAMES[True]}"
    made.add_argument("--out", metavar="FILE", type=Path, help=f"the workbook, .xlsx or .xlsm (default: {default})")
    made.add_argument("--data-dir", metavar="FOLDER", help="holds the images (default: the run's, else CNN_DATA_DIR)")
    made.add_argument("--backward", action="store_true", help="the derivatives too: twice as large, half as fast")
    return made


def work(asked: argparse.Namespace) -> int:
    """Write the workbook and say where; the exit code. Raises Failure, OSError."""
    run = runs.find(asked.run)
    wanted = asked.out.absolute() if asked.out else run / FILE_NAMES[asked.backward]
    try:
        print(told(unfold(run, wanted, asked.data_dir, asked.backward), wanted))
    except UnknownLayer as error:
        raise runs.Failure(str(error), "Unfold a run of another network") from error
    return 0


def main(line: list[str] | None = None) -> int:
    """The exit code: 0 when the workbook is written; else, with one line, 1, and 2 for wrong use."""
    return carry_out("unfold", lambda: work(parser().parse_args(line)))


if __name__ == "__main__":
    sys.exit(main())
