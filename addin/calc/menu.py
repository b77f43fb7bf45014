"""The Backprop menu and buttons in Calc: what a command does to a document, and a run shown in it while it trains.

A run is a folder; this follows its log from a thread and lets the office's own thread write the cells. Standard library
only, Python 3.9; documents are UNO objects, and what needs UNO's classes is handed in by `component.py`.
"""

from __future__ import annotations

import functools
import threading
import time
from pathlib import Path
from typing import Callable

from addin import overview, training
from addin.calc import outcome_sheets
from addin.calc.check import Bar, Checker
from addin.calc.document import Document, Undoable
from addin.calc.epoch_cell import EpochCell
from addin.calc.log_sheet import LogSheet
from addin.calc.marked import Properties
from addin.calc.named_cells import SheetError
from addin.calc.pen import Pen
from addin.calc.results_sheet import ResultsSheet
from addin.calc.runs_sheet import RunsSheet
from cnn.runs.settings import SettingsError
from xlsx.contract import BUTTONS, CHECK, CHECK_BAR, DRAW_BUTTONS, MESSAGES, PICTURE, RUNS, TRAINING_LOG

POLL_SECONDS = 0.01
OFFICE = "LibreOffice"  # names itself in what it saves
SHOWN_NO_MORE = "The run can no longer be shown here ({error}). It goes on; open the workbook again to see it."


class Followed:
    """A document and the run or series that it shows. Raises SettingsError."""

    def __init__(self, sheet: ResultsSheet, folder: str):
        self.sheet, self.follower = sheet, training.follower(Path(folder))
        self.shown: training.Shown | None = None
        self.waiting = False

    def look(self) -> training.Shown:
        """What is to be shown of it now."""
        return training.shown(self.follower.poll())


class Menu:
    """Commands on documents. `post(action)` acts in the office's own thread, `tell(document, text)` shows a box.

    `show_bar(document, text, buttons)` shows a bar above the sheets, whose buttons are commands, too.
    `undoable(title, undo, redo)` is an entry for a document's undo list, `properties(**values)` UNO's named values,
    `open_hidden(path)` opens a workbook that nobody sees, `dispatch(document, command)` gives its window a command.
    """

    def __init__(
        self,
        post: Callable[[Callable[[], None]], None],
        tell: Callable[[Document, str], None],
        show_bar: Bar,
        undoable: Undoable,
        properties: Properties,
        open_hidden: outcome_sheets.Opener,
        dispatch: outcome_sheets.Dispatch,
    ):
        self._post, self._tell, self._undoable = post, tell, undoable
        self._open_hidden, self._dispatch = open_hidden, dispatch
        self._checker = Checker(post, tell, show_bar, undoable, properties)
        self._followed: dict[str, Followed] = {}  # by the document's RuntimeUID
        self._lock = threading.Lock()  # between this and the thread that ends when it follows nothing
        self._thread: threading.Thread | None = None

    def read(self, document: Document) -> None:
        """A document was read: compute its Python cells, which are all that is left to compute of a file of others.

        Of its own files the office takes every number as it stands.
        """
        if ResultsSheet.is_in(document):
            own = OFFICE in document.DocumentProperties.Generator
            (document.calculateAll if own else document.calculate)()

    def unmodified(self, document: Document) -> None:
        """A document that was just opened is not changed yet; charts that were drawn anew would make it so."""
        if ResultsSheet.is_in(document):
            document.CurrentController.ShowPageBreaks = False  # Calc draws them at 100 % where titles are repeated
            for sheet in document.Sheets:
                for number in range(sheet.Charts.Count):
                    sheet.Charts.getByIndex(number).EmbeddedObject.setModified(False)
            document.setModified(False)

    def opened(self, document: Document) -> None:
        """A document was opened: show the newest run that was started from it."""
        if not ResultsSheet.is_in(document):
            return
        self._attempt(document, self._ask, "newest", document)

    def command(self, name: str, document: Document) -> None:
        """Run a command of the contract's buttons on a document."""
        if name in BUTTONS[TRAINING_LOG].values():
            self._or_tell(self._log, name, document)
        elif name in BUTTONS[RUNS].values():
            self._or_tell(self._runs, name, document)
        elif name in BUTTONS[PICTURE].values():
            self._or_tell(self._step_epoch, name, document)
        elif name in DRAW_BUTTONS.values():
            self._or_tell(self._draw, name, document)
        elif name in (*CHECK.values(), *CHECK_BAR.values()):
            getattr(self._checker, name)(document)
        elif name == "recalculate":
            self._attempt(document, self.recalculate, document)
        elif not ResultsSheet.is_in(document):
            self._tell(document, MESSAGES["no results"])
        else:
            self._attempt(document, self._ask, name, document)

    def _ask(self, name: str, document: Document) -> None:
        """Have a command of `training` done and show its answer."""
        sheet = ResultsSheet(document)
        if name in training.STARTS:
            sheet.need_writable("run_status")
        answer = training.answer(name, sheet)
        if answer.tell:
            self._tell(document, answer.tell)
        if answer.folder:
            self._follow(sheet, answer.folder)
        elif answer.status:
            sheet.say(answer.status)

    def recalculate(self, document: Document) -> None:
        """Compute every cell anew."""
        document.calculateAll()

    def _log(self, name: str, document: Document) -> None:
        """A button of the training log."""
        need(LogSheet.is_in(document), "no log")
        getattr(LogSheet(document, self._undoable), name)()

    def _step_epoch(self, name: str, document: Document) -> None:
        """A button of the picture."""
        EpochCell(document).step(name)

    def _draw(self, name: str, document: Document) -> None:
        """A button of the field to draw in."""
        need(Pen.is_in(document), "no field")
        getattr(Pen(document, self._undoable), name)()

    def _runs(self, name: str, document: Document) -> None:
        """A button of the list of runs."""
        need(RunsSheet.is_in(document), "no runs")
        sheet = RunsSheet(document)
        sheet.show(overview.COMMANDS[name](sheet.ticked()))

    def _or_tell(self, action: Callable[[str, Document], None], name: str, document: Document) -> None:
        """Do it; why nothing was done is said in a box."""
        try:
            action(name, document)
        except (SheetError, OSError) as error:
            self._tell(document, str(error))

    def _attempt(self, document: Document, action: Callable[..., None], *arguments: object) -> None:
        """Do it; what goes wrong is said in a line, in the sheet where there is one."""
        try:
            action(*arguments)
        except (SheetError, SettingsError, OSError) as error:
            self._say(document, str(error))

    def _say(self, document: Document, text: str) -> None:
        try:
            ResultsSheet(document).say(text)
        except SheetError as error:
            self._tell(document, text if str(error) == text else f"{text}\n{error}")

    def _follow(self, sheet: ResultsSheet, folder: str) -> None:
        followed = Followed(sheet, folder)
        sheet.clear()
        followed.sheet.show(followed.look())
        with self._lock:
            self._followed[sheet.document.RuntimeUID] = followed
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, daemon=True)
                self._thread.start()

    def _watch(self) -> None:
        """In a thread of its own: look at the logs, and have what is new shown. Ends when no run is followed."""
        while found := self._all_followed():
            for key, followed in found.items():
                if not followed.waiting:
                    self._look(key, followed)
            time.sleep(POLL_SECONDS)

    def _all_followed(self) -> dict[str, Followed]:
        with self._lock:
            if not self._followed:
                self._thread = None
            return dict(self._followed)

    def _look(self, key: str, followed: Followed) -> None:
        """Have what is new of a run shown, or why it cannot be seen any more."""
        try:
            seen = followed.look()
        except Exception as error:  # of the folder's file system: whatever it is, the others are still followed
            act = functools.partial(self._let_go, key, followed, error)
        else:
            if seen == followed.shown:
                return
            act = functools.partial(self._update, key, followed, seen)
            followed.shown = seen
        followed.waiting = True
        try:
            self._post(act)
        except Exception:  # of an office that is closing, or busy: it is asked again
            followed.shown, followed.waiting = None, False

    def _update(self, key: str, followed: Followed, seen: training.Shown) -> None:
        """In the office's thread: show a run. A document that was closed, or cannot be written, is let go."""
        try:
            followed.sheet.show(seen)
            if seen.sheets:
                self._copy_in(followed.sheet.document, Path(seen.sheets))
            if seen.over:
                self._forget(key, followed)
        except Exception as error:  # a SheetError, or UNO's own, whatever they are
            self._let_go(key, followed, error)
        finally:
            followed.waiting = False

    def _let_go(self, key: str, followed: Followed, error: Exception) -> None:
        """Follow a run no more, and say why; of a document that is closed nothing is said."""
        self._forget(key, followed)
        document = followed.sheet.document
        if isinstance(error, SheetError):
            self._tell(document, str(error))
        elif is_open(document):
            self._tell(document, SHOWN_NO_MORE.format(error=what(error)))

    def _forget(self, key: str, followed: Followed) -> None:
        with self._lock:
            if self._followed.get(key) is followed:
                del self._followed[key]

    def _copy_in(self, document: Document, path: Path) -> None:
        """The sheets of what a finished run left; why they are not there is said in a box."""
        try:
            outcome_sheets.copy_in(document, path, self._open_hidden, self._dispatch)
        except Exception as error:  # of the office, which opens the run's workbook
            self._tell(document, MESSAGES["not copied"].format(error=what(error), file=path))


def need(is_there: bool, lacking: str) -> None:
    """Raises SheetError with a message of the contract where what a button acts on is not there."""
    if not is_there:
        raise SheetError(MESSAGES[lacking])


def what(error: Exception) -> str:
    """An exception in words."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def is_open(document: Document) -> bool:
    """Whether a document's window is still there."""
    try:
        return document.CurrentController.Frame is not None
    except Exception:  # it is disposed of, or the office is
        return False
