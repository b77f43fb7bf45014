"""The network's own commands, whose outcome lands in a workbook too: `python -m addin.trained COMMAND …`.

The network knows no spreadsheet: what writes one is handed in here. Each command imports what it needs itself, since
PyTorch takes seconds: a trainer hears signals, and refuses a wrong option, before that.
"""

from __future__ import annotations

from cnn import end_by_ctrl_c

if __name__ == "__main__":
    end_by_ctrl_c()

import sys
import traceback
from pathlib import Path

from xlsx.contract import RESULTS_FILE


def main(words: list[str]) -> int:
    """Do the command that the first word names, with the others as its arguments; the exit code."""
    command, *arguments = words
    return {"train": train, "classify": classify}[command](arguments)


def train(arguments: list[str]) -> int:
    from cnn.train import as_command

    return as_command(arguments, write_results)


def classify(arguments: list[str]) -> int:
    from cnn.classify import main
    from xlsx import classified

    return main(arguments, classified.write)


def write_results(folder: Path) -> None:
    """Write a finished run's results workbook beside it. What goes wrong is said: the run is finished all the same."""
    from xlsx import results  # and pandas, for which no start of a run has to wait

    try:
        results.write(results.find([folder]), folder / RESULTS_FILE)
    except OSError as error:
        print(f"train: {error}", file=sys.stderr)
    except Exception:
        print("train: the results workbook could not be written; please report it:", file=sys.stderr)
        traceback.print_exc()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
