"""The main job, to which `python start.py` hands over in .venv: the workbook in Excel or LibreOffice, or headless.

In a window the cells answer as soon as the light packages are there; torch follows meanwhile. Without a display the
network's sheets are computed, the image network is trained for as many epochs as three minutes allow, and a results
workbook is written.
"""

import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

from addin import launch, workbook
from addin.calc import extension
from addin.setup import excel, office, packages, torch_pair
from cnn import runs
from xlsx import build, contract

TRAINING = {  # at most three minutes on two cores, also where there is no bfloat16
    "mnist": ("--epochs", "2"),
    "digits": ("--epochs", "19", "--batch-size", "64"),
}
FULL = "python start.py train"


def main(arguments: list[str]) -> int:
    """Do the main job; --no-torch leaves out what needs PyTorch. Returns the exit code."""
    try:
        runs.home().mkdir(parents=True, exist_ok=True)
        launch.write_environment(packages.python(), packages.ROOT)
        for problem in excel.of_place(runs.home()):
            print(f"{runs.home()} {problem.what}. Better: {problem.advice}.", flush=True)
        return do(excel.find(), office.find(), with_torch="--no-torch" not in arguments)
    except OSError as error:
        print(f"{error.filename or runs.home()}: {error.strerror or error}. BACKPROP_HOME names another folder.")
    except packages.SetupError as error:
        print(f"\n{error}")
    except KeyboardInterrupt:
        print("\nStopped. The next start goes on from here.")
    return 1


def do(program: Path | None, found: office.Office | None, with_torch: bool) -> int:
    """The job in the best program that there is."""
    if program and office.has_display():
        return in_excel(program, found, with_torch)
    reason = why_headless(found)
    if found and not reason:
        return in_window(found, with_torch)
    print(f"{reason} Doing the same work headless.", flush=True)
    return headless(with_torch)


def why_headless(found: office.Office | None) -> str:
    """Why no window can be opened, in a line; empty when it can."""
    if not office.has_display():
        return "There is no display."
    if not found:
        return f"There is no LibreOffice. {office.GET_IT}"
    return found.problem


def in_window(found: office.Office, with_torch: bool) -> int:
    """Install the extension, open the user's workbook, also where that was refused, let torch follow."""
    path, failed = user_workbook(), 0
    for action in (partial(install_extension, found), partial(show, found, path)):
        try:
            action()
        except office.OfficeError as error:
            failed = 1
            print(f"{error}\nThe workbook is {path}; its own formulas work without the extension.", flush=True)
    torch_follows(with_torch)
    return failed


def show(found: office.Office, path: Path) -> None:
    """Open a workbook in LibreOffice. Raises OfficeError."""
    office.open_workbook(found, path)
    print(f"Opened {path} in LibreOffice.", flush=True)


def in_excel(program: Path, found: office.Office | None, with_torch: bool) -> int:
    """Open the user's workbook in Excel; where LibreOffice is too, what it needs is there as well."""
    path, failed = user_workbook(excel.FILE_NAME), 0
    for problem in excel.problems(path, packages.python(), packages.ROOT):
        print(f"{path} {problem.what}: {problem.advice}.", flush=True)
    install_add_in()
    try:
        excel.prepare_mac()
        excel.open_workbook(program, path)
        print(f"Opened {path} in Excel. Enable its macros where Excel asks.", flush=True)
    except (OSError, subprocess.CalledProcessError) as error:
        failed = 1
        print(f"Excel could not be started ({error}). The workbook is {path}.", flush=True)
    if found and not found.problem:
        with_libreoffice(found)
    torch_follows(with_torch)
    return failed


def install_add_in() -> None:
    """The functions and the ribbon for every workbook in Excel."""
    try:
        if path := workbook.install_add_in():
            print(f"For every other workbook there is {path}. On and off: {excel.switch()}.", flush=True)
    except PermissionError:
        print(f"{excel.add_in()} is not of this version. {excel.IN_USE}.", flush=True)


def with_libreoffice(found: office.Office) -> None:
    """The extension and a workbook for a LibreOffice beside Excel."""
    try:
        install_extension(found)
        print(f"For LibreOffice there is {user_workbook()}", flush=True)
    except office.OfficeError as error:
        print(f"LibreOffice: {error}", flush=True)


def torch_follows(with_torch: bool) -> None:
    """Install torch while the workbook is open already, unless that is not wanted."""
    if with_torch:
        get_torch()
        print("Train CNN, the button on the sheet Results, has what it needs.")
    else:
        print("Without PyTorch the button Train CNN installs it first (up to 8 GB), or: python start.py setup")


def install_extension(found: office.Office) -> None:
    """Bring the extension in the user's LibreOffice up to this source. Raises OfficeError."""
    path = extension.package(runs.home() / "backprop.oxt")
    if office.install(found, path, runs.home() / "extension.sha256"):
        print("The extension is in LibreOffice: functions, menu and buttons.", flush=True)


def user_workbook(name: str = build.FILE_NAME) -> Path:
    """The user's own workbook, written where there is none and otherwise left as it is."""
    path = workbook.own(name)
    if said := workbook.newer_layout(path):
        print(said, flush=True)
    return path


def get_torch() -> None:
    """Install the torch pair unless it is there. Raises SetupError."""
    if not packages.is_installed("torch"):
        torch_pair.install()


def headless(with_torch: bool) -> int:
    """Compute the network's sheets, train, write the results, and say where all of it is."""
    print(f"The network's sheets: {user_workbook()}", flush=True)
    if not with_torch:
        print(f"The training was left out (--no-torch). With it: {FULL}")
        return 0
    get_torch()
    folder = runs.new_folder("tuned")
    code = train(folder)
    if runs.read(folder).epochs:
        code = write_results(folder) or code
    print(f"The full training: {FULL}")
    return code


def write_results(folder: Path) -> int:
    """Write the run's results workbook into its folder; returns the exit code."""
    path = folder / contract.RESULTS_FILE
    code = run("xlsx.results", str(folder), "--out", str(path), stdout=subprocess.DEVNULL)
    print(f"The results: {path}" if code == 0 else f"The results workbook could not be written; the run is in {folder}")
    return code


def train(folder: Path) -> int:
    """Train on MNIST, or on digits where that cannot be had; returns the trainer's exit code."""
    from cnn import data

    dataset = data.load("auto").name
    options = ("--model", "tuned", "--dataset", dataset, *TRAINING[dataset], "--out", str(folder))
    return run("addin.trained", "train", *options)


def run(*words: str, stdout: int | None = None) -> int:
    """`python -m …` to its end; Ctrl-C reaches it from the terminal, SIGTERM from here. Returns its exit code."""
    process = subprocess.Popen([sys.executable, "-m", *words], stdout=stdout, cwd=packages.ROOT)
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    signal.signal(signal.SIGINT, lambda *_: None)
    try:
        return process.wait()
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
