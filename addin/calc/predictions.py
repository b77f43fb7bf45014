"""Answers of a worker that takes seconds to load: each is asked for once, and shown when it comes.

A thread asks the worker, one request after another, so that no cell waits for it to load; once it has, its answer is
there within a moment, and the cell has it at once. Standard library only, Python 3.9: it runs inside LibreOffice's own
Python, and in Excel's Python server.
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
MOMENT = 0.05  # seconds that a cell waits for a worker that has nothing else to do; an answer takes a tenth of them
Request = tuple[str, tuple[object, ...]]  # the function and its arguments
Later = Callable[[], tuple[Any, Callable[[Rows], None]]]


class Entry:
    """What is shown of a request until its answer is there, the answer, and when it was a failure."""

    def __init__(self, shown: Any, tell: Callable[[Rows], None]):
        self.shown, self.tell, self.failed = shown, tell, 0.0
        self.rows: Rows | None = None
        self.come = threading.Event()

    def is_due(self) -> bool:
        """Whether its failure is so old that the worker may know better now."""
        return bool(self.failed) and time.monotonic() > self.failed + RETRY

    def answered(self, rows: Rows) -> None:
        self.rows, self.failed = rows, time.monotonic() if is_failure(rows) else 0.0
        self.come.set()

    def forget(self) -> None:
        self.rows, self.failed = None, 0.0
        self.come.clear()


class Answers:
    """The answers of one worker. `later` makes what is shown, and what tells it the rows once they are there."""

    def __init__(self, bridge: Bridge, idle: float = IDLE):
        self._bridge, self._idle = bridge, idle
        self._entries: OrderedDict[Request, Entry] = OrderedDict()
        self._requests: queue.Queue[Request] = queue.Queue()
        self._open = 0  # requests without an answer
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def shown(self, request: Request, later: Later) -> tuple[Any, Rows | None]:
        """What is shown of this request, always the same until it is forgotten; and its answer where that is there."""
        with self._lock:
            entry, soon = self._entries.get(request), False
            if entry is None:
                entry = self._entries[request] = Entry(*later())
                soon = self._ask(request)
            elif entry.is_due():
                entry.forget()
                soon = self._ask(request)
            self._entries.move_to_end(request)
            while len(self._entries) > KEPT:
                self._entries.popitem(last=False)
        if soon:
            entry.come.wait(MOMENT)
        return entry.shown, entry.rows

    def _ask(self, request: Request) -> bool:
        """Whether the worker is there and has nothing else to do."""
        self._requests.put(request)
        self._open += 1
        if self._thread is not None:
            return self._open == 1
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()
        return False

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
                self._open -= 1
                if entry := self._entries.get(request):
                    entry.answered(rows)
            if entry:
                entry.tell(rows)


def is_failure(rows: Rows) -> bool:
    return isinstance(rows[0][0], str)


def filled(arguments: tuple[object, ...], chosen_run: Callable[[], str]) -> tuple[object, ...]:
    """The arguments, with the chosen run where the last one is left out."""
    *given, run = arguments
    text = run[0][0] if isinstance(run, (tuple, list)) else run
    return (*given, chosen_run() if text in (None, "", 0.0) else text)
