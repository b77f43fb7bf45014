"""Takes docs/digits.png from a real LibreOffice, of xlsx/digits.xlsx: `python -m tests.calc.digits_picture`.

Draw above Overview, without the window around them; no extension, as those see it who only have the file.
"""

import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from tests.calc.office import Office, virtual_screen

PROJECT = Path(__file__).parents[2]
PARTS = {"Draw": "1266x480+37+124", "Overview": "1266x568+37+124"}  # of the screen, in pixels
COLOURS = "192"


def main() -> None:
    with tempfile.TemporaryDirectory() as name, virtual_screen() as display:
        folder = Path(name)
        office = Office(folder, folder / "home", display=display)
        try:
            key = office.load(str(shutil.copy(PROJECT / "xlsx/digits.xlsx", folder)), timeout=120)
            for sheet, part in PARTS.items():
                office.look_at(key, sheet)
                time.sleep(1.5)
                office.picture(folder / f"{sheet}.png")
                crop = ["-crop", part, "+repage"]
                subprocess.run(["mogrify", *crop, str(folder / f"{sheet}.png")], check=True)
        finally:
            office.end()
        parts = [str(folder / f"{sheet}.png") for sheet in PARTS]
        looks = ["-append", "-strip", "+dither", "-colors", COLOURS]
        subprocess.run(["convert", *parts, *looks, str(PROJECT / "docs/digits.png")], check=True)


if __name__ == "__main__":
    main()
