"""The environment .venv and what is installed in it, in stages: light packages, the torch pair, what the tests need.

Standard library only: start.py runs this before anything is installed. A stage is done when its marker file holds the
hash of its requirements, and the marker is written only after pip ended well: so a start that was interrupted anywhere
is finished by the next one.
"""

import contextlib
import hashlib
import importlib.util
import math
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from addin.setup import pip_output
from cnn.runs import Lock

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
UNFINISHED = VENV / "unfinished"
PAIR = ("torch", "torchvision")
LABELS = {"light": "Light packages", "torch": "torch and torchvision", "tests": "Test packages"}
LIGHT_GB = 1
TESTED = ROOT / "constraints.txt"
UNFIT = (  # a folder's name, where it separates folders in PATH: what is wrong and what to do
    f"has a {os.pathsep} in its name, so no Python environment can be made there",
    f"move the project to a folder without {os.pathsep}",
)
INSTALL = ("install", "--progress-bar", "off", "--no-compile")  # compiling all of it would double the time


class SetupError(Exception):
    """The set-up cannot go on; the message says what is wrong, where, and what to do next."""


class NotToBeHad(SetupError):
    """No index has such versions for this Python."""


def python() -> Path:
    """The environment's interpreter."""
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def requirements(stage: str) -> list[str]:
    """The requirements of a stage, one text each, as pip takes them."""
    path = ROOT / ("tests/requirements.txt" if stage == "tests" else "requirements.txt")
    lines = (line.split("#")[0].strip() for line in path.read_text("utf-8").splitlines())
    return [line for line in lines if line and (stage == "tests" or is_of_pair(line) == (stage == "torch"))]


def is_of_pair(requirement: str) -> bool:
    """Whether a requirement names torch or torchvision."""
    return re.split(r"[^\w-]", requirement)[0].lower() in PAIR


def is_installed(stage: str) -> bool:
    """Whether the stage's marker is that of today's requirements; reads two small files."""
    marker = _marker(stage)
    return is_made() and marker.is_file() and marker.read_text("utf-8") == _hash(stage)


def is_made() -> bool:
    """Whether .venv is there, finished, and its interpreter still exists."""
    return python().exists() and not UNFINISHED.exists()


def mark(stage: str) -> None:
    """Note that the stage is installed."""
    _marker(stage).write_text(_hash(stage), "utf-8")


def install(stage: str) -> None:
    """Install a stage's packages from the package index. Raises SetupError."""
    with sole_installer():
        if not is_installed(stage):
            need_disk(LIGHT_GB)
            fetch(stage, LABELS[stage])
            mark(stage)


@contextlib.contextmanager
def sole_installer() -> Iterator[None]:
    """Make .venv where it is missing, and keep every other start.py out of it meanwhile. Raises SetupError."""
    try:
        VENV.mkdir(exist_ok=True)
        lock = Lock(VENV)
        _wait_for(lock)
    except OSError as error:
        raise SetupError(cannot_write(error)) from error
    try:
        if not is_made():
            make()
        yield
    finally:
        lock.release()


def _wait_for(lock: Lock) -> None:
    told = -math.inf
    while not lock.acquire():
        if time.monotonic() - told > 30:
            told = time.monotonic()
            print("Another start.py is installing: waiting for it to end.", flush=True)
        time.sleep(1)


def make() -> None:
    """Make .venv anew, whatever an interrupted start has left of it. Raises SetupError."""
    if not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
        raise SetupError(no_venv())
    if os.pathsep in str(VENV):
        raise SetupError(f"{ROOT} {UNFIT[0]}: {UNFIT[1]} and start again.")
    try:
        _clear()
        UNFINISHED.touch()
        base = getattr(sys, "_base_executable", sys.executable)
        subprocess.run([base, "-m", "venv", str(VENV)], check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        UNFINISHED.unlink()
    except OSError as error:
        raise SetupError(cannot_write(error)) from error
    except subprocess.CalledProcessError as error:
        said = error.stdout.decode(errors="replace").strip()
        raise SetupError(f"The environment {VENV} could not be made:\n{said}") from error


def no_venv() -> str:
    """What to do about a Python without the venv module."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return (
        f"This Python ({sys.executable}) lacks the venv module. On Debian or Ubuntu: "
        f"sudo apt install python{version}-venv. Elsewhere: install Python from https://www.python.org/downloads/."
    )


def _clear() -> None:
    for entry in VENV.iterdir():
        if entry.name == "lock":
            continue
        shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()


def cannot_write(error: OSError) -> str:
    """What to do about a folder that refuses a file, or a disk that is full."""
    if error.errno == 28:
        return f"The disk that holds {ROOT} is full: free up {LIGHT_GB} GB and start again."
    return f"{ROOT} cannot be written ({error.strerror}): move the project to a folder of your own and start again."


def need_disk(gigabytes: float) -> None:
    """Raise SetupError where fewer than so many gigabytes are free for .venv."""
    free = shutil.disk_usage(VENV).free / 1e9
    if free < gigabytes:
        raise SetupError(
            f"{VENV} needs {gigabytes:g} GB of disk space, and {free:.1f} GB are free: free up some and start again."
            + (" Without PyTorch, 1 GB is enough: python start.py --no-torch" if gigabytes > LIGHT_GB else "")
        )


def fetch(stage: str, label: str, *options: str) -> None:
    """Have pip install a stage, where it is new here in the versions last tested, if these can be had.

    Where it was installed before, what fits its requirements stays: a new constraints.txt fetches no torch anew.
    Raises SetupError.
    """
    words = [*INSTALL, *options, *requirements(stage)]
    if not _marker(stage).exists():
        try:
            return pip([*words, "--constraint", str(TESTED)], label)
        except NotToBeHad:
            print(f"{label}: some versions of {TESTED.name} cannot be had; taking others that fit.", flush=True)
    return pip(words, label)


def pip(arguments: list[str], label: str) -> None:
    """Run pip in .venv under a progress line; its whole output goes to .venv/pip.log. Raises SetupError."""
    scratch = _scratch()
    process = subprocess.Popen(
        [str(python()), "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments],
        env={**os.environ, "TMPDIR": str(scratch), "TEMP": str(scratch), "TMP": str(scratch)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        said = pip_output.follow(process, label, VENV / "pip.log")
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(scratch, ignore_errors=True)
    if process.returncode:
        kind = NotToBeHad if pip_output.lacks_versions(said) else SetupError
        raise kind(pip_output.explain(said, label, VENV / "pip.log"))


def _scratch() -> Path:
    """An empty folder for pip, beside what it installs: a small /tmp in memory cannot hold torch."""
    scratch = VENV / "tmp"
    if scratch.exists():  # a killed pip left it
        _forget_half_installed()
        shutil.rmtree(scratch)
    scratch.mkdir()
    return scratch


def _forget_half_installed() -> None:
    """pip writes a package's INSTALLER after all else, and would take one without it for whole."""
    for site in site_packages():
        for folder in site.glob("*.dist-info"):
            if not (folder / "INSTALLER").exists():
                shutil.rmtree(folder)


def site_packages() -> list[Path]:
    """The folders of .venv that hold packages."""
    return list(VENV.glob("Lib/site-packages" if os.name == "nt" else "lib/python*/site-packages"))


def _marker(stage: str) -> Path:
    return VENV / f"installed-{stage}"


def _hash(stage: str) -> str:
    return hashlib.sha256("\n".join(requirements(stage)).encode()).hexdigest()
