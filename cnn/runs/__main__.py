"""Lists and compares runs.

python start.py runs                    every run, newest first: when, model, data, epochs, accuracy, state
python start.py runs compare RUN RUN    the settings in which they differ, and their figures side by side
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from cnn import runs
from cnn.runs import listing


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit code."""
    usage, _, rest = __doc__.partition("\n\n")
    parser = argparse.ArgumentParser(
        "python start.py runs", None, usage, rest, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="?", choices=("list", "compare"), default="list")
    parser.add_argument("runs", metavar="RUN", nargs="*", type=Path, help="run folders (list: all of BACKPROP_HOME)")
    options = parser.parse_args(arguments)
    folders = [path if path.is_dir() else runs.home() / "runs" / path for path in options.runs]
    missing = [folder for folder in folders if not folder.is_dir()]
    if missing or (options.what == "compare" and len(folders) < 2):
        print(f"cnn.runs: There is no run {missing[0]}." if missing else "cnn.runs: Name two runs.", file=sys.stderr)
        return 2
    found = [runs.read(folder.resolve()) for folder in folders or runs.list_runs()]
    print(listing.aligned(listing.comparison(found) if options.what == "compare" else listing.listing(found)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
