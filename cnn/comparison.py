"""Lists and compares runs: what `python -m cnn.runs` prints.

python -m cnn.runs                    every run, newest first: when, model, data, epochs, accuracy, state
python -m cnn.runs compare RUN RUN    the settings in which they differ, and their figures side by side
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from cnn import runs

NOT_COMPARED = ("versions", "data_dir", "threads")
FIGURES = ("accuracy", "loss")


def listing(found: list[runs.Run]) -> list[list[str]]:
    """A row per run, after the heads."""
    rows = [["run", "model", "dataset", "epochs", "accuracy", "state"]]
    for run in found:
        started = run.started or {}
        epochs = f"{len(run.epochs)} of {started.get('epochs', '?')}"
        rows.append(
            [run.folder.name, started.get("model", "–"), started.get("dataset", "–"), epochs, shown(run), run.status]
        )
    return rows


def shown(run: runs.Run) -> str:
    """The accuracy of a run's last epoch in percent, and what it was measured with."""
    part, accuracy = runs.accuracy(run.epochs[-1]) if run.epochs else ("", None)
    return "–" if accuracy is None else f"{100 * accuracy:.2f} % {part}"


def comparison(found: list[runs.Run]) -> list[list[str]]:
    """The runs side by side: the settings in which they differ, then the last epoch's figures."""
    configs = [config(run.folder) for run in found]
    names = dict.fromkeys(name for each in configs for name in each if name not in NOT_COMPARED)
    rows = [["", *(run.folder.name for run in found)]]
    for name in names:
        values = [str(each.get(name, "–")) for each in configs]
        if len(set(values)) > 1:
            rows.append([name, *values])
    rows.append(["epochs done", *(str(len(run.epochs)) for run in found)])
    rows.append(["accuracy", *(shown(run) for run in found)])
    rows.append(["seconds", *(f"{sum(epoch.get('seconds') or 0 for epoch in run.epochs):.0f}" for run in found)])
    return rows


def config(folder: Path) -> dict:
    """A run's config.json; empty where there is none that can be read."""
    try:
        found = json.loads((folder / "config.json").read_bytes())
        return found if isinstance(found, dict) else {}
    except (OSError, ValueError):
        return {}


def aligned(rows: list[list[str]]) -> str:
    """The rows in columns, for a terminal. Control characters in a name must not reach it."""
    clean = [["".join(letter if letter.isprintable() else "?" for letter in cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*clean, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in clean)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit code."""
    usage, _, rest = __doc__.partition("\n\n")
    parser = argparse.ArgumentParser(
        "python -m cnn.runs", None, usage, rest, formatter_class=argparse.RawDescriptionHelpFormatter
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
    print(aligned(comparison(found) if options.what == "compare" else listing(found)))
    return 0
