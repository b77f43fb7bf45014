"""Drives a running office; runs in the office's own Python, because pyuno belongs to it.

`driver.py PIPE` connects to the soffice that listens on PIPE, then reads one JSON request a line, [method, arguments],
and writes one JSON answer a line, {"answer": …} or {"error": …}.
"""

import contextlib
import json
import sys
import threading
import time
import traceback

import uno
import unohelper
from com.sun.star.awt import XCallback
from com.sun.star.beans import NamedValue, PropertyValue, UnknownPropertyException
from com.sun.star.connection import NoConnectException
from com.sun.star.container import NoSuchElementException
from com.sun.star.task import XInteractionHandler
from com.sun.star.ucb import XCommandEnvironment
from com.sun.star.uno import RuntimeException
from com.sun.star.util import CloseVetoException

APPROVE = uno.getTypeByName("com.sun.star.task.XInteractionApprove")


TABLE = 58  # com.sun.star.accessibility.AccessibleRole
PIXELS = 96 / 2540  # in a hundredth of a millimetre
LOOK = (
    *("CellBackColor", "CellProtection", "CellStyle", "CharColor", "CharHeight", "CharPosture", "CharWeight"),
    *("HoriJustify", "IsTextWrapped", "NumberFormat", "TopBorder", "VertJustify"),
)  # in the order of the alphabet, as UNO wants them


class Approve(unohelper.Base, XCommandEnvironment, XInteractionHandler):
    """Says yes to whatever the extension manager asks."""

    def getInteractionHandler(self):
        return self

    def getProgressHandler(self):
        return None

    def handle(self, request):
        for continuation in request.getContinuations():
            if approve := continuation.queryInterface(APPROVE):
                approve.select()


class Done(unohelper.Base, XCallback):
    """Told by the office's own thread once it gets there."""

    def __init__(self):
        self.told = threading.Event()

    def notify(self, _):
        self.told.set()


def connect(pipe, timeout=60.0):
    local = uno.getComponentContext()
    resolver = local.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", local)
    end = time.monotonic() + timeout
    while True:
        try:
            return resolver.resolve(f"uno:pipe,name={pipe};urp;StarOffice.ComponentContext")
        except NoConnectException:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def cause_of(error):
    """The extension manager wraps what went wrong."""
    try:
        return error.Cause.Message
    except Exception:
        return ""


def properties(**values):
    return tuple(PropertyValue(name, 0, value, 0) for name, value in values.items())


def digits(value):
    """A number as far as every file format keeps it."""
    return value if isinstance(value, str) else f"{value:.9g}"


def below(context):
    """The accessible parts of a window, the nearest first; a sheet's cells, which are far too many, are left out."""
    waiting = [context]
    while waiting:
        part = waiting.pop(0)
        yield part
        if part.AccessibleRole != TABLE:
            waiting += [part.getAccessibleChild(each).AccessibleContext for each in range(part.AccessibleChildCount)]


def shown_as(context, caption):
    return context.AccessibleName.replace("~", "") == caption and context.Size.Width > 0


def middle(context):
    """[x, y] on the screen."""
    corner, size = context.getLocationOnScreen(), context.getSize()
    return [corner.X + size.Width // 2, corner.Y + size.Height // 2]


def entries(conditional):
    """The formulas of a conditional format; "" for a colour scale and the like."""
    return [getattr(conditional.getByIndex(number), "Formula1", "") for number in range(conditional.Count)]


class Driver:
    def __init__(self, context):
        self.context = context
        self.desktop = self.create("com.sun.star.frame.Desktop")
        self.documents = {}

    def create(self, service):
        return self.context.ServiceManager.createInstanceWithContext(service, self.context)

    def install(self, path):
        manager = self.context.getByName("/singletons/com.sun.star.deployment.ExtensionManager")
        url = uno.systemPathToFileUrl(path)
        return manager.addExtension(url, (), "user", manager.createAbortChannel(), Approve()).getIdentifier().Value

    def load(self, path, **options):
        url = uno.systemPathToFileUrl(path) if path else "private:factory/scalc"
        document = self.desktop.loadComponentFromURL(url, "_blank", 0, properties(**options))
        key = max(self.documents, default=0) + 1
        self.documents[key] = document
        return key

    def take(self, path):
        """The key of a document that something else opened; None while there is none of this path."""
        url = uno.systemPathToFileUrl(path)
        for document in self.desktop.Components:
            if getattr(document, "URL", "") == url and document not in self.documents.values():
                self.documents[max(self.documents) + 1] = document
        return next((key for key, document in self.documents.items() if url == document.URL), None)

    def sheets(self, key):
        return list(self.documents[key].Sheets.ElementNames)

    def names(self, key):
        ranges = self.documents[key].NamedRanges
        return {name: ranges.getByName(name).Content for name in ranges.ElementNames}

    def _range(self, key, address):
        """'Sheet.A1:B2', or the name of a named range."""
        document = self.documents[key]
        if document.NamedRanges.hasByName(address):
            return document.NamedRanges.getByName(address).getReferredCells()
        sheet, _, cells = address.rpartition(".")
        return document.Sheets.getByName(sheet).getCellRangeByName(cells)

    def where(self, key, address):
        area = self._range(key, address).RangeAddress
        return [area.Sheet, area.StartColumn, area.StartRow, area.EndColumn, area.EndRow]

    def used(self, key, sheet):
        """The used area of a sheet, as an address."""
        cursor = self.documents[key].Sheets.getByName(sheet).createCursor()
        cursor.gotoEndOfUsedArea(False)
        end = cursor.RangeAddress
        return f"{sheet}.A1:{self._cell_name(end.EndColumn, end.EndRow)}"

    def cell_name(self, column, row):
        """Such as B6; both counted from 0."""
        return self._cell_name(column, row)

    @staticmethod
    def _cell_name(column, row):
        name = ""
        column += 1
        while column:
            column, rest = divmod(column - 1, 26)
            name = chr(65 + rest) + name
        return f"{name}{row + 1}"

    def read(self, key, address):
        """Rows of values: a number, a text, None for an empty cell, {"error": what the cell shows} for an error."""
        cells = self._range(key, address)
        rows = cells.getDataArray()
        found = [[None if value == "" else value for value in row] for row in rows]
        errors = cells.queryFormulaCells(4)  # com.sun.star.sheet.FormulaResult.ERROR
        start = cells.RangeAddress
        for area in errors.RangeAddresses:
            for row in range(area.StartRow, area.EndRow + 1):
                for column in range(area.StartColumn, area.EndColumn + 1):
                    r, c = row - start.StartRow, column - start.StartColumn
                    found[r][c] = {"error": cells.getCellByPosition(c, r).String}
        return found

    def shown(self, key, address):
        """Rows of what the cells show."""
        cells = self._range(key, address)
        return [
            [cells.getCellByPosition(c, r).String for c in range(cells.Columns.Count)] for r in range(cells.Rows.Count)
        ]

    def formulas(self, key, address):
        return [list(row) for row in self._range(key, address).getFormulaArray()]

    def write(self, key, address, rows):
        """Rows of numbers, texts and formulas ('=…'); None empties a cell. A single cell may be given bare."""
        rows = rows if isinstance(rows, list) else [[rows]]
        cells = self._range(key, address)
        for r, row in enumerate(rows):
            for c, value in enumerate(row):
                cell = cells.getCellByPosition(c, r)
                if isinstance(value, (int, float)):
                    cell.Value = value
                elif value is not None and value.startswith("="):
                    cell.Formula = value
                else:
                    cell.String = value or ""

    def paste(self, key, address, rows):
        """Rows of numbers and texts all at once, as a paste does it."""
        self._range(key, address).setDataArray(tuple(map(tuple, rows)))

    def array(self, key, address, formula):
        self._range(key, address).setArrayFormula(formula)

    def is_modified(self, key):
        return self.documents[key].isModified()

    def set_modified(self, key, modified):
        self.documents[key].setModified(modified)

    def copy(self, key, source, target):
        """Copy a range, with all that it has, to where another begins, as a plain paste does."""
        first, area = self._range(key, target), self._range(key, source)
        first.Spreadsheet.copyRange(first.getCellByPosition(0, 0).CellAddress, area.RangeAddress)

    def limits(self, key, address):
        """Of a range's first cell: number format, what it allows, how many conditions it has, its left border."""
        cell = self._range(key, address).getCellByPosition(0, 0)
        line = cell.LeftBorder.OuterLineWidth
        return [cell.NumberFormat, cell.Validation.Type.value, cell.ConditionalFormat.Count, line]

    def sort(self, key, sheet, header):
        """Sort the table under a row by its first column, the largest first, as its own region and arrow would."""
        cells = self.documents[key].Sheets.getByName(sheet)
        cursor = cells.createCursorByRange(cells.getCellByPosition(0, header))
        cursor.collapseToCurrentRegion()
        field = uno.createUnoStruct("com.sun.star.table.TableSortField")
        field.Field, field.IsAscending = 0, False
        fields = uno.Any("[]com.sun.star.table.TableSortField", (field,))
        values = (PropertyValue("SortFields", 0, fields, 0), PropertyValue("ContainsHeader", 0, True, 0))
        cursor.sort(values)

    def remove_row(self, key, sheet, row):
        self.documents[key].Sheets.getByName(sheet).Rows.removeByIndex(row, 1)

    def fill(self, key, address, rows):
        """Write rows of numbers and texts at once."""
        self._range(key, address).setDataArray(tuple(map(tuple, rows)))

    def calculate(self, key):
        self.documents[key].calculateAll()

    def automatic_calculation(self, key, wanted):
        self.documents[key].enableAutomaticCalculation(wanted)

    def timed_edits(self, key, edited, times, read):
        """Seconds from writing a number until a cell that depends on it is read, `times` times after three others."""
        source, result = (self._range(key, address).getCellByPosition(0, 0) for address in (edited, read))
        taken = []
        for number in range(times + 3):
            start = time.perf_counter()
            source.Value = 0.5 + number / 100
            assert result.Value != 0
            taken.append(time.perf_counter() - start)
        return taken[3:]

    def timed_answers(self, key, edited, times, read):
        """Seconds from writing a number until a cell that is answered later shows another one, after three others."""
        source, result = (self._range(key, address).getCellByPosition(0, 0) for address in (edited, read))
        taken = []
        for number in range(times + 3):
            start, before = time.perf_counter(), result.Value
            source.Value = 1 + number
            while result.Value in (before, 0):
                assert time.perf_counter() - start < 10
            taken.append(time.perf_counter() - start)
        return taken[3:]

    def when(self, key, address, below, value, timeout=10.0):
        """The time (of time.time) at which the cell so far below the named one holds the value."""
        area = self._range(key, address).RangeAddress
        sheet = self.documents[key].Sheets.getByIndex(area.Sheet)
        cell = sheet.getCellByPosition(area.StartColumn, area.StartRow + below)
        end = time.time() + timeout
        while cell.Value != value:
            if time.time() > end:
                raise TimeoutError(f"{address} holds {cell.Value}, not {value}")
        return time.time()

    def show(self, key, sheet):
        """Make a sheet the active one; the title of its window."""
        document = self.documents[key]
        document.CurrentController.setActiveSheet(document.Sheets.getByName(sheet))
        return document.CurrentController.Frame.Title

    def printed(self, key, sheet):
        """How a sheet is printed: the rows at which pages begin, which of these are the office's own, and the rows that
        every page repeats (None for none)."""
        sheet = self.documents[key].Sheets.getByName(sheet)
        breaks, titles = sheet.getRowPageBreaks(), sheet.getTitleRows()
        repeated = [titles.StartRow, titles.EndRow] if sheet.getPrintTitleRows() else None
        return [[each.Position for each in breaks], [b.Position for b in breaks if not b.ManualBreak], repeated]

    def printed_down_to(self, key, sheet):
        """The last row of a sheet's only print area, numbered as on the screen."""
        (area,) = self.documents[key].Sheets.getByName(sheet).getPrintAreas()
        return area.EndRow + 1

    def charts_end(self, key, sheet):
        """How far each chart of a sheet reaches to the right, in pixels at 100 %."""
        shapes = self.documents[key].Sheets.getByName(sheet).DrawPage
        charts = [shape for shape in shapes if shape.supportsService("com.sun.star.drawing.OLE2Shape")]
        return [(chart.Position.X + chart.Size.Width) * PIXELS for chart in charts]

    def ends(self, key, address):
        """The same of cells."""
        cells = self._range(key, address)
        return (cells.Position.X + cells.Size.Width) * PIXELS

    def descriptions(self, key, sheet):
        """What the charts of a sheet are described by."""
        shapes = self.documents[key].Sheets.getByName(sheet).DrawPage
        return sorted(shape.Description for shape in shapes if shape.supportsService("com.sun.star.drawing.OLE2Shape"))

    def zoom(self, key, percent):
        """Show the active sheet so much larger."""
        controller = self.documents[key].CurrentController
        controller.ZoomType, controller.ZoomValue = 3, percent  # com.sun.star.view.DocumentZoomType.BY_VALUE

    def in_front(self, key):
        """The sheet that is in front."""
        return self.documents[key].CurrentController.ActiveSheet.Name

    def shows_page_breaks(self, key):
        return self.documents[key].CurrentController.ShowPageBreaks

    def selected(self, key):
        """The single cell that is selected, such as B6; '' where it is more than one."""
        area = self.documents[key].CurrentSelection.RangeAddress
        single = (area.StartColumn, area.StartRow) == (area.EndColumn, area.EndRow)
        return self._cell_name(area.StartColumn, area.StartRow) if single else ""

    def button(self, key, sheet, caption):
        """Where a button is in the window, in pixels of the screen: [x, y] of its middle."""
        document = self.documents[key]
        for shape in document.Sheets.getByName(sheet).DrawPage:
            if getattr(shape, "Control", None) is not None and shape.Control.Label == caption:
                control = document.CurrentController.getControl(shape.Control)
                return middle(control.getAccessibleContext())
        return None

    def menu(self, key, caption):
        """Where a menu or an entry of one that is open is on the screen: [x, y] of its middle; None where none is."""
        window = self.documents[key].CurrentController.Frame.ContainerWindow
        return next((middle(each) for each in below(window.AccessibleContext) if shown_as(each, caption)), None)

    def cell(self, key, column, row):
        """Where the text of a cell of the sheet in front begins on the screen: [x, y]."""
        window = self.documents[key].CurrentController.Frame.ContainerWindow
        table = next(each for each in below(window.AccessibleContext) if each.AccessibleRole == TABLE)
        context = table.getAccessibleCellAt(row, column).AccessibleContext
        return [context.getLocationOnScreen().X + 15, middle(context)[1]]

    def cut_rows(self, key, sheet):
        """The numbers of the rows that are lower than their texts are high."""
        rows, found = self.documents[key].Sheets.getByName(sheet).Rows, []
        last = self._range(key, self.used(key, sheet)).RangeAddress.EndRow
        for row in (rows.getByIndex(number) for number in range(last + 1)):
            height = row.Height
            row.OptimalHeight = True
            if row.Height > height + 20:  # hundredths of a millimetre
                found.append(row.RangeAddress.StartRow + 1 if hasattr(row, "RangeAddress") else row.Height)
            row.Height = height
        return found

    def modified(self, key):
        return self.documents[key].isModified()

    def select(self, key, address):
        self.documents[key].CurrentController.select(self._range(key, address))

    def remove_sheet(self, key, sheet):
        self.documents[key].Sheets.removeByName(sheet)

    def pictures(self, key, sheet):
        """The columns and rows of the cells that the sheet's pictures lie in."""
        page = self.documents[key].Sheets.getByName(sheet).DrawPage
        addresses = [page.getByIndex(number).Anchor.CellAddress for number in range(page.Count)]
        return [[address.Column, address.Row] for address in addresses]

    def rename(self, key, sheet, name):
        self.documents[key].Sheets.getByName(sheet).Name = name

    def protect(self, key, sheet):
        self.documents[key].Sheets.getByName(sheet).protect("")

    def unprotect(self, key, sheet):
        self.documents[key].Sheets.getByName(sheet).unprotect("")

    def undo(self, key):
        self.documents[key].UndoManager.undo()

    def redo(self, key):
        self.documents[key].UndoManager.redo()

    def looks(self, key):
        """Everything of each sheet that a check could change, cell by cell; again where it changed meanwhile."""
        for _ in range(20):
            with contextlib.suppress(UnknownPropertyException, RuntimeException, NoSuchElementException):
                return {sheet.Name: self._look(sheet) for sheet in self.documents[key].Sheets}
            time.sleep(0.2)
        return {sheet.Name: self._look(sheet) for sheet in self.documents[key].Sheets}

    def _look(self, sheet):
        cursor = sheet.createCursor()
        cursor.gotoEndOfUsedArea(False)
        end = cursor.RangeAddress
        cells = sheet.getCellRangeByPosition(0, 0, end.EndColumn, end.EndRow)
        formats = sheet.ConditionalFormats.getConditionalFormats()
        return {
            "formulas": cells.getFormulaArray(),
            "values": [[digits(value) for value in row] for row in cells.getDataArray()],
            "formats": self._formats(cells),
            "notes": sorted(
                [note.Position.Row, note.Position.Column, note.AnnotationShape.String] for note in sheet.Annotations
            ),
            "conditions": sorted([each.Range.RangeAddressesAsString, *map(str, entries(each))] for each in formats),
        }

    @staticmethod
    def _formats(cells):
        """How each cell looks, as a text; conditional formats, and what they do, are not among it."""
        end = cells.RangeAddress
        found = [[""] * (end.EndColumn + 1) for _ in range(end.EndRow + 1)]
        for ranges in cells.UniqueCellFormatRanges:
            look = repr(ranges.getPropertyValues(LOOK))
            for area in ranges.RangeAddresses:
                for row in range(area.StartRow, area.EndRow + 1):
                    width = area.EndColumn - area.StartColumn + 1
                    found[row][area.StartColumn : area.EndColumn + 1] = [look] * width
        return found

    def conditions(self, key, address):
        """The first conditional format that each cell of a column shows: its formula, "" for none."""
        cells = self._range(key, address)
        shown = [cells.getCellByPosition(0, row).ConditionalFormat for row in range(cells.Rows.Count)]
        return [each.getByIndex(0).Formula1 if each.Count else "" for each in shown]

    def decorate(self, key, sheet, note, condition):
        """A user's own note on a cell, and a conditional format of another."""
        sheet = self.documents[key].Sheets.getByName(sheet)
        sheet.Annotations.insertNew(sheet.getCellRangeByName(note).getCellByPosition(0, 0).CellAddress, "mine")
        cells = sheet.getCellRangeByName(condition)
        formats = cells.ConditionalFormat
        formats.addNew(properties(Operator=9, Formula1="TRUE()", StyleName="Good"))
        cells.ConditionalFormat = formats

    def add_sheet(self, key, name):
        self.documents[key].Sheets.insertNewByName(name, 1)

    def about(self, key):
        """Title, address, and whether the document is modified."""
        document = self.documents[key]
        return [document.Title, document.URL, document.isModified()]

    def undo_titles(self, key):
        return list(self.documents[key].UndoManager.AllUndoActionTitles)

    def command(self, key, url):
        """Run a menu command in the document's window. With a box it comes back while that is open: `rest` later."""
        frame = self.documents[key].CurrentController.Frame
        frame.activate()  # a command is for the document in front, and a window that has just opened may not be yet
        self.create("com.sun.star.frame.DispatchHelper").executeDispatch(frame, url, "_self", 0, ())
        self.rest()

    def command_and_write(self, key, url, address, rows):
        """Run a menu command and write at once, as somebody who types while it is at work."""
        self.command(key, url)
        self.write(key, address, rows)

    def rest(self):
        """Wait until the office's own thread has done what it was asked before."""
        done = Done()
        self.create("com.sun.star.awt.AsyncCallback").addCallback(done, None)
        assert done.told.wait(50), "the office's own thread is still at work"

    def job(self, service, key, *arguments):
        """What an extension's job answers for these numbers, and for the ranges whose addresses are among them."""
        values = [self._range(key, value) if isinstance(value, str) else value for value in arguments]
        answer = self.create(service).execute(tuple(NamedValue("", value) for value in values))
        return list(answer or ())

    def macro(self, key, name, *arguments):
        """Run a macro of the document, such as VBAProject.Module1.Start; what it gives."""
        url = f"vnd.sun.star.script:{name}?language=Basic&location=document"
        return self.documents[key].getScriptProvider().getScript(url).invoke(arguments, (), ())[0]

    def save(self, key, path, filter="Calc MS Excel 2007 XML"):
        self.documents[key].storeToURL(uno.systemPathToFileUrl(path), properties(FilterName=filter))

    def close(self, key):
        """Close without saving: a window would ask about changes."""
        document = self.documents[key]
        document.setModified(False)
        end = time.monotonic() + 20
        while True:  # a macro that still runs says no
            try:
                document.close(False)  # with True it would be closed a second time, once that macro ends
                break
            except CloseVetoException:
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)
        del self.documents[key]

    def function_names(self):
        """The cell functions as the function wizard lists them: name -> [description, argument names…]."""
        descriptions = self.create("com.sun.star.sheet.FunctionDescriptions")
        found = {}
        for number in range(descriptions.Count):
            values = {value.Name: value.Value for value in descriptions.getByIndex(number)}
            found[values["Name"]] = [values["Description"]] + [
                [a.Name, a.Description, a.IsOptional] for a in values["Arguments"] or ()
            ]
        return found

    def quit(self):
        for document in self.documents.values():
            with contextlib.suppress(CloseVetoException):
                document.setModified(False)
                document.close(True)
        self.desktop.terminate()


def main():
    driver = Driver(connect(sys.argv[1]))
    print(json.dumps({"answer": "ready"}), flush=True)
    for line in sys.stdin:
        method, arguments, options = json.loads(line)
        try:
            answer = {"answer": getattr(driver, method)(*arguments, **options)}
        except Exception as error:
            answer = {"error": f"{traceback.format_exc()}{cause_of(error)}"}
        print(json.dumps(answer), flush=True)


main()
