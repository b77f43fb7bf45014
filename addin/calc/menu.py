"""The Backprop menu and buttons in Calc: what a command does to a document, and a run shown in it while it trains.

A run is a folder; this follows its log from a thread and lets the office's own thread write the cells. Standard library
only, Python 3.9; documents are UNO objects, and what needs UNO's classes is handed in by `component.py`.
"""

import threading
import time

from addin import training
from addin.calc.log_sheet import LogSheet
from addin.calc.named_cells import SheetError
from addin.calc.results_sheet import ResultsSheet
from cnn import runs
from xlsx.contract import BUTTONS, MESSAGES, TRAINING_LOG

POLL_SECONDS = 0.03


class Followed:
    """A document and the run that it shows."""

    def __init__(self, sheet, folder):
        self.sheet, self.follower = sheet, runs.Follower(folder)
        self.shown, self.waiting = None, False

    def look(self):
        """The run, its state in a line, and whether there is nothing more to come."""
        run = self.follower.poll()
        answer = training.state(run)
        return run, answer.status, answer.over


class Menu:
    """Commands on documents. `post(action)` acts in the office's own thread, `tell(document, text)` shows a box."""

    def __init__(self, post, tell):
        self._post, self._tell = post, tell
        self._followed = {}  # by the document's RuntimeUID
        self._thread = None

    def read(self, document):
        """A document was read: compute its Python cells."""
        if ResultsSheet.is_in(document):
            modified = document.isModified()
            self.recalculate(document)
            document.setModified(modified)

    def opened(self, document):
        """A document was opened: show the newest run that was started from it."""
        if not ResultsSheet.is_in(document):
            return
        self._attempt(document, self._ask, "newest", document)

    def command(self, name, document):
        """Run a command of the contract's buttons on a document."""
        if name in BUTTONS[TRAINING_LOG].values():
            return self._log(name, document)
        if name == "recalculate":
            return self._attempt(document, self.recalculate, document)
        if not ResultsSheet.is_in(document):
            return self._tell(document, MESSAGES["no results"])
        return self._attempt(document, self._ask, name, document)

    def _ask(self, name, document):
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

    def recalculate(self, document):
        """Compute every cell anew."""
        document.calculateAll()

    def _log(self, name, document):
        """A button of the training log; why nothing was done is said in a box."""
        if not LogSheet.is_in(document):
            return self._tell(document, MESSAGES["no log"])
        try:
            return getattr(LogSheet(document), name)()
        except SheetError as error:
            return self._tell(document, str(error))

    def _attempt(self, document, action, *arguments):
        """Do it; what goes wrong is said in a line, in the sheet where there is one."""
        try:
            return action(*arguments)
        except (SheetError, OSError) as error:
            self._say(document, str(error))

    def _say(self, document, text):
        try:
            ResultsSheet(document).say(text)
        except SheetError as error:
            self._tell(document, text if str(error) == text else f"{text}\n{error}")

    def _follow(self, sheet, folder):
        followed = Followed(sheet, folder)
        sheet.clear()
        followed.sheet.show(*followed.look()[:2])
        self._followed[sheet.document.RuntimeUID] = followed
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._watch, daemon=True)
            self._thread.start()

    def _watch(self):
        """In a thread of its own: look at the logs, and have what is new shown. Ends when no run is followed."""
        while self._followed:
            for key, followed in list(self._followed.items()):
                seen = followed.look()
                if seen != followed.shown and not followed.waiting:
                    followed.shown, followed.waiting = seen, True
                    self._post(lambda key=key, followed=followed, seen=seen: self._update(key, followed, *seen))
            time.sleep(POLL_SECONDS)

    def _update(self, key, followed, run, status, over):
        """In the office's thread: show a run. A document that was closed, or cannot be written, is let go."""
        try:
            followed.sheet.show(run, status)
        except SheetError as error:
            over = True
            self._tell(followed.sheet.document, str(error))
        except Exception:  # the document is closed: UNO's DisposedException, or a bridge that is gone
            over = True
        followed.waiting = False
        if over and self._followed.get(key) is followed:
            del self._followed[key]
