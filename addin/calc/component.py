"""The extension's UNO components: the cell functions, the Backprop menu, and the job that looks at opened documents.

The office loads this file; what it needs is beside it in `pythonpath/`. Standard library and UNO only, Python 3.9.
"""

from __future__ import annotations

import json
import pathlib
from collections.abc import Mapping
from typing import Any, Callable

import uno
import unohelper
from com.sun.star.awt import XCallback
from com.sun.star.awt.MessageBoxType import INFOBOX
from com.sun.star.beans import PropertyValue, StringPair
from com.sun.star.document import XUndoAction
from com.sun.star.frame.InfobarType import INFO
from com.sun.star.script import ScriptEventDescriptor, XScriptListener
from com.sun.star.sheet import ResultEvent, XVolatileResult
from com.sun.star.task import XJob, XJobExecutor
from org.backprop.addin import XFunctions

import addin.calc
from addin import COMMAND, IDENTIFIER
from addin.calc import predictions
from addin.calc.bridge import Bridge
from addin.calc.document import Document, Rows
from addin.calc.menu import Menu
from addin.calc.mouse import Mouse
from addin.calc.named_cells import NamedCells
from addin.calc.pen import Pen
from addin.calc.results_sheet import ResultsSheet
from addin.calc.unknown_names import known_again
from xlsx.contract import COMMANDS, LOADING, PREDICT_RUN

FUNCTIONS = json.loads(pathlib.Path(addin.calc.__path__[0], "functions.json").read_text("utf-8"))
NO_SCRIPT = "VBAInterop"  # the one kind of event for which the office does not look for a script itself
OURS = "backprop:"

bridge = Bridge()


class Result(unohelper.Base, XVolatileResult):
    """A block that a worker of its own answers later: the cells that show it are told.

    What is there so far they are told in the office's own thread as well, not at once: they are being computed then,
    and whatever the office looks at meanwhile would be a circular reference (Err:522). That is before it draws them
    again. (A method cannot give them the block itself: of what Python returns, pyuno makes no [][]any.)
    """

    def __init__(self, post: Callable[[Callable[[], None]], None]) -> None:
        self.rows: Rows = ((LOADING,),)
        self.listeners: list[Any] = []
        self.post = post

    def addResultListener(self, listener: Any) -> None:
        self.listeners.append(listener)
        self.post(lambda: self.tell(listener))

    def tell(self, listener: Any) -> None:
        """What is there now, a cell that still wants it."""
        if listener in self.listeners:
            listener.modified(self.event())

    def removeResultListener(self, listener: Any) -> None:
        if listener in self.listeners:
            self.listeners.remove(listener)

    def event(self) -> Any:
        return ResultEvent(self, uno.Any("[][]any", tuple(map(tuple, self.rows))))

    def show(self, rows: Rows) -> None:
        """In the office's own thread."""
        self.rows = rows
        for listener in list(self.listeners):
            self.tell(listener)


def later_function(name: str, worker: str) -> Callable[..., Result]:
    """A method of the add-in that answers at once with what is there so far."""
    answers = predictions.Answers(Bridge(worker, predictions.LOADING_TIME))

    def method(self: AddIn, caller: Any, *arguments: object) -> Result:
        asked = name, predictions.filled(arguments, lambda: chosen_run(caller))
        result, rows = answers.shown(asked, self.later)
        result.rows = rows or result.rows
        return result  # type: ignore[no-any-return]

    return method


def chosen_run(document: Any) -> str:
    """The text of the document's cell for what is left out; '' where it has none."""
    return (
        str(NamedCells(document).cells(PREDICT_RUN).getDataArray()[0][0])
        if NamedCells.has(document, PREDICT_RUN)
        else ""
    )


def cell_function(name: str) -> Callable[..., Rows]:
    """A method of the add-in: the cells of a range arrive and leave as tuples of rows."""

    def method(self: object, *arguments: object) -> Rows:
        return tuple(map(tuple, bridge.call(name, arguments)))

    return method


CellFunctions: Any = type(
    "CellFunctions",
    (unohelper.Base, XFunctions),
    {name: later_function(name, worker) if worker else cell_function(name) for name, worker in FUNCTIONS.items()},
)


class AddIn(CellFunctions):
    """The cell functions."""

    def __init__(self, context: Any):
        self.host = host(context)

    def later(self) -> tuple[Result, Callable[[Rows], None]]:
        """A result, and what shows an answer in it from any thread."""
        result = Result(self.host.post)
        return result, lambda rows: self.host.post(lambda: result.show(rows))


class Callback(unohelper.Base, XCallback):
    """Something to be done in the office's own thread."""

    def __init__(self, action: Callable[[], None]):
        self.action = action

    def notify(self, _: object) -> None:
        self.action()


class Press(unohelper.Base, XUndoAction):
    """An entry of a document's undo list."""

    def __init__(self, title: str, undo: Callable[[], None], redo: Callable[[], None]):
        self.Title, self._undo, self._redo = title, undo, redo

    def undo(self) -> None:
        self._undo()

    def redo(self) -> None:
        self._redo()


def properties(**values: Any) -> Any:
    """Named values as UNO takes them."""
    return tuple(PropertyValue(name, 0, value, 0) for name, value in values.items())


class Host:
    """What training needs of the office: its own thread, message boxes, the document in front."""

    def __init__(self, context: Any):
        self.context = context
        self.menu = Menu(self.post, self.tell, self.show_bar, Press, properties, self.open_hidden, self.dispatch)

    def create(self, service: str) -> Any:
        return self.context.ServiceManager.createInstanceWithContext(service, self.context)

    def post(self, action: Callable[[], None]) -> None:
        self.create("com.sun.star.awt.AsyncCallback").addCallback(Callback(action), None)

    def tell(self, document: Any, text: str) -> None:
        window = document.CurrentController.Frame.ContainerWindow
        self.create("com.sun.star.awt.Toolkit").createMessageBox(window, INFOBOX, 1, "Backprop", text).execute()

    def show_bar(self, document: Any, text: str, buttons: Mapping[str, str]) -> None:
        """A bar above the sheets, which keeps nobody from typing, in place of the last one; without a text none."""
        window = document.CurrentController
        if window.hasInfobar(IDENTIFIER):
            window.removeInfobar(IDENTIFIER)
        if text:
            commands = tuple(StringPair(caption, f"{COMMAND}?{command}") for caption, command in buttons.items())
            window.appendInfobar(IDENTIFIER, "Backprop", text, INFO, commands, True)

    def open_hidden(self, path: pathlib.Path) -> Any:
        values = {"Hidden": True, "ReadOnly": True}
        options = tuple(PropertyValue(Name=name, Value=value) for name, value in values.items())
        desktop = self.create("com.sun.star.frame.Desktop")
        return desktop.loadComponentFromURL(path.as_uri(), "_blank", 0, options)

    def dispatch(self, document: Any, command: str) -> None:
        frame = document.CurrentController.Frame
        self.create("com.sun.star.frame.DispatchHelper").executeDispatch(frame, command, "", 0, ())

    @property
    def document(self) -> Any:
        return self.create("com.sun.star.frame.Desktop").getCurrentComponent()


class Buttons(unohelper.Base, XScriptListener):
    """Hears a form's buttons. The document is looked for from the button upwards: another may be in front."""

    def __init__(self, host: Host):
        self.host = host

    def firing(self, event: Any) -> None:
        if not event.ScriptCode.startswith(OURS):
            return
        document = event.Arguments[0].Source.Model
        while not hasattr(document, "Sheets"):
            document = document.Parent
        window = document.CurrentController.Frame.ComponentWindow
        window.setFocus()  # Enter would press the button again
        self.host.menu.command(event.ScriptCode[len(OURS) :], document)
        self.host.post(window.setFocus)  # the button takes it back once this is over, and Ctrl+Z would be lost

    def approveFiring(self, event: object) -> None:
        pass

    def disposing(self, event: object) -> None:
        pass

    def bind(self, document: Document) -> None:
        """Bind the buttons that carry one of our captions and do nothing yet; those of a .xlsm have their macros."""
        for sheet in document.Sheets:
            for form in sheet.DrawPage.Forms:
                captions = [getattr(form.getByIndex(number), "Label", None) for number in range(form.Count)]
                for number, caption in enumerate(captions):
                    if caption in COMMANDS and not form.getScriptEvents(number):
                        event = ("XActionListener", "actionPerformed", "", NO_SCRIPT, OURS + COMMANDS[caption])
                        form.registerScriptEvent(number, ScriptEventDescriptor(*event))
                form.addScriptListener(self)


_host: Host | None = None


def host(context: Any) -> Host:
    """The one host of this process."""
    global _host
    if _host is None:
        _host = Host(context)
    return _host


class Commands(unohelper.Base, XJobExecutor):
    """The entries of the Backprop menu: `service:org.backprop.addin.Commands?train` and the like.

    A script sends them from a thread of its own. There Python would wait for the office, which waits for Python, so
    whoever sends one, it is done in the office's own thread.
    """

    def __init__(self, context: Any):
        self.host = host(context)

    def trigger(self, command: str) -> None:
        document = self.host.document
        self.host.post(lambda: self.host.menu.command(command, document))


class Job(unohelper.Base, XJob):
    """Does something with a spreadsheet when an event of it comes."""

    def __init__(self, context: Any):
        self.host = host(context)

    def execute(self, arguments: Any) -> None:
        environment = {value.Name: value.Value for group in arguments for value in group.Value or ()}
        document = environment.get("Model")
        if hasattr(document, "Sheets"):
            self.happened(document)


class OnLoadFinished(Job):
    """A document was read and has no window yet.

    LibreOffice 25.2 hangs where it reads a second workbook and meanwhile draws cells that still have to be computed.
    """

    def happened(self, document: Document) -> None:
        if ResultsSheet.is_in(document) or Pen.is_in(document):
            known_again(document, FUNCTIONS)
        self.host.menu.read(document)


class OnLoad(Job):
    """A document was opened: whoever merely looks at it is not asked whether to save what is done to it here."""

    def happened(self, document: Document) -> None:
        Buttons(self.host).bind(document)
        if Pen.is_in(document):
            Mouse(document, Press).listen()
        self.host.menu.opened(document)
        self.host.menu.unmodified(document)


class OnCopyTo(Job):
    """A document is about to be exported, as PDF for one.

    LibreOffice 25.2 crashes where it draws a cell whose function still has to be computed, and finds a text.
    """

    def happened(self, document: Document) -> None:
        if document.isAutomaticCalculationEnabled():
            document.calculate()


g_ImplementationHelper = unohelper.ImplementationHelper()
for implementation, services in (
    (AddIn, ("com.sun.star.sheet.AddIn",)),
    (Commands, ()),
    (OnLoadFinished, ("com.sun.star.task.Job",)),
    (OnLoad, ("com.sun.star.task.Job",)),
    (OnCopyTo, ("com.sun.star.task.Job",)),
):
    service = f"{IDENTIFIER}.{implementation.__name__}"
    g_ImplementationHelper.addImplementation(implementation, service, (service, *services))
