"""Wine with a Windows Python, and a project folder in it with a name that is hard to quote."""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.needs import require
from tests.windows import build
from tests.windows.wine import PYTHON, Wine, started, windows_path

ROOT = Path(__file__).resolve().parents[2]
HARD_NAME = "Übung & 'Netz' (1) [a]"


@pytest.fixture(scope="session")
def wine() -> Iterator[Wine]:
    if lack := build.lack():
        require("windows", lack)
    with started() as wine:
        yield wine


@dataclass(frozen=True)
class Project:
    """A copy of this project on that Windows, with an environment of its own."""

    folder: Path

    @property
    def path(self) -> str:
        return windows_path(self.folder)

    @property
    def python(self) -> str:
        return rf"{self.path}\.venv\Scripts\python.exe"


@pytest.fixture(scope="session")
def project(wine: Wine, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """What git has of the project, in a folder with a blank, an &, quotes, brackets and an umlaut."""
    folder = tmp_path_factory.mktemp("windows") / HARD_NAME
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in listed.stdout.decode().split("\0"):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    made = wine.run(PYTHON, "-m", "venv", "--without-pip", windows_path(folder / ".venv"))
    assert made.returncode == 0, made.stderr
    site = folder / ".venv/Lib/site-packages"
    site.rmdir()
    site.symlink_to(wine.drive_c / "Python311/Lib/site-packages")
    for dll in wine.drive_c.glob("Python311/xlwings*.dll"):
        shutil.copy(dll, folder / ".venv")
    return Project(folder)
