"""What the commands say, on streams that may be closed, or that nobody reads any more."""

from __future__ import annotations

import io
import os
import sys


class Lenient(io.TextIOWrapper):
    """A stream to write to: once it cannot be written, what is written goes nowhere."""

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError:
            self.give_up()
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError:
            self.give_up()

    def give_up(self) -> None:
        """Lead it nowhere, what is still to be written too: Python writes that out when it ends."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())


def prepare() -> None:
    """Make stdout and stderr lenient; one that was closed at the start leads nowhere.

    A number that is free would be taken by the next file that is opened, and what a library says to stderr would be
    written into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number
    sys.stdout, sys.stderr = lenient(sys.stdout, 1), lenient(sys.stderr, 2)


def lenient(stream: object, number: int) -> Lenient:
    """The stream in place of `stream`, which is None where it was closed."""
    encoding = stream.encoding if isinstance(stream, io.TextIOWrapper) else "utf-8"
    buffer = stream.detach() if isinstance(stream, io.TextIOWrapper) else open(number, "wb", closefd=False)  # noqa: SIM115
    return Lenient(buffer, encoding, errors="backslashreplace", line_buffering=True)


def say(line: str) -> None:
    """A plain line on stdout, at once."""
    print(line, flush=True)
