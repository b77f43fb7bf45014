"""What to say about an error that ends a run: what went wrong, where, and what to do."""

from __future__ import annotations

import re
import traceback

from cnn import NO_RUNTIME, NO_RUNTIME_SIGNS
from cnn.runs import Failure

NO_ROOM = "Look whether the disk is full or the folder may not be written; --out or BACKPROP_HOME name another place"


def as_failure(error: Exception) -> Failure:
    """What to say about an error; one that is not foreseen here is a bug, whose traceback goes to stderr."""
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, Failure):
        return error
    if isinstance(error, MemoryError) or "out of memory" in text.lower() or "can't allocate memory" in text:
        return Failure(f"The memory is full ({text[:200]})", "Take a smaller --batch-size, or --device cpu")
    if isinstance(error, ImportError) and re.search(NO_RUNTIME_SIGNS, text):
        return Failure(*NO_RUNTIME)
    if isinstance(error, ImportError):
        return Failure(f"A package that training needs cannot be loaded ({text})", "Type python start.py setup")
    if isinstance(error, OSError):
        return Failure(f"{error.strerror or text}{f': {error.filename}' if error.filename else ''}", NO_ROOM)
    traceback.print_exception(error)
    return Failure(f"An error that should not happen: {type(error).__name__}: {text}", "Please report it")
