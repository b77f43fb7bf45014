"""Answers of a worker that takes seconds to load: each is asked for once, and shown when it comes.

A thread asks the worker, one request after another, so that no cell waits. Standard library only, Python 3.9: it runs
inside LibreOffice's own Python, and in Excel's Python server.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import OrderedDict
from typing import Any, Callable

from addin.calc.bridge import Bridge
from addin.calc.document import Rows

KEPT = 500  # answers
LOADING_TIME = 120.0  # seconds that the first answer may take
IDLE = 600.0  # seconds without a request, after which the worker is ended
RETRY = 3.0  # seconds after which a failure is asked for anew
Request = tuple[str, tuple[object, ...]]  # the function and its arguments
Later = Callable[[], tuple[Any, Callable[[Rows], None]]]


class Entry:
    """What is shown of a request, and when its failure came."""

    def __init__(self, shown: Any, tell: Callable[[Rows], None]):
        self.shown, self.tell, self.failed = shown, tell, 0.0


class Answers:
    """The answers of one worker. `later` makes what is shown, and what tells it the rows once they are there."""

    def __init__(self, bridge: Bridge, idle: float = IDLE):
        self._bridge, self._idle = bridge, idle
        self._entries: OrderedDict[Request, Entry] = OrderedDict()
        self._requests: queue.Queue[Request] = queue.Queue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def shown(self, request: Request, later: Later) -> Any:
        """What is shown of this request: always the same, until it is forgotten."""
        with self._lock:
            entry = self._entries.get(request)
            if entry is None:
                entry = self._entries[request] = Entry(*later())
                self._ask(request)
            elif entry.failed and time.monotonic() > entry.failed + RETRY:
                entry.failed = 0.0
                self._ask(request)
            self._entries.move_to_end(request)
            while len(self._entries) > KEPT:
                self._entries.popitem(last=False)
            return entry.shown

    def _ask(self, request: Request) -> None:
        self._requests.put(request)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, daemon=True)
            self._thread.start()

    def _work(self) -> None:
        """In a thread of its own: ask, tell, and end the worker when nobody has asked for a while."""
        while True:
            try:
                request = self._requests.get(timeout=self._idle)
            except queue.Empty:
                with self._lock:
                    if self._requests.empty():
                        self._bridge.end()
                        self._thread = None
                        return
                continue
            rows = self._bridge.call(*request)
            with self._lock:
                entry = self._entries.get(request)
                if entry and is_failure(rows):
                    entry.failed = time.monotonic()
            if entry:
                entry.tell(rows)


def is_failure(rows: Rows) -> bool:
    return isinstance(rows[0][0], str)


def filled(arguments: tuple[object, ...], chosen_run: Callable[[], str]) -> tuple[object, ...]:
    """The arguments, with the chosen run where the last one is left out."""
    *given, run = arguments
    text = run[0][0] if isinstance(run, (tuple, list)) else run
    return (*given, chosen_run() if text in (None, "", 0.0) else text)
