"""Takes the README's pictures from a real LibreOffice: `python -m tests.calc.pictures`, written to docs/."""

import os
import sys
import tempfile
import time
from pathlib import Path

from addin import launch
from addin.calc.extension import PROJECT, package
from tests.calc.office import Office, virtual_screen, wait_for
from xlsx.build import build

DOCS = PROJECT / "docs"
SHEETS = ("Backward", "Results")
RUN = {"dataset": "digits", "epochs": 40}


def take(office: Office, key: int) -> None:
    """A picture of each sheet that the README shows, of Results while a run trains."""
    for name in SHEETS:
        office.show(key, name)
        if name == "Results":
            train(office, key)
        time.sleep(1.5)
        office.picture(DOCS / f"{name.lower().replace(' ', '-')}.png")


def train(office: Office, key: int) -> None:
    """Press Train CNN and wait for some rows."""
    for name, value in RUN.items():
        office.write(key, f"run_{name}", value)
    office.press(key, "Results", "Train CNN")
    wait_for(lambda: "epoch 16 of" in (office.read(key, "run_status")[0][0] or ""), timeout=120)


def main() -> None:
    """Take them."""
    DOCS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name, virtual_screen() as display:
        folder = Path(name)
        os.environ["BACKPROP_HOME"] = str(folder / "Backprop")
        launch.write_environment(sys.executable, PROJECT)
        office = Office(folder, folder / "Backprop", display=display)
        try:
            office.install(str(package(folder / "backprop.oxt")))
            office.restart()
            key = office.load(str(build(folder / "backprop.xlsx")))
            take(office, key)
            office.press(key, "Results", "Stop")
            wait_for(lambda: "stopped" in (office.read(key, "run_status")[0][0] or ""))
        finally:
            office.end()


if __name__ == "__main__":
    main()
