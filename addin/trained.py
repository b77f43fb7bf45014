"""The network's own commands, whose outcome lands in a workbook too: `python -m addin.trained COMMAND …`.

The network knows no spreadsheet: what writes one is handed in here.
"""

from __future__ import annotations

import sys

from cnn import classify
from xlsx import classified

COMMANDS = {"classify": lambda arguments: classify.main(arguments, classified.write)}


def main(words: list[str]) -> int:
    """Do the command that the first word names, with the others as its arguments; the exit code."""
    command, *arguments = words
    return COMMANDS[command](arguments)


if __name__ == "__main__":
    for stream in filter(None, (sys.stdout, sys.stderr)):  # a path that the console cannot show must not end it
        stream.reconfigure(errors="backslashreplace")
    sys.exit(main(sys.argv[1:]))
