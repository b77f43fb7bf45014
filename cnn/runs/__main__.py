"""Lists and compares runs.

python start.py runs                    every run, newest first: when, model, data, epochs, accuracy, state
python start.py runs RUN                this run, or the runs of this series (runs list RUN does the same)
python start.py runs compare RUN RUN    the settings in which they differ, and their figures; of a series its runs'
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from cnn import runs
from cnn.runs import listing
from cnn.runs.command import Parser, carry_out, run_name
from cnn.runs.folder import holds_runs
from cnn.runs.settings import SettingsError

WHAT = ("list", "compare")


def parser() -> Parser:
    """The command line."""
    made = Parser("runs", __doc__)
    what = f"{' or '.join(WHAT)} (default: {WHAT[0]}), then run folders or names (none: all of BACKPROP_HOME)"
    made.add_argument("words", metavar="RUN", type=run_name, nargs="*", help=what)
    made.add_argument("--json", action="store_true", help="the same as JSON, for a program")
    return made


def printed(options: argparse.Namespace) -> int:
    """Print what is asked for; the exit code. Raises SettingsError."""
    chosen = options.words[:1] in ([Path(each)] for each in WHAT)
    what, names = (str(options.words[0]), options.words[1:]) if chosen else (WHAT[0], options.words)
    folders = [runs.find(name) for name in names]
    found = [runs.read(run) for folder in folders for run in held(folder)]
    if what == "compare" and len(found) < 2:
        raise SettingsError("There is nothing to compare", "Name two runs, or a series")
    found = found if folders else [runs.read(folder) for folder in runs.list_runs()]
    if options.json:
        facts = listing.compared if what == "compare" else listing.facts
        print(json.dumps([facts(run) for run in found], indent=2, allow_nan=False))
    else:
        print(listing.aligned(listing.comparison(found) if what == "compare" else listing.listing(found)))
    return 0


def held(folder: Path) -> list[Path]:
    """The run in this folder, or the runs of the series. Raises SettingsError where there is neither."""
    if not holds_runs(folder):
        raise SettingsError(f"{folder} holds no run", "Name the folder of a run or of a series")
    return runs.runs_in(folder)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit code."""
    return carry_out("runs", lambda: printed(parser().parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(main())
