"""Packages the LibreOffice extension: `python start.py extension OUT.oxt`.

The type library, the registry of functions with their help, the menu and the load job are generated from
`addin.functions.FUNCTIONS` and the contract's buttons; what runs in the office is this project's own source, as it is.
"""

import io
import json
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from addin import COMMAND, IDENTIFIER, __version__
from addin.functions import FUNCTIONS, PARAMETERS, Function
from cnn import runs
from cnn.runs.command import Parser, carry_out
from cnn.runs.output import in_folder, named
from xlsx.contract import BUTTONS, COMMANDS, PICTURE

SERVICE = f"{IDENTIFIER}.AddIn"
EVENTS = ("OnLoadFinished", "OnLoad", "OnCopyTo")  # of documents; component.py has a job of that name for each
PROJECT = Path(__file__).resolve().parents[2]
IN_THE_OFFICE = (
    "addin/__init__.py",
    "addin/launch.py",
    "addin/overview.py",
    "addin/training.py",
    "addin/calc/__init__.py",
    "addin/calc/pipe.py",
    "addin/calc/bridge.py",
    "addin/calc/check.py",
    "addin/calc/marked.py",
    "addin/calc/outcome_sheets.py",
    "addin/calc/predictions.py",
    "addin/calc/document.py",
    "addin/calc/epoch_cell.py",
    "addin/calc/named_cells.py",
    "addin/calc/results_sheet.py",
    "addin/calc/runs_sheet.py",
    "addin/calc/unknown_names.py",
    "addin/calc/log_sheet.py",
    "addin/calc/menu.py",
    "addin/calc/mouse.py",
    "addin/calc/pen.py",
    "addin/wording.py",
    "cnn/__init__.py",
    "xlsx/__init__.py",
    "xlsx/contract.py",
    *(
        f"cnn/runs/{name}.py"
        for name in ("__init__", "folder", "follower", "listing", "lock", "log", "series", "settings")
    ),
)
OOR = "http://openoffice.org/2001/registry"
MANIFEST = "http://openoffice.org/2001/manifest"
DESCRIPTION = "http://openoffice.org/extensions/description/2006"
XLINK = "http://www.w3.org/1999/xlink"
UNO = "application/vnd.sun.star"


def type_library() -> str:
    """types.idl: one method for each cell function; every parameter takes a number, a text or a range."""
    methods = "".join(f"      {_result(f)} {f.name}({', '.join(_declared(f))});\n" for f in FUNCTIONS.values())
    return (
        "module org { module backprop { module addin {\n"
        "    interface XFunctions: com::sun::star::uno::XInterface {\n"
        f"{methods}    }};\n"
        "}; }; };\n"
    )


def _result(function: Function) -> str:
    """The type of what is answered: a block at once, or one that changes when a worker of its own has answered."""
    return "com::sun::star::sheet::XVolatileResult" if function.worker else "sequence< sequence<any> >"


def _declared(function: Function) -> list[str]:
    """The parameters; Calc itself fills a hidden one with the document, whose cells stand for what is left out.

    What is of any type may be left out, for Calc; what may not is an array, which one cell or number is too.
    """
    hidden = ["[in] com::sun::star::beans::XPropertySet caller"] if function.worker else []
    kinds = {True: "any", False: "sequence< sequence<any> >"}
    return [*hidden, *(f"[in] {kinds[function.is_optional(name)]} {_idl(name)}" for name in function.parameters)]


def _idl(parameter: str) -> str:
    """A parameter's name where underscores are not allowed: learningRate."""
    first, *others = parameter.split("_")
    return first + "".join(map(str.capitalize, others))


def functions_registry() -> str:
    """CalcAddIns.xcu: names, help texts, and the name by which an .xlsx knows each function."""
    data = _component_data("CalcAddIns")
    functions = _nodes(data, "AddInInfo", SERVICE, "AddInFunctions")
    for function in FUNCTIONS.values():
        _describe_function(_node(functions, function.name), function)
    return _text(data)


def _describe_function(node: Element, function: Function) -> None:
    _property(node, "DisplayName", function.name)
    _property(node, "Description", function.help)
    _property(node, "Category", "Add-In", localised=False)
    _property(node, "CompatibilityName", function.name)
    parameters = _node(node, "Parameters", replace=False)
    for name in function.parameters:
        parameter = _node(parameters, _idl(name))
        _property(parameter, "DisplayName", name)
        _property(parameter, "Description", PARAMETERS[name])


def menu_registry() -> str:
    """Addons.xcu: the Backprop menu of Calc."""
    data = _component_data("Addons")
    menu = _nodes(data, "AddonUI", "OfficeMenuBar", IDENTIFIER)
    _property(menu, "Title", "Backprop")
    submenu = _node(menu, "Submenu", replace=False)
    last = {"recalculate"}  # what is of no one sheet
    listed = [entry for entry in COMMANDS.items() if entry[0] not in BUTTONS[PICTURE]]  # "Next" says nothing there
    for number, (title, command) in enumerate(sorted(listed, key=lambda entry: entry[1] in last)):
        entry = _node(submenu, f"{number:02}")
        _property(entry, "Title", title)
        _property(entry, "URL", f"{COMMAND}?{command}", localised=False)
        _property(entry, "Target", "_self", localised=False)
        _property(entry, "Context", "com.sun.star.sheet.SpreadsheetDocument", localised=False)
    return _text(data)


def jobs_registry() -> str:
    """Jobs.xcu: what is done with every document when it is opened, and before it is exported."""
    data = _component_data("Jobs")
    jobs, events = _nodes(data, "Jobs"), _nodes(data, "Events")
    for event in EVENTS:
        job = f"{IDENTIFIER}.{event}"
        _property(_node(jobs, job), "Service", job, localised=False)
        _nodes(_node(events, event), "JobList", job)
    return _text(data)


def description() -> str:
    """description.xml: identifier, version, and the oldest LibreOffice that knows the functions in an .xlsx."""
    root = Element("description", {"xmlns": DESCRIPTION, "xmlns:xlink": XLINK})
    SubElement(root, "identifier", value=IDENTIFIER)
    SubElement(root, "version", value=__version__)
    needs = SubElement(root, "dependencies")
    oldest = {"value": "25.2", "name": "LibreOffice 25.2 or newer"}
    attributes = {"xmlns:lo": "http://libreoffice.org/extensions/description/2011"}
    SubElement(needs, "lo:LibreOffice-minimal-version", {**attributes, **oldest})
    SubElement(SubElement(root, "display-name"), "name", lang="en").text = "Backprop"
    return _text(root)


def manifest() -> str:
    """META-INF/manifest.xml: what each part of the package is."""
    parts = {
        "types.idl": f"{UNO}.uno-typelibrary;type=RDB",
        "component.py": f"{UNO}.uno-component;type=Python",
        "CalcAddIns.xcu": f"{UNO}.configuration-data",
        "Addons.xcu": f"{UNO}.configuration-data",
        "Jobs.xcu": f"{UNO}.configuration-data",
    }
    root = Element("manifest:manifest", {"xmlns:manifest": MANIFEST})
    for path, kind in parts.items():
        SubElement(root, "manifest:file-entry", {"manifest:media-type": kind, "manifest:full-path": path})
    return _text(root)


def parts() -> Mapping[str, str]:
    """Every file of the package by its path."""
    sources = {f"pythonpath/{path}": (PROJECT / path).read_text("utf-8") for path in IN_THE_OFFICE}
    return {
        "META-INF/manifest.xml": manifest(),
        "description.xml": description(),
        "types.idl": type_library(),
        "CalcAddIns.xcu": functions_registry(),
        "Addons.xcu": menu_registry(),
        "Jobs.xcu": jobs_registry(),
        "component.py": (PROJECT / "addin/calc/component.py").read_text("utf-8"),
        "pythonpath/addin/calc/functions.json": json.dumps({f.name: f.worker for f in FUNCTIONS.values()}),
        **sources,
    }


def package(path: Path) -> Path:
    """Write the extension; the same sources give the same bytes."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts().items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), text, zipfile.ZIP_DEFLATED)
    runs.write_file(in_folder(path), content.getvalue())
    return path


def _component_data(name: str) -> Element:
    return Element(
        "oor:component-data",
        {
            "xmlns:oor": OOR,
            "xmlns:xs": "http://www.w3.org/2001/XMLSchema",
            "oor:name": name,
            "oor:package": "org.openoffice.Office",
        },
    )


def _node(parent: Element, name: str, replace: bool = True) -> Element:
    return SubElement(parent, "node", {"oor:name": name} | ({"oor:op": "replace"} if replace else {}))


def _nodes(parent: Element, *names: str) -> Element:
    """Nodes within nodes; what this extension adds to a set, rather than finds there, is to be replaced."""
    for name in names:
        parent = _node(parent, name, replace=name.startswith(IDENTIFIER))
    return parent


def _property(parent: Element, name: str, text: str, localised: bool = True) -> None:
    value = SubElement(SubElement(parent, "prop", {"oor:name": name}), "value")
    value.text = text
    if localised:
        value.set("xml:lang", "en")


def _text(root: Element) -> str:
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def work(line: list[str] | None) -> int:
    """Write it and say where; the exit code. Raises Failure, OSError."""
    parser = Parser("extension", __doc__)
    parser.add_argument("out", type=Path, metavar="OUT.oxt", help="the file to write; one of this name is replaced")
    print(package(named(parser.parse_args(line).out, ".oxt")))
    return 0


def main(line: list[str] | None = None) -> int:
    """The exit code: 0 when the extension is written; else, with one line, 1, and 2 for wrong use."""
    return carry_out("extension", lambda: work(line))


if __name__ == "__main__":
    sys.exit(main())
