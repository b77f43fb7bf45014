"""The lock of a run folder: an OS lock, which a kill releases; this is how a reader knows that a run is alive."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

PATIENCE = 1.0  # seconds a trainer waits for the lock: a reader's probe holds it for microseconds


def _try_lock(handle: int, shared: bool) -> bool:
    """Lock the open file without waiting: shared for a reader's probe, so that two probes do not see each other."""
    try:
        if sys.platform == "win32":  # no shared lock there: is_alive looks again
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        return True
    except (BlockingIOError, PermissionError):
        return False


class Lock:
    """The lock of a run folder, which one trainer holds for as long as it lives."""

    def __init__(self, folder: Path):
        self.path = os.path.join(folder, "lock")
        self.handle: int | None = None

    def acquire(self) -> bool:
        """Take the lock; False where another trainer holds it. Raises OSError where the folder cannot be written."""
        self.handle = handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
        deadline = time.monotonic() + PATIENCE
        while not _try_lock(handle, shared=False):
            if time.monotonic() > deadline:
                self.release()
                return False
            time.sleep(0.02)
        return True

    def release(self) -> None:
        if self.handle is not None:
            os.close(self.handle)
        self.handle = None


def is_alive(folder: Path) -> bool:
    """Whether a trainer holds the lock of this folder. Creates nothing, and keeps no trainer from starting."""
    probe = Lock(folder)
    try:
        probe.handle = handle = os.open(probe.path, os.O_RDONLY)
        return not any(_try_lock(handle, shared=True) for _ in range(3 if os.name == "nt" else 1))
    except OSError:
        return False
    finally:
        probe.release()
