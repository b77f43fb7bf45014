"""What Excel's macros ask of Python: each request is a process of its own, which answers with a file and ends.

`python command.py WORD`: the word is the request, lines of key=text, in letters and digits (`decoded`). The answer is
such a word too, in the file that the request names: folder (show this run), status (say this), over (no more will
come), tell (say this in a box). Nothing is started from xlwings' server, whose children all end with Excel.
"""

from __future__ import annotations

import os
import re
import sys
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path[0] = str(PROJECT)  # in place of this folder: Excel names this file

from addin import launch  # noqa: E402
from cnn import runs  # noqa: E402
from cnn.runs.settings import SHEET  # noqa: E402

FORGOTTEN = 3600  # seconds after which an answer that nobody fetched is removed
PLAIN = {chr(code) for code in range(32, 126)} | {"\n"}  # all of ASCII but ~
Answer = dict[str, str]


def main(arguments: list[str]) -> int:
    """Do what the request asks and write the answer."""
    request = parsed(decoded(arguments[0]))
    os.environ["BACKPROP_HOME"] = request["home"]
    try:
        answer = COMMANDS[request["command"]](request)
    except (OSError, launch.SettingsError) as error:
        answer = {"status": str(error)}
    except Exception as error:  # nobody sees what this process says: the sheet does
        answer = {"status": f"{type(error).__name__}: {error}"}
    remove_forgotten(Path(request["home"]))
    text = "".join(f"{key}={one_line(value)}\n" for key, value in answer.items())
    runs.write_file(Path(request["answer"]), encoded(text).encode())
    return 0


def train(request: dict[str, str]) -> Answer:
    """Start a run with the sheet's settings, unless one is under way."""
    if launch.is_under_way(request["folder"]):
        return {"tell": launch.UNDER_WAY}
    lacking = [f"run_{name}" for name in SHEET if name not in request]
    if lacking:
        return {"status": f"Names are missing or broken in this workbook: {', '.join(lacking)}. Write a fresh one."}
    settings = {name: request[name] for name in SHEET}
    return {"folder": str(launch.start(settings, request["workbook"])), "status": "starting …"}


def stop(request: dict[str, str]) -> Answer:
    """Ask the run to end; its complete epochs stay."""
    if not launch.is_under_way(request["folder"]):
        return {"status": launch.NOTHING_TO_STOP}
    launch.stop(Path(request["folder"]))
    return {"status": "stopping …"}


def resume(request: dict[str, str]) -> Answer:
    """Go on with the run that the sheet shows, from its last complete epoch."""
    folder = request["folder"]
    if not folder:
        return {"status": launch.NOTHING_TO_RESUME}
    if launch.is_under_way(folder):
        return {"tell": launch.UNDER_WAY}
    launch.resume(Path(folder))
    return {"folder": folder, "status": "starting …"}


def newest(request: dict[str, str]) -> Answer:
    """The newest run that was started from this workbook."""
    folder = launch.run_of(request["workbook"], request["folder"])
    return {"folder": str(folder)} if folder else {}


def look(request: dict[str, str]) -> Answer:
    """How the run stands."""
    status, over = launch.standing(runs.read(Path(request["folder"])))
    return {"status": status, **({"over": "1"} if over else {})}


def recalculate(request: dict[str, str]) -> Answer:
    """On macOS: Python's numbers as values."""
    from addin.excel import macos

    return {"status": macos.recalculate()}


COMMANDS = {
    "train": train,
    "stop": stop,
    "resume": resume,
    "newest": newest,
    "look": look,
    "recalculate": recalculate,
}


def parsed(text: str) -> dict[str, str]:
    """Lines of key=text as a dictionary."""
    return dict(line.split("=", 1) for line in text.split("\n") if "=" in line)


def one_line(text: str) -> str:
    return " ".join(text.split())


def decoded(word: str) -> str:
    """The text of a word in which ~ and four hexadecimal digits stand for a UTF-16 unit."""
    units = re.sub("~([0-9A-Fa-f]{4})", lambda found: chr(int(found[1], 16)), word)
    return units.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def encoded(text: str) -> str:
    """A text in ASCII, as `decoded` reads it."""
    data = text.encode("utf-16-be", "surrogatepass")
    units = (int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2))
    return "".join(chr(unit) if chr(unit) in PLAIN else f"~{unit:04X}" for unit in units)


def remove_forgotten(home: Path) -> None:
    for path in home.glob("answer-*.txt"):
        try:
            if time.time() - path.stat().st_mtime > FORGOTTEN:
                path.unlink()
        except OSError:
            continue


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
