"""What the commands of the image network share: how they read their options, what they may lack, how they end."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from cnn.runs.advice import as_failure
from cnn.runs.log import Failure
from cnn.runs.settings import SettingsError


def need(*packages: str) -> None:
    """Raise Failure where a package that only some need is not installed."""
    if missing := " ".join(name for name in packages if not find_spec(name)):
        advice = f"Install it into the project's .venv: python -m pip install {missing}"
        raise Failure(f"What this needs is not here: {missing}", advice)


def run_name(text: str) -> Path:
    """The path or name of a run, as it was typed.

    Raises ArgumentTypeError for a home that there is not, and for a blank, which a variable that is not set leaves.
    """
    if not text.strip():
        raise argparse.ArgumentTypeError("it is blank")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise argparse.ArgumentTypeError(f"{text!r} begins with the home folder of nobody here") from error


class Parser(argparse.ArgumentParser):
    """`python start.py NAME`, explained by a module's docstring. Options are typed in full; a wrong one is one line."""

    def __init__(self, name: str, doc: str | None):
        usage, _, rest = (doc or "").partition("\n\n")
        layout = argparse.RawDescriptionHelpFormatter
        super().__init__(f"python start.py {name}", None, usage, rest, formatter_class=layout, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        raise SettingsError(message, "--help shows every option")


def carry_out(name: str, work: Callable[[], int]) -> int:
    """The exit code of `work`, or of what it failed with, which is said in a line."""
    for stream in (sys.stdout, sys.stderr):  # a name that this terminal cannot show is escaped
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        return work()
    except Exception as error:
        failure = as_failure(error)
        print(f"{name}: {failure}", file=sys.stderr)
        return failure.exit_code
