"""The worker process: computes cell functions in the project's environment, for one office, over its own pipes.

`bridge.py` starts it as `python -m addin.calc.worker`. A request is (function, arguments), the answer the block of
cells. It ends when the office closes the pipe, or dies.
"""

import contextlib
import os
import sys
import traceback
from collections.abc import Callable

from addin import functions
from addin.calc.pipe import packed, receive
from addin.cells import Rows


def answer(function: str, arguments: tuple[object, ...]) -> Rows:
    """The block of cells; a fault of our own is one text, and its traceback goes to the worker's log."""
    try:
        return functions.call(function, arguments)
    except Exception as error:  # a cell must get an answer, whatever went wrong
        traceback.print_exc()
        return [[f"#{function}: {type(error).__name__}: {error} (a fault in backprop; details in worker.log)"]]


def serve(answer: Callable[[str, tuple[object, ...]], Rows]) -> None:
    """Answer until the pipe closes. What the mathematics prints must not reach the pipe: it goes to the log."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(sys.stderr.fileno(), 1)
    with contextlib.suppress(EOFError):
        while True:
            answers.write(packed(answer(*receive(requests.read))))
            answers.flush()


if __name__ == "__main__":
    serve(answer)
