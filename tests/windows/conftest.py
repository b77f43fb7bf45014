"""Wine with a Windows Python, and the project on that Windows."""

import shutil
from collections.abc import Iterator

import pytest

from tests.needs import require
from tests.windows import build
from tests.windows.wine import PYTHON, Project, Wine, started


@pytest.fixture(scope="session")
def wine() -> Iterator[Wine]:
    if lack := build.lack():
        require("windows", lack)
    with started() as wine:
        yield wine


@pytest.fixture(scope="session")
def project(wine: Wine, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the project in a folder with a blank, an &, quotes, brackets and an umlaut, with an environment."""
    project = Project.copied(wine, tmp_path_factory.mktemp("windows"))
    made = wine.run(PYTHON, "-m", "venv", "--without-pip", rf"{project.path}\.venv")
    assert made.returncode == 0, made.stderr
    site = project.folder / ".venv/Lib/site-packages"
    site.rmdir()
    site.symlink_to(wine.drive_c / "Python311/Lib/site-packages")
    for dll in wine.drive_c.glob("Python311/xlwings*.dll"):
        shutil.copy(dll, project.folder / ".venv")
    return project
