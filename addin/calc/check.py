"""Check this workbook, in Calc: a copy of the document goes to the project's Python, and the answer is shown in it.

The window stays usable meanwhile. Standard library only, Python 3.9; the document is a UNO object.
"""

from __future__ import annotations

import contextlib
import functools
import json
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Callable

from addin import launch
from addin.calc.document import Undoable
from addin.calc.marked import Marked, Properties
from addin.calc.named_cells import SheetError
from xlsx.contract import CHECK_BAR, MESSAGES

Bar = Callable[[Any, str, Mapping[str, str]], None]

FILTER = "Calc MS Excel 2007 XML"
SECONDS = 60
WINDOWS = getattr(subprocess, "CREATE_NO_WINDOW", 0)


class Checker:
    """`post(action)` acts in the office's own thread, `tell(document, text)` shows a box.

    `show_bar(document, text, buttons)` shows a bar above the sheets, in place of the last one; without a text none.
    """

    def __init__(
        self,
        post: Callable[[Callable[[], None]], None],
        tell: Callable[[Any, str], None],
        show_bar: Bar,
        undoable: Undoable,
        properties: Properties,
    ):
        self._post, self._tell, self._show_bar = post, tell, show_bar
        self._undoable, self._properties = undoable, properties
        self._under_way: set[str] = set()  # by the document's RuntimeUID

    def check(self, document: Any) -> None:
        """Have a document checked; what is found is shown later."""
        if document.RuntimeUID in self._under_way:
            self._tell(document, MESSAGES["checking"])
            return
        folder = tempfile.TemporaryDirectory()
        copy = Path(folder.name, "copy.xlsx")
        try:
            before = Marked(document, self._undoable, self._properties).contents()
            document.storeToURL(copy.as_uri(), self._properties(FilterName=FILTER))
        except Exception as error:  # UNO's own, for a disk that is full and the like
            self._tell(document, failed(str(error))["tell"])
            return
        self._under_way.add(document.RuntimeUID)
        self._show_bar(document, MESSAGES["check under way"], {})
        arguments = (document, document.Title, copy, folder, before)
        threading.Thread(target=self._ask, args=arguments, daemon=True).start()

    def clear_marks(self, document: Any) -> None:
        """Take away what checks have put into a document."""
        self._show_bar(document, "", {})
        try:
            Marked(document, self._undoable, self._properties).clear()
        except SheetError as error:
            self._tell(document, str(error))

    def show_report(self, document: Any) -> None:
        """Bring the report of the last check to the front; where it is gone, what speaks of it goes too."""
        found = Marked(document, self._undoable, self._properties).reports()
        for name in found:
            document.CurrentController.setActiveSheet(document.Sheets.getByName(name))
        if not found:
            self._show_bar(document, "", {})

    def _ask(self, document: Any, title: str, copy: Path, folder: Any, before: Any) -> None:
        """In a thread of its own: ask Python, and have its answer shown."""
        try:
            answer = asked(copy, title)
        finally:
            folder.cleanup()
        self._post(functools.partial(self._show, document, answer, before))

    def _show(self, document: Any, answer: dict[str, Any], before: Any) -> None:
        """In the office's thread; a document that was closed meanwhile is let go."""
        try:
            self._under_way.discard(document.RuntimeUID)
            self._show_bar(document, "", {})
            if answer["tell"]:
                self._tell(document, answer["tell"])
            else:
                sheet = Marked(document, self._undoable, self._properties).show(answer, before)
                said = MESSAGES["checked"].format(found=answer["rows"][0][2], sheet=sheet)
                self._show_bar(document, said, CHECK_BAR)
        except SheetError as error:
            self._tell(document, str(error))
        except Exception as error:  # UNO's own
            with contextlib.suppress(Exception):  # it is closed, or the bridge is gone
                self._tell(document, failed(str(error))["tell"])


def asked(copy: Path, title: str) -> dict[str, Any]:
    """What addin.marks says of a file; what goes wrong on the way is told too."""
    found = launch.environment()
    if found is None:
        return failed(launch.SET_UP)
    try:
        done = subprocess.run(
            [found["interpreter"], "-m", "addin.marks", str(copy), title],
            cwd=found["project"],
            env={**launch.variables(), "PYTHONUTF8": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            creationflags=WINDOWS,
        )
        answer: dict[str, Any] = json.loads(done.stdout) if done.returncode == 0 else failed(last_line(done.stderr))
        return answer
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        return failed(str(error))


def failed(reason: str) -> dict[str, Any]:
    return {"tell": MESSAGES["check failed"].format(reason=reason)}


def last_line(said: bytes) -> str:
    return (said.decode("utf-8", "replace").strip().splitlines() or ["Python ended without a word."])[-1]
