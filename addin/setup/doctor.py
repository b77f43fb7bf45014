"""What is installed, what is missing, and what to do about each lack: `python start.py doctor`.

Standard library only, and it works before anything is installed; it changes nothing.
"""

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from addin.setup import excel, office, packages, torch_pair
from cnn import runs

MNIST = ("train-images", "train-labels", "t10k-images", "t10k-labels")
DEVICE = """
import torch
print("cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu")
"""


@dataclass(frozen=True)
class Finding:
    """What one check found; advice is empty when nothing is to be done, vital when the main job cannot run so."""

    found: str
    advice: str = ""
    vital: bool = False

    @property
    def word(self) -> str:
        return "ok" if not self.advice else "MISSING" if self.vital else "lacking"


def main() -> int:
    """Print every check; 0 when the main job can run, else 1."""
    findings = {name: check() for name, check in CHECKS.items()}
    for name, finding in findings.items():
        print(f"{finding.word:<8} {name:<12} {finding.found}")
        if finding.advice:
            print(f"{'':<22}-> {finding.advice}")
    able = not any(finding.vital and finding.advice for finding in findings.values())
    print("\nThe main job can run: python start.py" if able else "\nThe main job cannot run yet: see MISSING above.")
    return 0 if able else 1


def check_python() -> Finding:
    """Python itself, new enough or start.py would not have come here, and what makes an environment."""
    found = f"{platform.python_version()} ({sys.executable})"
    if not packages.is_made() and not importlib.util.find_spec("ensurepip"):
        return Finding(f"{found}, without venv", packages.no_venv(), vital=True)
    return Finding(found)


def check_packages() -> Finding:
    """The light packages in .venv."""
    if packages.is_installed("light"):
        return Finding(f"in {packages.VENV}")
    return Finding("not installed, or older than requirements.txt asks for", "python start.py installs them")


def check_torch() -> Finding:
    """torch and the device that it computes on."""
    if not packages.is_installed("torch"):
        return Finding("not installed", "python start.py setup installs it (up to 8 GB); only the training needs it")
    version, device = installed_version("torch"), torch_device()
    if device == "cpu" and torch_pair.cuda_of_driver():
        advice = "An NVIDIA GPU answers, but this torch does not see it: delete .venv and run python start.py setup"
        return Finding(f"{version} on the CPU", advice)
    return Finding(f"{version}, computes on {device}")


def torch_device() -> str:
    """cuda, mps or cpu; asks torch itself (seconds) only where there can be a GPU."""
    if not torch_pair.cuda_of_driver() and sys.platform != "darwin":
        return "cpu"
    said = subprocess.run([packages.python(), "-c", DEVICE], capture_output=True, text=True, errors="replace")
    return said.stdout.strip() or "nothing: it does not load"


def installed_version(name: str) -> str:
    """A package's version in .venv, without starting its Python."""
    folders = [str(folder) for folder in packages.site_packages()]
    found = importlib.metadata.distributions(name=name, path=folders)
    return next((distribution.version for distribution in found), "of an unknown version")


def check_office() -> Finding:
    """LibreOffice, as the workbook needs it."""
    found = office.find()
    if not found:
        return Finding("not found", f"without it the main job runs headless. {office.GET_IT}")
    return Finding(f"{'.'.join(map(str, found.version))} ({found.soffice})", found.problem)


def check_extension() -> Finding:
    """The extension in the user's LibreOffice profile."""
    if office.has_extension():
        return Finding(f"in {office.profile()}")
    return Finding("not installed", "python start.py installs it, where there is a display and LibreOffice")


def check_excel() -> Finding:
    """Excel, and whether its settings run macros."""
    found = excel.find()
    if not found:
        known = sys.platform in excel.PLACES
        return Finding("not found; not needed" if known else f"there is none for {platform.system()}")
    if policy := excel.macros_policy():
        return Finding(f"{found}, but {policy}", "allow them there, or use LibreOffice; the formulas need none")
    if places := excel.registry("HKEY_CURRENT_USER", "Environment", "PYTHONPATH"):
        advice = "take PYTHONPATH out of your environment variables where a cell shows #Python"
        return Finding(f"{found}, in whose cells Python looks for modules in {places} first", advice)
    return Finding(str(found))


def check_workbook() -> Finding:
    """The user's workbook for Excel."""
    workbook = runs.home() / excel.FILE_NAME
    if problems := list(excel.problems(workbook, packages.python(), packages.ROOT)):
        return all_of(workbook, problems)
    there = workbook.exists()
    return Finding(str(workbook) if there else "no backprop.xlsm yet; python start.py writes it where Excel is")


def all_of(place: Path, problems: list[excel.Problem]) -> Finding:
    """Every problem of a file or folder, and each advice once."""
    found = ", and ".join(problem.what for problem in problems)
    return Finding(f"{place} {found}", "; then ".join(dict.fromkeys(problem.advice for problem in problems)))


def check_add_in() -> Finding:
    """The add-in for every workbook in Excel, and whether Excel loads it."""
    path = excel.add_in()
    if not path or not path.exists():
        return Finding("not installed; python start.py writes it where Excel is")
    if problems := list(excel.problems_of_add_in(path, packages.python(), packages.ROOT)):
        return all_of(path, problems)
    if sys.platform == "win32" and not excel.is_switched_on():
        return Finding(f"{path}, switched off", f"to have it in every workbook: {excel.switch()}")
    return Finding(f"{path}; on and off: {excel.switch()}")


def check_display() -> Finding:
    """Whether windows can be shown."""
    return Finding("there is one" if office.has_display() else "none: the main job runs headless")


def check_data() -> Finding:
    """The four MNIST files, in the folder of CNN_DATA_DIR or in the user's own."""
    folder = Path(os.environ.get("CNN_DATA_DIR") or runs.home() / "data")
    raw = folder / "MNIST" / "raw"
    if all(list(raw.glob(f"{name}*")) for name in MNIST):
        return Finding(f"MNIST in {folder}")
    return Finding(f"no MNIST in {folder}", "the first training downloads it; CNN_DATA_DIR names a folder that has it")


def check_home() -> Finding:
    """The user's folder of workbook and runs."""
    home = runs.home()
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    if existing.is_dir() and os.access(existing, os.W_OK):
        problems = list(excel.of_place(home))
        return all_of(home, problems) if problems else Finding(str(home))
    return Finding(f"{home} cannot be written", "set BACKPROP_HOME to a folder of your own", vital=True)


def check_project() -> Finding:
    """The project's folder, where .venv goes."""
    if os.pathsep in str(packages.VENV):
        return Finding(f"{packages.ROOT} {packages.UNFIT[0]}", packages.UNFIT[1], vital=True)
    if os.access(packages.ROOT, os.W_OK):
        return Finding(str(packages.ROOT))
    return Finding(f"{packages.ROOT} cannot be written", "move the project to a folder of your own", vital=True)


def check_disk() -> Finding:
    """Room for what is still to be installed."""
    free = shutil.disk_usage(packages.ROOT).free / 1e9
    light = 0 if packages.is_installed("light") else packages.LIGHT_GB
    torch = 0 if packages.is_installed("torch") else torch_pair.gigabytes("")
    found = f"{free:.1f} GB free"
    if free < light:
        return Finding(found, f"{light} GB is needed: free up some space", vital=True)
    return Finding(
        found, f"{torch} GB are needed for PyTorch: free up space, or use --no-torch" if free < torch else ""
    )


CHECKS: dict[str, Callable[[], Finding]] = {
    "Python": check_python,
    "Packages": check_packages,
    "torch": check_torch,
    "LibreOffice": check_office,
    "Extension": check_extension,
    "Excel": check_excel,
    "Workbook": check_workbook,
    "Add-in": check_add_in,
    "Display": check_display,
    "Data": check_data,
    "Your folder": check_home,
    "Project": check_project,
    "Disk": check_disk,
}
