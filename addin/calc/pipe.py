"""Messages over pipes: a length (4 bytes, big endian) and a pickle (protocol 4) of plain tuples, numbers and texts.

What `multiprocessing` would send; written out because the two ends may be different versions of Python. Standard
library only, Python 3.9: the office's side runs in the office's own Python.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import select
import struct
import threading
import time
from typing import IO, Any, Callable

LENGTH = struct.Struct(">I")
PIECE = 1 << 16  # bytes a look takes at most: what a pipe holds


def packed(message: object) -> bytes:
    """The bytes of one message."""
    body = pickle.dumps(message, protocol=4)
    return LENGTH.pack(len(body)) + body


def receive(read: Callable[[int], bytes]) -> Any:
    """The next message; read(n) gives n bytes, fewer at the end. Raises EOFError there."""
    head = read(LENGTH.size)
    if len(head) < LENGTH.size:
        raise EOFError
    (length,) = LENGTH.unpack(head)
    body = read(length)
    if len(body) < length:
        raise EOFError
    return pickle.loads(body)


class PolledPipe:
    """A request and its answer, where the system can wait for a pipe: no thread stands between."""

    def __init__(self, requests: IO[bytes], answers: IO[bytes]):
        self._requests, self._answers = requests, answers
        self._writable, self._readable = select.poll(), select.poll()
        self._writable.register(requests, select.POLLOUT)
        self._readable.register(answers, select.POLLIN)
        os.set_blocking(requests.fileno(), False)

    def exchange(self, message: object, timeout: float) -> Any:
        """The answer to a message. Raises TimeoutError, or another OSError or EOFError when the other end is gone."""
        end = time.monotonic() + timeout
        self._write(memoryview(packed(message)), end)
        answer = self._look(bytearray(), end)  # a short one comes whole
        while len(answer) < LENGTH.size or len(answer) < LENGTH.size + LENGTH.unpack_from(answer)[0]:
            self._look(answer, end)
        return pickle.loads(memoryview(answer)[LENGTH.size :])

    def _write(self, data: memoryview, end: float) -> None:
        while data:
            try:
                data = data[os.write(self._requests.fileno(), data) :]
            except BlockingIOError:  # more than a pipe holds: the other end has to read first
                self._wait(self._writable, end)

    def _look(self, answer: bytearray, end: float) -> bytearray:
        """Wait for more of the answer and add it."""
        self._wait(self._readable, end)
        piece = os.read(self._answers.fileno(), PIECE)
        if not piece:
            raise EOFError
        answer += piece
        return answer

    @staticmethod
    def _wait(poll: select.poll, end: float) -> None:
        if not poll.poll(max(0.0, 1000 * (end - time.monotonic()))):
            raise TimeoutError

    def close(self) -> None:
        """Close both ends that are ours; the other process has ended."""
        close(self._requests, self._answers)


class ThreadedPipe:
    """The same for Windows, which can wait for a pipe only in a thread that is given up when it takes too long."""

    def __init__(self, requests: IO[bytes], answers: IO[bytes]):
        self._requests, self._answers = requests, answers
        self._sent: queue.SimpleQueue[object] = queue.SimpleQueue()
        self._received: queue.SimpleQueue[tuple[Any, Exception | None]] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def exchange(self, message: object, timeout: float) -> Any:
        """The answer to a message. Raises TimeoutError, or EOFError when the other end is gone."""
        self._sent.put(message)
        try:
            answer, error = self._received.get(timeout=timeout)
        except queue.Empty:
            raise TimeoutError from None
        if error:
            raise EOFError from error
        return answer

    def _serve(self) -> None:
        while (message := self._sent.get()) is not None:
            try:
                self._requests.write(packed(message))
                self._requests.flush()
                self._received.put((receive(self._answers.read), None))
            except (OSError, EOFError, ValueError) as error:
                self._received.put((None, error))

    def close(self) -> None:
        """Close both ends that are ours; the other process has ended."""
        self._sent.put(None)
        self._thread.join()
        close(self._requests, self._answers)


def close(*streams: IO[bytes]) -> None:
    """Close streams, whatever a dead process left in them."""
    for stream in streams:
        with contextlib.suppress(OSError):
            stream.close()


Pipe = PolledPipe if hasattr(select, "poll") else ThreadedPipe
