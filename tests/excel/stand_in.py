"""What the stand-in for xlwings' module calls; a script in LibreOffice's own Python.

STAND_IN in the environment is a folder: `server` in it says how to start server.py, which calls xlwings' real CallUDF;
`lines` takes the command lines that were run, `ended` those whose process has ended, `calls` the cell functions.
"""

import json
import os
import subprocess
import threading

FOLDER = os.environ["STAND_IN"]
EXPRESSION = 24  # com.sun.star.sheet.ConditionFormatOperator
_servers = []


def call_udf(module, function, arguments):
    if not _servers:
        _servers.append(start_server())
    note(function, "calls")
    print(json.dumps([module, function, arguments]), file=_servers[0].stdin, flush=True)
    answer = json.loads(_servers[0].stdout.readline())
    return tuple(map(as_uno, answer)) if isinstance(answer, list) else answer


def start_server():
    with open(os.path.join(FOLDER, "server"), encoding="utf-8") as file:
        server = subprocess.Popen(json.load(file), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    server.stdout.readline()
    return server


def as_uno(row):
    return tuple(row) if isinstance(row, list) else row


def run(line):
    """Run a command line without waiting, taken apart at its quotes as Windows takes it apart."""
    note(line)
    process = subprocess.Popen([word.strip() for word in line.split('"') if word.strip()])
    threading.Thread(target=lambda: (process.wait(), note(line, "ended")), daemon=True).start()
    return 0


def add_mark(cells, formula):
    """A conditional format beside those that the cells have, as Excel adds one."""
    formats = cells.Spreadsheet.ConditionalFormats
    number = formats.createByRange(cells.queryIntersection(cells.RangeAddress))
    mark = next(each for each in formats.getConditionalFormats() if number == each.ID)
    mark.createEntry(0, 0)  # com.sun.star.sheet.ConditionEntryType.CONDITION
    entry = mark.getByIndex(0)
    entry.Operator, entry.Formula1, entry.StyleName = EXPRESSION, formula, "Bad"


def remove_marks(cell, formula, begin):
    """Take such conditional formats off a cell's sheet, and the notes that begin so."""
    sheet = cell.Spreadsheet
    for each in marks_on(sheet, formula):
        sheet.ConditionalFormats.removeByID(each.ID)
    notes = sheet.Annotations
    for number in reversed(range(notes.Count)):
        if notes.getByIndex(number).AnnotationShape.String.startswith(begin):
            notes.removeByIndex(number)


def has_marks(cell, formula):
    return bool(marks_on(cell.Spreadsheet, formula))


def marks_on(sheet, formula):
    formats = sheet.ConditionalFormats.getConditionalFormats()
    return [each for each in formats if each.Count and getattr(each.getByIndex(0), "Formula1", "") == formula]


def note(line, kind="lines"):
    with open(os.path.join(FOLDER, kind), "a", encoding="utf-8") as file:
        file.write(line + "\n")
