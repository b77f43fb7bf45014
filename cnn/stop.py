"""Hears what asks a run to end: signals, and the file `stop` in its folder."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

from cnn import runs

NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGBREAK")  # Slurm warns by SIGUSR1; SIGBREAK is Windows' own
SIGNALS = tuple(getattr(signal, name) for name in NAMES if hasattr(signal, name))
CTRL_C, TERMINATED = 130, 143  # exit codes: 128 and the number of SIGINT, of SIGTERM


class Stopped(BaseException):
    """The run was asked to end. It is no Exception, so that nothing on its way takes it for an error."""

    def __init__(self, exit_code: int):
        super().__init__(exit_code)
        self.exit_code = exit_code


class Stop:
    """Notes a signal, and raises Stopped once: at the next `check`, and where `gentle` is not set at once.

    While it is `gentle`, between batches, only a second signal ends at once. Inside an import nothing is raised, since
    the code of a package may eat it there: `check` raises it afterwards. `folders` may hold a file that asks, too.
    """

    def __init__(self) -> None:
        self.gentle, self.over, self.asked = False, False, 0
        self.raised: Stopped | None = None
        self.folders: list[Path] = []

    def hear_signals(self) -> None:
        """Note them from here on, and raise nothing before `listen`. What nohup has ignored stays ignored."""
        self.over = True
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self.hear)
        if hasattr(signal, "pthread_sigmask"):  # start.py blocks them while it hands over
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)

    def listen(self) -> None:
        """Raise Stopped from here on; for a signal that came before, at once."""
        self.over = False
        self.check()

    def fall_silent(self) -> None:
        """Ignore them from here on: while Python winds down it would hear none, and each would end it at once."""
        for number in SIGNALS:
            if signal.getsignal(number) == self.hear:
                signal.signal(number, signal.SIG_IGN)

    def hear(self, number: int, frame: FrameType | None) -> None:
        only_asks = (self.gentle and not self.asked) or self.over or is_importing(frame)
        self.asked = self.asked or number
        if not only_asks:
            self.end()

    @contextlib.contextmanager
    def gently(self, folder: Path) -> Iterator[None]:
        """While the run in this folder trains: obey its file too. Once it is complete, nothing ends it any more."""
        self.gentle, self.over = True, False
        self.folders.append(folder)
        try:
            yield
            self.check()
        finally:  # a series goes on after one that failed
            self.folders.remove(folder)
        self.gentle, self.over = False, True

    def check(self) -> None:
        """Raise Stopped when a signal or a file has asked for it."""
        if self.asked:
            self.end()
        if any(runs.stop_requested(folder) for folder in self.folders):
            raise Stopped(0)

    def agreed(self, largest: Callable[[int], int]) -> Callable[[], None]:
        """A `check` that raises Stopped in all processes of a run at the same batch.

        `largest` gives the largest number that any of them names.
        """

        def check() -> None:
            asked = 0
            try:
                self.check()
            except Stopped as stopped:
                asked = 1 + stopped.exit_code
            if asked := largest(asked):
                raise Stopped(asked - 1)

        return check

    def end_at_once(self) -> None:
        """Let a signal end the process: while it waits in PyTorch, Python would not hear it. One that came raises."""
        for number in SIGNALS:
            if signal.getsignal(number) == self.hear:
                signal.signal(number, signal.SIG_DFL)
        self.check()

    def end(self) -> None:
        """Raise Stopped; from here on signals change nothing."""
        self.over = True
        self.raised = Stopped(CTRL_C if self.asked == signal.SIGINT else TERMINATED)
        raise self.raised


def is_importing(frame: FrameType | None) -> bool:
    """Whether a module is being imported in this frame or in one that called it."""
    while frame and not frame.f_code.co_filename.startswith("<frozen importlib"):
        frame = frame.f_back
    return frame is not None
