"""Runs Windows programs under Wine, among them the Windows Python that build.py makes; README.md says how far."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath

from addin.setup.excel import ADD_IN
from cnn.runs import Lock
from tests.windows import build

ROOT = Path(__file__).resolve().parents[2]
PYTHON = r"C:\Python311\python.exe"
HARD_NAME = "Übung & 'Netz' (1) [a]"


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
        wine.remove_add_in()  # of one that was killed
        try:
            yield wine
        finally:
            subprocess.run(["wineserver", "--kill"], env=wine.environment)
            wine.remove_add_in()


@contextlib.contextmanager
def _locked(folder: Path, wait: bool = True) -> Iterator[None]:
    """Hold a folder's lock; BlockingIOError where another has it and this shall not wait."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = Lock(folder)
    while not lock.acquire():
        if not wait:
            raise BlockingIOError(str(folder))
    try:
        yield
    finally:
        lock.release()


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
    variables: dict[str, str] = field(default_factory=dict)  # more of them for every program

    @property
    def environment(self) -> dict[str, str]:
        """No display, so no window waits for anyone."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return {**kept, **build.environment(self.folder), **self.variables}

    @property
    def drive_c(self) -> Path:
        return self.folder / "prefix/drive_c"

    def remove_add_in(self) -> None:
        """Take away what start.py puts beside Excel's add-ins, for whoever uses this Windows next."""
        for path in self.drive_c.glob(f"users/*/AppData/Roaming/Microsoft/AddIns/{ADD_IN}"):
            path.unlink()

    def run(
        self, *words: object, folder: Path | None = None, timeout: float = 600, **variables: str
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


@dataclass(frozen=True)
class Project:
    """A copy of this project on that Windows, where its environment goes into .venv."""

    wine: Wine
    folder: Path

    @classmethod
    def copied(cls, wine: Wine, parent: Path) -> Project:
        """What git has of the project, in a folder whose name is hard to quote."""
        project = cls(wine, parent / HARD_NAME)
        git = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(git, cwd=ROOT, capture_output=True, check=True).stdout.decode()
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file():
                (project.folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / name, project.folder / name)
        return project

    @property
    def path(self) -> str:
        return windows_path(self.folder)

    @property
    def python(self) -> str:
        return rf"{self.path}\.venv\Scripts\python.exe"
