"""Runs Windows programs under Wine, among them the Windows Python that build.py makes; README.md says how far."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from tests.windows import build

PYTHON = r"C:\Python311\python.exe"


@contextlib.contextmanager
def started() -> Iterator[Wine]:
    """Wine with its Python, built where it is missing, for one user at a time: the registry is shared."""
    folder = build.folder()
    with _locked(folder):
        if not (folder / "finished").exists():
            _remove_older(folder)
            build.build(folder)
            (folder / "finished").touch()
        wine = Wine(folder)
        try:
            yield wine
        finally:
            subprocess.run(["wineserver", "--kill"], env=wine.environment)


@contextlib.contextmanager
def _locked(folder: Path, wait: bool = True) -> Iterator[None]:
    """Hold a folder's lock; BlockingIOError where another has it and this shall not wait."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield


def _remove_older(folder: Path) -> None:
    """Each takes a gigabyte; one that is in use stays."""
    for other in folder.parent.glob("windows-*"):
        with contextlib.suppress(BlockingIOError):
            if other != folder:
                with _locked(other, wait=False):
                    shutil.rmtree(other)


@dataclass(frozen=True)
class Wine:
    """A prefix of Wine, which is a Windows with its drive C and its registry."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """No display, so no window waits for anyone."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return {**kept, **build.environment(self.folder)}

    @property
    def drive_c(self) -> Path:
        return self.folder / "prefix/drive_c"

    def run(
        self, *words: object, folder: Path | None = None, timeout: float = 120, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a Windows program to its end."""
        with self.start(*words, folder=folder, **variables) as process:
            try:
                said, complained = process.communicate(timeout=timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return subprocess.CompletedProcess(words, process.returncode, said, complained)

    def start(self, *words: object, folder: Path | None = None, **variables: str) -> subprocess.Popen[str]:
        """Start a Windows program; pipes, because Wine can make a Windows handle of nothing else."""
        return subprocess.Popen(
            ["wine", *map(str, words)],
            cwd=folder,
            env={**self.environment, **variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
        )


def windows_path(path: Path) -> str:
    """A path of this machine as Windows programs see it: drive Z is /."""
    return str(PureWindowsPath("Z:/", *path.absolute().parts[1:]))
