"""Every line that the README and the pages beside it tell to type works in a fresh clone, with the system's Python."""

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

import start
from addin.setup import packages
from tests import learners
from tests.test_readme import PAGES, PROJECT, README

LINE = re.compile(r"^    python (start\.py.*)$", re.MULTILINE)
BARE = [getattr(sys, "_base_executable", sys.executable), "-I", "-S"]  # this Python, with none of the packages
SHORT = "--dataset digits --batch-size 128 --model tiny --epochs 1 --device cpu"
SMALLER = {  # what is typed behind a line that would take long otherwise
    "start.py": "--no-torch",
    "start.py setup": "--no-torch",
    "start.py test": "--no-torch --numprocesses 0 tests/test_presets.py",
    "start.py test --quick": "--numprocesses 0 --collect-only --quiet",
    "start.py train": SHORT,
    "start.py train --epochs 4 --target 99.4": f"{SHORT} --target 5",
    "start.py train --model compact --seeds 0-4 --validate": f"{SHORT} --seeds 0-1",
    "start.py train --learning-rates 0.01 0.05 0.2": f"{SHORT} --learning-rates 0.05 0.1",
    "start.py train --model reference --recipe reference": f"{SHORT} --model tiny",
    "start.py train --resume-or-begin runs/queued": SHORT,
    "start.py search rates": "--dataset digits --models tiny --batch-size 128 --epochs 1 --trials 1 --finalists 1",
    "start.py train --dataset digits --batch-size 64 --epochs 5 --out runs/first": SHORT,
}
EXITS = {"check": 1}  # what is checked has a mistake


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A fresh clone that is set up with the packages of this Python, and the user's files that the pages speak of."""
    folder = tmp_path / "backprop"
    left_out = shutil.ignore_patterns(".git", ".venv", "shared", "__pycache__", ".*_cache", ".hypothesis")
    shutil.copytree(PROJECT, folder, ignore=left_out)
    subprocess.run([BARE[0], "-m", "venv", "--without-pip", folder / ".venv"], check=True)
    site = next(folder.glob(".venv/[Ll]ib*/**/site-packages"))
    (site / "packages.pth").write_text("\n".join(path for path in sys.path if path.endswith("site-packages")))
    code = "from addin.setup import packages\nfor stage in {!r}: packages.mark(stage)"
    subprocess.run([sys.executable, "-c", code.format(list(packages.LABELS))], cwd=folder, check=True)
    write_users_files(folder)
    return folder


def write_users_files(folder: Path) -> None:
    """A workbook whose dE/dw1 takes w6 for w7, the same in a class's folder, and a scan of a digit."""
    wrong = learners.formulas()["g1"].replace("w7", "w6")
    made = learners.make(learners.Layout(texts=(("g1", wrong),), rows=12)).save(folder / "mine.xlsx")
    (folder / "class-folder").mkdir()
    shutil.copy(made, folder / "class-folder")
    scan = Image.new("L", (60, 60), 255)
    ImageDraw.Draw(scan).line([(15, 10), (45, 10), (25, 50)], fill=0, width=5)
    scan.save(folder / "scan.png")


def typed(folder: Path, line: str) -> subprocess.CompletedProcess[str]:
    """Type a line in the clone with the system's own Python, with smaller settings where it would take long."""
    words = shlex.split(f"{line} {SMALLER.get(line, '')}")
    return subprocess.run([*BARE, *words], cwd=folder, env=variables(folder), capture_output=True, text=True)


def variables(folder: Path) -> dict[str, str]:
    """Nobody's display, data and settings, in a home of its own: `remove` looks for what LibreOffice has there."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("PYTEST", "CNN", "DISPLAY"))}
    home = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder / "config")}
    return {**kept, **home, "BACKPROP_HOME": str(folder / "home"), "OMP_NUM_THREADS": "1"}


def leave_a_run_unfinished(folder: Path) -> None:
    """Begin a run and end it after its first epoch, as Ctrl-C does."""
    words = shlex.split(f"start.py train {SHORT} --epochs 20 --out home/runs/stopped")
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen([*BARE, *words], cwd=folder, env=variables(folder), **pipes) as process:
        for line in process.stdout:
            if line.startswith("epoch"):
                process.terminate()


@pytest.mark.parametrize("page", [page for page in PAGES if LINE.search(page.read_text("utf-8"))], ids=lambda p: p.name)
def test_every_line_of_a_page_works_as_typed(page: Path, clone: Path) -> None:
    lines = LINE.findall(page.read_text("utf-8"))
    left_out = [] if importlib.util.find_spec("torch") else [line for line in lines if needs_torch(line)]
    for line in lines:
        if line not in left_out:
            works(line, clone)
    if left_out:
        pytest.skip(f"torch is not installed; not typed: {', '.join(left_out)}")


def needs_torch(line: str) -> bool:
    """Whether a line trains, or needs the run that another has trained."""
    return "torch" in start.COMMANDS.get(command(line), ((),))[0] or "runs/first" in line


def command(line: str) -> str:
    """The command of start.py in a line; without one it is run."""
    return (*shlex.split(line), "run")[1]


def works(line: str, clone: Path) -> None:
    if line.endswith("--resume"):
        leave_a_run_unfinished(clone)
    done = typed(clone, line)
    assert done.returncode == EXITS.get(command(line), 0), f"{line}\n{done.stdout}{done.stderr}"
    assert done.stdout, line


def test_the_sample_of_the_check_is_what_it_says(clone: Path) -> None:
    (sample,) = re.findall(r"^```\n(mine\.xlsx.*?)```", README, re.MULTILINE | re.DOTALL)
    said = typed(clone, "start.py check mine.xlsx").stdout.splitlines()
    assert [line for line in sample.splitlines() if line not in said] == []
