"""What makes backprop.xlam, Excel's add-in: the macros of backprop.xlsm, byte for byte, and a tab of the ribbon.

A workbook without sheets of its own, whose kind is "add-in", with one part more: the ribbon, as XML.
"""

from __future__ import annotations

import io
from typing import NamedTuple
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from xlsxwriter import Workbook

from addin.excel import project
from xlsx.contract import CHECK, RESULTS, macro_name
from xlsx.files import CREATED

TITLE = "Backprop"  # by which Excel lists it
ABOUT = "Backpropagation in cells: the functions BACKPROP_…, and a tab in the ribbon."
WORKBOOK_KIND = b"application/vnd.ms-excel.sheet.macroEnabled.main+xml"
ADD_IN_KIND = b"application/vnd.ms-excel.addin.macroEnabled.main+xml"
PART = "customUI/customUI.xml"
CUSTOM_UI = "http://schemas.microsoft.com/office/2006/01/customui"
RELATION = "http://schemas.microsoft.com/office/2006/relationships/ui/extensibility"
CALLBACK = "RibbonPressed"
CAPTIONS = {command: caption for caption, command in CHECK.items()}


class Control(NamedTuple):
    """A button of the ribbon; image is one of Office's own."""

    group: str
    caption: str
    image: str
    macro: str
    tip: str


CONTROLS = (
    Control("Workbook", "New workbook", "FileNew", "NewWorkbook", "Write a workbook of the network, and open it"),
    Control(RESULTS, "Train CNN", "MacroPlay", macro_name("Train CNN"), f"Train with the settings on {RESULTS}"),
    Control(RESULTS, "Stop", "CancelRequest", macro_name("Stop"), "End the run; its complete epochs stay"),
    Control(RESULTS, "Resume", "RecurrenceEdit", macro_name("Resume"), "Go on with the run that is shown"),
    Control("Check", CAPTIONS["check"], "Spelling", "CheckThisWorkbook", "Mark what is wrong in the workbook in front"),
    Control("Check", CAPTIONS["clear_marks"], "ClearFormats", "ClearMarks", "Take marks, notes and report away again"),
    Control(TITLE, "Help", "Help", "ShowHelp", "What there is, and where it is described"),
)


def content() -> bytes:
    """The file, for this machine: the same on every call."""
    made = io.BytesIO()
    with Workbook(made, {"in_memory": True}) as workbook:
        workbook.set_properties({"title": TITLE, "comments": ABOUT, "created": CREATED})
        workbook.add_worksheet(TITLE)
        project.add_to(workbook, [])
    return as_add_in(made)


def as_add_in(workbook: io.BytesIO) -> bytes:
    """A workbook with macros as an add-in with a ribbon."""
    made = io.BytesIO()
    with ZipFile(workbook) as source, ZipFile(made, "w", ZIP_DEFLATED) as target:
        for info in source.infolist():
            data = source.read(info)
            if info.filename == "[Content_Types].xml":
                data = data.replace(WORKBOOK_KIND, ADD_IN_KIND)
            elif info.filename == "_rels/.rels":
                link = f'<Relationship Id="backprop" Type="{RELATION}" Target="{PART}"/></Relationships>'
                data = data.replace(b"</Relationships>", link.encode())
            target.writestr(info, data)
        target.writestr(ZipInfo(PART, CREATED.timetuple()[:6]), ribbon(), ZIP_DEFLATED)
    return made.getvalue()


def ribbon() -> bytes:
    """The tab, a group of buttons after the other."""
    root = Element("customUI", xmlns=CUSTOM_UI)
    tab = SubElement(SubElement(SubElement(root, "ribbon"), "tabs"), "tab", id="backprop", label=TITLE)
    groups = {
        name: SubElement(tab, "group", id=f"backprop{name}", label=name)
        for name in dict.fromkeys(control.group for control in CONTROLS)
    }
    for control in CONTROLS:
        shown = {"label": control.caption, "imageMso": control.image, "size": "large", "screentip": control.tip}
        does = {"id": control.macro, "onAction": CALLBACK, "tag": control.macro}
        SubElement(groups[control.group], "button", does | shown)
    return bytes(ElementTree.tostring(root, "utf-8", xml_declaration=True))
