"""Takes pictures of sheets from a real LibreOffice: `python -m tests.calc.pictures [SHEET …]` takes the README's.

For the eye there are other networks, fonts and zooms: `--network 4-5-3 --font "DejaVu Sans" --zoom 150 --out FOLDER`.
"""

import argparse
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
README = {  # its pictures: the sheet, and what is cut out of the screen
    "start": ("Start", ""),
    "agreement": ("Backward", "1242x502+37+205"),
    "picture": ("Picture", ""),
    "results": ("Results", ""),
}
COLOURS = "48"  # of a PNG: a third of the bytes, and no difference to the eye
SUBSTITUTION = "/org.openoffice.Office.Common/Font/Substitution"
FONT = (
    f'<item oor:path="{SUBSTITUTION}"><prop oor:name="Replacement"><value>true</value></prop></item>'
    f'<item oor:path="{SUBSTITUTION}/FontPairs"><node oor:name="_0" oor:op="replace">'
    '<prop oor:name="ReplaceFont"><value>Arial</value></prop><prop oor:name="Always"><value>true</value></prop>'
    '<prop oor:name="SubstituteFont"><value>{}</value></prop><prop oor:name="OnScreenOnly"><value>false</value></prop>'
    "</node></item>"
)


def take(office: Office, key: int, pictures: dict[str, tuple[str, str]], out: Path, zoom: int) -> None:
    """The pictures: of Results while a run trains, of the log with some rows."""
    for title, (name, cut) in pictures.items():
        office.look_at(key, name)
        office.zoom(key, zoom)
        if name == "Results":
            train(office, key)
        if name == "Training log":
            office.press(key, name, "Run n")
        time.sleep(1.5)
        path = out / f"{title}.png"
        office.picture(path)
        crop = ["-crop", cut, "+repage"] if cut else []
        subprocess.run(["mogrify", *crop, "-strip", "+dither", "-colors", COLOURS, str(path)], check=True)


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


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.calc.pictures", description=__doc__)
    parser.add_argument("sheets", nargs="*", help="titles (default: those of the README)")
    parser.add_argument("--network", help="network text (default: 2-2-2)")
    parser.add_argument("--preset", help="starting point")
    parser.add_argument("--font", help="shown in place of Arial")
    parser.add_argument("--zoom", type=int, default=100, help="percent")
    parser.add_argument("--out", type=Path, default=DOCS, help="folder (default: docs)")
    return parser.parse_args()


def main(asked: argparse.Namespace) -> None:
    """Take them: the README's where no sheet is named."""
    pictures = {name.lower().replace(" ", "-"): (name, "") for name in asked.sheets} or README
    asked.out.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name, virtual_screen() as display:
        folder = Path(name)
        os.environ["BACKPROP_HOME"] = str(folder / "Backprop")
        launch.write_environment(linked_python(folder), PROJECT)
        settings = FONT.format(asked.font) if asked.font else ""
        office = Office(folder, folder / "Backprop", settings, display)
        try:
            office.install(str(package(folder / "backprop.oxt")))
            office.restart()
            key = office.load(str(build.build(folder / "backprop.xlsx", asked.network, asked.preset)))
            take(office, key, pictures, asked.out, asked.zoom)
            if "results" in pictures:
                office.press(key, "Results", "Stop")
                wait_for(lambda: "stopped" in (office.read(key, "run_status")[0][0] or ""))
        finally:
            office.end()


if __name__ == "__main__":
    main(arguments())
