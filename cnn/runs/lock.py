"""Who holds a run folder: an OS lock, which a kill releases; this is how a reader knows that a run is alive.

A file system without locks (NFS, Lustre) leaves three signs, in the file `holder`: the host, the process, and a
heartbeat, since the file is touched every BEAT seconds. What they do not tell for certain is unsure, never dead.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import platform
import sys
import threading
import time
from pathlib import Path
from typing import Literal

from cnn.runs.folder import open_own

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

PATIENCE = 1.0  # seconds a trainer waits for the lock: a reader's probe holds it for microseconds
BEAT = 5.0  # seconds between two signs of life
FRESH = 30.0  # seconds in which a sign of life is believed
NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP}
Liveness = Literal["alive", "dead", "unsure"]


def _try_lock(handle: int, shared: bool) -> bool:
    """Lock the open file without waiting: shared for a reader's probe, so that two probes do not see each other."""
    try:
        if sys.platform == "win32":  # no shared lock there: liveness looks again
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        return True
    except (BlockingIOError, PermissionError):
        return False


class Lock:
    """The lock of a run folder, which one trainer holds for as long as it lives."""

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        self.handle: int | None = None
        self.beating: threading.Event | None = None  # set: the heart stops

    def acquire(self, force: bool = False) -> bool:
        """Take the lock; False where another trainer holds it, or, without `force`, may hold it. Raises OSError."""
        self.handle = handle = open_own(self.folder / "lock", os.O_RDWR | os.O_CREAT)
        deadline = time.monotonic() + PATIENCE
        try:
            while not _try_lock(handle, shared=False):
                if time.monotonic() > deadline:
                    self.release()
                    return False
                time.sleep(0.02)
        except OSError as error:
            self.release()
            if error.errno not in NO_LOCKS:
                raise
            return self._is_free(force) and self._sign()
        if not self._is_there():  # one that never began has removed it meanwhile
            self.release()
            return self.acquire(force)
        if not self._is_free(force):  # a trainer whose machine sees no locks here
            self.release()
        return self.handle is not None

    def _is_there(self) -> bool:
        """Whether the file that is locked is the folder's still."""
        try:
            return self.handle is not None and os.path.samestat(os.fstat(self.handle), os.stat(self.folder / "lock"))
        except FileNotFoundError:
            return False

    def _is_free(self, force: bool) -> bool:
        """Whether no file `holder` says otherwise; one whose process has ended, or that is to be ignored, goes."""
        path = self.folder / "holder"
        free = force or not path.exists() or _liveness_by(path) == "dead"
        if free:
            path.unlink(missing_ok=True)
        return free

    def _sign(self) -> bool:
        """In place of a lock: say in the file `holder` who holds the folder, and go on saying so."""
        path = self.folder / "holder"
        try:
            with open(open_own(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "w") as file:
                json.dump({"host": _host(), "pid": os.getpid()}, file)
        except FileExistsError:  # another was first
            return False
        self.beating = threading.Event()
        threading.Thread(target=_beat, args=(path, self.beating), daemon=True).start()
        return True

    def release(self) -> None:
        if self.handle is not None:
            os.close(self.handle)
        if self.beating:
            self.beating.set()
            (self.folder / "holder").unlink(missing_ok=True)
        self.handle = self.beating = None

    def remove(self) -> None:
        """Release it and leave no file. Who has waited for it meanwhile takes a new one."""
        path = self.folder / "lock"
        if os.name == "nt":  # where nobody can remove a file that is open
            self.release()
        with contextlib.suppress(PermissionError):  # another has it open there
            path.unlink(missing_ok=True)
        self.release()


def _beat(path: Path, ended: threading.Event) -> None:
    while not ended.wait(BEAT):
        with contextlib.suppress(OSError):  # the folder is gone, or cannot be reached for a while
            os.utime(path)


def liveness(folder: str | Path) -> Liveness:
    """Whether a trainer holds this folder. Creates nothing, and keeps no trainer from starting."""
    holder = Path(folder) / "holder"
    try:
        handle = open_own(Path(folder) / "lock", os.O_RDONLY)
    except OSError:
        return _liveness_by(holder) if holder.exists() else "dead"
    try:
        if not any(_try_lock(handle, shared=True) for _ in range(3 if os.name == "nt" else 1)):
            return "alive"
        return _liveness_by(holder) if holder.exists() else "dead"
    except OSError:
        return _liveness_by(holder) if holder.exists() else "unsure"
    finally:
        os.close(handle)


def is_alive(folder: str | Path) -> bool:
    """Whether a trainer holds this folder for certain."""
    return liveness(folder) == "alive"


def holder_of(folder: Path) -> str | None:
    """Who holds the folder by its file `holder`, for a person; None where a lock says it."""
    try:
        (host, pid), age = _signed(folder / "holder"), time.time() - os.path.getmtime(folder / "holder")
        return f"process {pid} on {host.split()[0]}, whose last sign of life is {age:.0f} s old"
    except (OSError, ValueError, IndexError):
        return None


def _liveness_by(holder: Path) -> Liveness:
    """What the file says. Only of a process of this host it is certain that it has ended."""
    try:
        host, pid = _signed(holder)
        fresh = time.time() - os.path.getmtime(holder) < FRESH
    except FileNotFoundError:
        return "dead"
    except (OSError, ValueError):
        return "unsure"
    if host == _host() and not _exists(pid):
        return "dead"
    return "alive" if fresh else "unsure"


def _signed(holder: Path) -> tuple[str, int]:
    """Host and process. Raises OSError, ValueError."""
    try:
        found = json.loads(holder.read_bytes())
        return str(found["host"]), int(found["pid"])
    except (TypeError, KeyError, RecursionError) as error:
        raise ValueError(str(holder)) from error


def _host() -> str:
    """This host's name, and where processes have numbers of their own (a container), which."""
    try:
        return f"{platform.node()} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return platform.node()


def _exists(pid: int) -> bool:
    """Whether there is such a process here; True where that cannot be told."""
    if os.name == "nt":  # os.kill with signal 0 would send Ctrl-C there
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True
