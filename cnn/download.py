"""Downloads MNIST or one of its kind by torchvision, from the mirror that answers first."""

from __future__ import annotations

import contextlib
import http.client
import io
import os
import queue
import socket
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cnn import runs
from cnn.official import DataError, instead

MEGABYTES = {"MNIST": 11, "FashionMNIST": 30, "KMNIST": 20}  # of the download
PATIENCE = 20.0  # seconds without an answer, after which a server counts as unreachable
Answers = queue.Queue[tuple[str, object]]  # a mirror, and why it cannot be had (None where it can)


def torchvision(kind: str) -> Any:
    """torchvision's class of a set."""
    from torchvision import datasets  # takes seconds to import, and few runs need any of it

    return getattr(datasets, kind)


def download(kind: str, cache: Path, say: Callable[[str], None]) -> None:
    """Fetch a set into the folder that keeps them for all runs, by torchvision. Raises DataError, OSError."""
    dataset = torchvision(kind)
    mirrors = _answering(kind, dataset.mirrors, dataset.resources[1][0])
    say(f"Downloading {kind} ({MEGABYTES[kind]} MB) to {cache}")
    with runs.writing(cache):
        cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as staging:
        _download(dataset, mirrors, staging)
        with contextlib.suppress(OSError):  # another run was first
            os.replace(Path(staging, kind), cache / kind)


def _download(dataset: Any, mirrors: list[str], folder: str) -> None:
    kind = dataset.__name__
    quiet = contextlib.nullcontext() if sys.stderr.isatty() else contextlib.redirect_stderr(io.StringIO())
    socket.setdefaulttimeout(PATIENCE)
    try:
        with quiet:
            type(kind, (dataset,), {"mirrors": mirrors})(folder, download=True)
    except RuntimeError as error:
        what = f"what came is not {kind} (a login page of the network?)"
        raise DataError(f"{kind} could not be downloaded: {what}", instead(kind)) from error
    except (OSError, http.client.HTTPException) as error:
        raise DataError(f"{kind} could not be downloaded ({error})", instead(kind)) from error
    finally:
        socket.setdefaulttimeout(None)


def _answering(kind: str, mirrors: list[str], file: str) -> list[str]:
    """The mirrors, the first to answer in front. Raises DataError when none answers within PATIENCE."""
    answers: Answers = queue.Queue()
    for mirror in mirrors:  # daemons: a name server that never answers must not keep the program from ending
        threading.Thread(target=_ask, args=(mirror, file, answers), daemon=True).start()
    reason: object
    reason, deadline = f"no answer within {PATIENCE:.0f} s", time.monotonic() + PATIENCE
    with contextlib.suppress(queue.Empty):
        for _ in mirrors:
            mirror, reason = answers.get(timeout=max(0, deadline - time.monotonic()))
            if reason is None:
                return sorted(mirrors, key=mirror.__ne__)
    raise DataError(f"{kind} cannot be reached ({reason})", instead(kind))


def _ask(mirror: str, file: str, answers: Answers) -> None:
    try:
        with urllib.request.urlopen(urllib.request.Request(mirror + file, method="HEAD"), timeout=PATIENCE):
            answers.put((mirror, None))
    except (OSError, ValueError, http.client.HTTPException) as error:
        answers.put((mirror, getattr(error, "reason", None) or error))
