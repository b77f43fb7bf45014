"""A finished run's network as plain formulas, in a workbook without macros: python start.py unfold RUN [--out FILE]

The workbook needs neither Python nor this project: it opens in any spreadsheet program, computes there, and can be
drawn into; a FILE.xlsm has macros to draw with in Excel. This module joins what knows PyTorch (cnn.plain) and what
writes cells (xlsx.unfold); neither knows the other.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from xlsxwriter import Workbook

from cnn import runs
from xlsx.unfold.steps import UnknownLayer
from xlsx.unfold.trained import Trained
from xlsx.unfold.workbook import write

FILE_NAMES = {False: "network.xlsx", True: "network-backward.xlsx"}


def unfold(run: Path, out: Path | None = None, data_dir: str | None = None, back: bool = False) -> Path:
    """Write the workbook of a run to `out`, else into the run's own folder, with `back` the way back too; where it is.

    Raises Failure where run, weights or images cannot be used, UnknownLayer, OSError.
    """
    from cnn import plain  # PyTorch takes seconds to load: wrong use is told before

    path = out or run / FILE_NAMES[back]
    return write(Trained.read(plain.trained(run, data_dir)), path, back, macros_for(path))


def macros_for(path: Path) -> Callable[[Workbook], None] | None:
    """What gives a .xlsm its macros; a .xlsx has none."""
    if path.suffix.lower() != ".xlsm":
        return None
    from addin.excel import unfolded  # it needs xlwings, which takes a second to load

    return unfolded.add_to


def main(line: list[str] | None = None) -> int:
    """The exit code: 0 when the workbook is written, 1, with one line, when it is not."""
    usage, _, rest = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser("python start.py unfold", description=usage.partition(": ")[0] + ".", epilog=rest)
    parser.add_argument("run", metavar="RUN", type=Path, help="the folder of a finished run")
    parser.add_argument(
        "--out", metavar="FILE", type=Path, help=f"the workbook (default: {FILE_NAMES[False]} in the run's folder)"
    )
    parser.add_argument("--data-dir", metavar="FOLDER", help="holds the images (default: the run's, else CNN_DATA_DIR)")
    parser.add_argument("--backward", action="store_true", help="the derivatives too: twice as large, half as fast")
    asked = parser.parse_args(line)
    try:
        print(unfold(asked.run.absolute(), asked.out and asked.out.absolute(), asked.data_dir, asked.backward))
        return 0
    except (runs.Failure, UnknownLayer, OSError) as error:
        print(f"unfold: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
