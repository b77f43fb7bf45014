"""What start.py has put outside the project, taken away again: `python start.py remove`.

Standard library only. The user's folder stays, with workbooks and runs, and so does the project's.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from addin.setup import excel, office, packages
from cnn import runs

SETTINGS = ("environment.json", "backprop.oxt", "extension.sha256")  # in the user's folder; start.py writes them anew


def main() -> int:
    """Take all of it away and say so; 0, or 1 where something could not be."""
    failed = False
    for take_away in REMOVALS:
        try:
            for line in take_away():
                print(line)
        except (OSError, office.OfficeError) as error:
            failed = True
            print(f"Not removed: {error}")
    print(f"Left as they are: your folder {runs.home()}, and {packages.ROOT}, whose .venv holds Python's packages.")
    print("Delete them if you want nothing more of it." if not failed else "Start this again afterwards.")
    return int(failed)


def extension() -> Iterator[str]:
    """The extension in the user's LibreOffice. Raises OfficeError."""
    if not office.has_extension():
        yield "LibreOffice has no extension of ours."
    elif not (found := office.find()):
        raise office.OfficeError(f"the extension in {office.profile()}: there is no LibreOffice that could do it.")
    elif office.remove(found):
        yield "The extension is gone from LibreOffice."


def add_in() -> Iterator[str]:
    """The add-in for Excel. Raises OSError."""
    path = excel.add_in()
    if not path or not path.exists():
        yield "Excel has no add-in of ours."
        return
    try:
        path.unlink()
    except PermissionError as error:
        raise PermissionError(f"{path}: {excel.IN_USE}.") from error
    yield f"Removed {path}. If Excel misses it, untick it: {excel.switch()}."


def settings() -> Iterator[str]:
    """The files that tell spreadsheet programs where Python is. Raises OSError."""
    there = [path for name in SETTINGS if (path := Path(runs.home(), name)).exists()]
    for path in there:
        path.unlink()
        yield f"Removed {path}"
    if not there:
        yield f"There are no settings in {runs.home()}."


REMOVALS: tuple[Callable[[], Iterator[str]], ...] = (extension, add_in, settings)
