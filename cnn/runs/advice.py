"""What to say about an error that ends a run: what went wrong, where, and what to do."""

from __future__ import annotations

import errno
import re
import traceback

from cnn import NO_RUNTIME, NO_RUNTIME_SIGNS
from cnn.runs.folder import NoRunError, WriteError
from cnn.runs.log import Failure
from cnn.runs.settings import SettingsError

FULL = "The disk is full", "Make room"
FORBIDDEN = "It may not be {done}", "Ask for the right to"
IN_THE_WAY = "A file is in the way where a folder should be", "Move it"
A_FOLDER = "A folder is in the way where a file should be", "Move it"
TAKEN = "Something of that name is there, a link to nowhere or a file", "Move it"
TOO_LARGE = "A file would become larger than it may here", "Raise the limit with ulimit -f, or the quota"
A_LINK = "A link is in the way", "Move it: inside a run's folder no link is followed"
GONE = "The file or its folder is gone", "Put it back"
OPEN_FILES = "Too many files are open", "Close other programs, or raise the limit with ulimit -n"
FAILING = "The disk or the network drive does not answer", "See what ails it"
BY_NUMBER = {  # what the system's error means, and what to do
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), FULL),
    errno.EFBIG: TOO_LARGE,
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), FORBIDDEN),
    errno.ENOTDIR: IN_THE_WAY,
    errno.EISDIR: A_FOLDER,
    errno.EEXIST: TAKEN,
    **dict.fromkeys((errno.EMFILE, errno.ENFILE), OPEN_FILES),
    **dict.fromkeys((errno.EIO, errno.ESTALE, errno.ETIMEDOUT), FAILING),
    errno.ELOOP: A_LINK,
    errno.ENOENT: GONE,
}
UNKNOWN = "It could not be {done}", "See what ails it"
ELSEWHERE = ", or name another place by --out or BACKPROP_HOME"
NO_MEMORY = ("out of memory", "allocate memory", "defaultcpuallocator", "failed to map segment")


def as_failure(error: Exception) -> Failure:
    """What to say about an error; one that is not foreseen here is a bug, whose traceback goes to stderr."""
    text = " ".join(str(error).split())[:300] or type(error).__name__
    if isinstance(error, Failure):
        return error
    if isinstance(error, NoRunError):
        return SettingsError(error.error, error.advice)
    if isinstance(error, MemoryError) or any(words in text.lower() for words in NO_MEMORY):
        return Failure(f"The memory is full ({text})", more_memory(error, text))
    if isinstance(error, ImportError) and re.search(NO_RUNTIME_SIGNS, text):
        return Failure(*NO_RUNTIME)
    if isinstance(error, ImportError):
        return Failure(f"A package that training needs cannot be loaded ({text})", "Type python start.py setup")
    if isinstance(error, OSError):
        return of_file(error, text)
    traceback.print_exception(error)
    return Failure(f"An error that should not happen: {type(error).__name__}: {text}", "Please report it")


def more_memory(error: Exception, text: str) -> str:
    """What to do where there is too little memory: to load PyTorch, on the graphics card, or to train."""
    if isinstance(error, ImportError):
        return "Close other programs: PyTorch alone takes some 500 MB"
    if any(name in text for name in ("CUDA", "MPS")):
        return "Take a smaller --batch-size, or --device cpu"
    return "Take a smaller --batch-size, or close other programs"


def of_file(error: OSError, text: str) -> Failure:
    """What to say of a file or folder that could not be read or written."""
    if error.errno is None:  # the words of a library, or ours
        return Failure(text, "See what ails it")
    if error.errno in (errno.ENOSPC, errno.EPIPE, errno.EBADF, errno.EIO) and error.filename is None:
        return Failure(f"What was to be said could not be written ({error.strerror or text})", "See where it leads to")
    if error.filename is None:
        advice = "Let TMPDIR name a folder that can be written" if "temporary directory" in text else "Please report it"
        return Failure(error.strerror or text, advice)
    written = isinstance(error, WriteError)
    what, advice = BY_NUMBER.get(error.errno or 0, UNKNOWN)
    doing, done = ("writing", "written") if written else ("reading", "read")
    said = f"{what.format(done=done)}: {doing} {error.filename} ({error.strerror or text})"
    return Failure(said, advice + ELSEWHERE * written)
