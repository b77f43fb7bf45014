"""Takes the README's pictures from a real LibreOffice: `python -m tests.calc.pictures [SHEET …]`, written to docs/."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from addin import launch
from addin.calc.extension import PROJECT, package
from tests.calc.office import Office, virtual_screen, wait_for
from xlsx import build

DOCS = PROJECT / "docs"
RUN = {"dataset": "digits", "epochs": 40, "batch_size": 64}
COLOURS = "48"  # of a PNG: a third of the bytes, and no difference to the eye


def take(office: Office, key: int, sheets: list[str]) -> None:
    """A picture of each sheet: of Results while a run trains, of the log with some rows."""
    for name in sheets:
        office.look_at(key, name)
        if name == "Results":
            train(office, key)
        if name == "Training log":
            office.press(key, name, "Run n")
        time.sleep(1.5)
        path = DOCS / f"{name.lower().replace(' ', '-')}.png"
        office.picture(path)
        subprocess.run(["mogrify", "-strip", "+dither", "-colors", COLOURS, str(path)], check=True)


def train(office: Office, key: int) -> None:
    """Press Train CNN and wait for some rows."""
    for name, value in RUN.items():
        office.write(key, f"run_{name}", value)
    office.press(key, "Results", "Train CNN")
    wait_for(lambda: "epoch 16 of" in (office.read(key, "run_status")[0][0] or ""), timeout=120)


def linked_python(folder: Path) -> str:
    """This Python under a path that is nobody's: Start shows where it runs."""
    (folder / ".venv").symlink_to(sys.prefix, target_is_directory=True)
    return str(folder / ".venv" / Path(sys.executable).relative_to(sys.prefix))


def main(sheets: list[str]) -> None:
    """Take them, of all sheets where none is named."""
    DOCS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name, virtual_screen() as display:
        folder = Path(name)
        os.environ["BACKPROP_HOME"] = str(folder / "Backprop")
        launch.write_environment(linked_python(folder), PROJECT)
        office = Office(folder, folder / "Backprop", display=display)
        try:
            office.install(str(package(folder / "backprop.oxt")))
            office.restart()
            key = office.load(str(build.build(folder / "backprop.xlsx")))
            take(office, key, sheets or office.sheets(key))
            if not sheets or "Results" in sheets:
                office.press(key, "Results", "Stop")
                wait_for(lambda: "stopped" in (office.read(key, "run_status")[0][0] or ""))
        finally:
            office.end()


if __name__ == "__main__":
    main(sys.argv[1:])
