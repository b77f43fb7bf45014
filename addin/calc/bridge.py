"""The office's side of the worker process: start it on first use, ask it, replace it when it died or hung.

Standard library only, Python 3.9: it runs in the office's own Python, which has no numpy.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from typing import Callable

from addin import __version__, launch
from addin.calc.document import Rows
from addin.calc.pipe import Pipe
from cnn.runs import home

TIMEOUT = 20.0  # seconds; the window waits as long, so no computation may take longer
PAUSE = 3.0  # seconds after a failure: the other cells of the sheet must not each wait for it
RENEW = 'run "python start.py" in the backprop folder, then press Ctrl+Shift+F9'


class NoAnswer(Exception):
    """The worker died, hung, or could not start; the text is what the cell shows."""


def project() -> dict[str, str]:
    """The project's environment as `start.py` wrote it. Raises NoAnswer saying what is missing."""
    found = launch.environment()
    if found is None:
        raise NoAnswer(f"#python: no environment in {home()}: {RENEW}")
    if not os.path.exists(found["interpreter"]):
        raise NoAnswer(f"#python: {found['interpreter']} is gone: {RENEW}")
    if found["version"] != __version__:
        raise NoAnswer(f"#python: the extension is {__version__}, the project {found['version']}: {RENEW}")
    return found


class Worker:
    """One worker process and the pipe to it."""

    def __init__(self, environment: dict[str, str], module: str):
        with open(home() / "worker.log", "ab") as log:
            self.process = subprocess.Popen(
                [environment["interpreter"], "-m", module],
                cwd=environment["project"],
                env=launch.variables(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        assert self.process.stdin
        assert self.process.stdout
        self.pipe = Pipe(self.process.stdin, self.process.stdout)

    def end(self) -> None:
        """Kill the process and collect it."""
        self.process.kill()
        self.process.wait()
        self.pipe.close()


class Bridge:
    """Calls cell functions in a worker that is there whenever one is needed."""

    def __init__(
        self,
        module: str = "addin.calc.worker",
        timeout: float = TIMEOUT,
        environment: Callable[[], dict[str, str]] = project,
    ) -> None:
        self.timeout = timeout
        self._module, self._environment = module, environment
        self._worker: Worker | None = None
        self._failure, self._until = "", 0.0
        self._lock = threading.Lock()

    def call(self, function: str, arguments: tuple[object, ...]) -> Rows:
        """The block of cells, a sequence of rows; what goes wrong is one cell of text, which begins with '#'."""
        with self._lock:
            if time.monotonic() > self._until:
                try:
                    return self._ask(function, arguments)
                except NoAnswer as error:
                    self._failure, self._until = str(error), time.monotonic() + PAUSE
            return ((self._failure,),)

    def _ask(self, function: str, arguments: tuple[object, ...]) -> Rows:
        for _ in range(2):  # a worker that died is replaced: functions are pure, so asking again is safe
            try:
                answer: Rows = self._running().pipe.exchange((function, arguments), self.timeout)
                return answer
            except TimeoutError:
                self.end()
                waited = f"#python: no answer in {self.timeout:.0f} s"
                raise NoAnswer(f"{waited}; press Ctrl+Shift+F9 to ask again") from None
            except (OSError, EOFError):
                self.end()
        raise NoAnswer(f"#python: the worker ended; {home() / 'worker.log'} says why: {RENEW}")

    def _running(self) -> Worker:
        if self._worker is None:
            try:
                self._worker = Worker(self._environment(), self._module)
            except OSError as error:
                raise NoAnswer(f"#python: {error}: {RENEW}") from error
        return self._worker

    def end(self) -> None:
        """End the worker; the next call starts another."""
        if self._worker is not None:
            self._worker.end()
            self._worker = None
