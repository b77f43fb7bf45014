"""Lists and compares runs.

python start.py runs                    every run, newest first: when, model, data, epochs, accuracy, state
python start.py runs list RUN           this run, or the runs of this series
python start.py runs compare RUN RUN    the settings in which they differ, and their figures side by side
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from cnn import runs
from cnn.runs import listing
from cnn.runs.command import Parser, carry_out
from cnn.runs.settings import SettingsError


def parser() -> Parser:
    """The command line."""
    made = Parser("runs", __doc__)
    made.add_argument("what", nargs="?", choices=("list", "compare"), default="list")
    made.add_argument("runs", metavar="RUN", nargs="*", type=Path, help="run folders (list: all of BACKPROP_HOME)")
    made.add_argument("--json", action="store_true", help="the same as JSON, for a program")
    return made


def printed(options: argparse.Namespace) -> int:
    """Print what is asked for; the exit code. Raises SettingsError."""
    folders = [named(path) for path in options.runs]
    if options.what == "compare" and len(folders) < 2:
        raise SettingsError("There is nothing to compare", "Name two runs")
    found = [runs.read(run) for folder in folders for run in runs.runs_in(folder)]
    found = found if folders else [runs.read(folder) for folder in runs.list_runs()]
    if options.json:
        facts = listing.compared if options.what == "compare" else listing.facts
        print(json.dumps([facts(run) for run in found], indent=2, allow_nan=False))
    else:
        print(listing.aligned(listing.comparison(found) if options.what == "compare" else listing.listing(found)))
    return 0


def named(path: Path) -> Path:
    """The folder of a run or series that was named by path or by name. Raises SettingsError."""
    try:
        return runs.find(path)
    except runs.NoRunError as error:
        raise SettingsError(error.error, error.advice) from None


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit code."""
    return carry_out("runs", lambda: printed(parser().parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(main())
