"""What a trainer says, in the words of a Results sheet: a cell to change in place of an option, a button to press.

Standard library only, and Python 3.9: it runs inside LibreOffice's own Python too.
"""

from __future__ import annotations

import re
from functools import partial

from cnn.runs.settings import SHEET, option

CELLS = {option(name): name.replace("_", " ") for name in SHEET}
NAMED = re.compile(f"({'|'.join(CELLS)})( [a-z]+)?(?![-\\w])")  # an option, and the value that is to be taken
TRAIN_AGAIN = "press Train CNN"
WORDS = (  # what stands on the command line, and what in the sheet
    (r"type --dataset", "take --dataset"),
    (r"^(cnn\.train|unfold): ", ""),
    (r"(, or) name another place by --out or BACKPROP_HOME", r"\1 let BACKPROP_HOME name another place"),
    (r"--data-dir FOLDER for a folder", "let CNN_DATA_DIR name a folder"),
    (r"(?:take another folder, or )?go on with --resume RUN", "press Resume"),
    (r"--resume goes on with one that is not", "Resume goes on with one that is not"),
    (r"(?:start a new run|train anew) without --resume", TRAIN_AGAIN),
    (r"start a new run$", TRAIN_AGAIN),
    (r"where nothing of it is left, go on with --force", "where nothing of it is left, press Train CNN for a new run"),
)


def in_the_sheets_words(text: str) -> str:
    """A status or an error, as the sheet shows it."""
    for words, ours in WORDS:
        text = re.sub(words, partial(_replaced, ours), text, flags=re.IGNORECASE)
    named = NAMED.sub(lambda found: _cell(found[1], found[2]), text)
    return named if named == text or TRAIN_AGAIN in named.lower() else f"{named} Then {TRAIN_AGAIN}."


def _cell(name: str, value: str | None) -> str:
    """An option as its cell: --device cpu is cpu as device, --batch-size the batch size."""
    known = value and value.strip() not in ("is", "says", "or", "there", "that", "than")
    return f"{value.strip()} as {CELLS[name]}" if value and known else f"{CELLS[name]}{value or ''}"


def _replaced(ours: str, found: re.Match[str]) -> str:
    """Our words in place of those found, with a capital where they had one."""
    said = found.expand(ours)
    return said[:1].upper() + said[1:] if found[0][:1].isupper() else said
