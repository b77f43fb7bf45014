"""Excel on this machine: where it is, the user's workbook opened with it, and what can keep that workbook from working.

Standard library only. What is wrong is a text for a person: what it is and what to do next.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from addin.contract import SETTINGS_SHEET
from cnn import runs

FILE_NAME, ADD_IN = "backprop.xlsm", "backprop.xlam"
ADD_INS = {  # the folder whose add-ins Excel lists, for this user
    "win32": r"%APPDATA%\Microsoft\AddIns",
    "darwin": "~/Library/Group Containers/UBF8T346G9.Office/User Content.localized/Add-Ins.localized",
}
SWITCH = {
    "win32": "File > Options > Add-ins > Go",
    "darwin": "Tools > Excel Add-ins",
}
MAC_APP = "Microsoft Excel"
PLACES = {
    "win32": (
        r"%ProgramFiles%\Microsoft Office\root\Office16\EXCEL.EXE",
        r"%ProgramFiles(x86)%\Microsoft Office\root\Office16\EXCEL.EXE",
    ),
    "darwin": (f"/Applications/{MAC_APP}.app", f"~/Applications/{MAC_APP}.app"),
}
APP_PATHS = r"SOFTWARE\Microsoft\Windows\CurrentVersion\App Paths\excel.exe"
OPTIONS = r"SOFTWARE\Microsoft\Office\16.0\Excel\Options"  # OPEN, OPEN1, … are the add-ins that are on
SECURITY = r"Microsoft\Office\16.0\Excel\Security"
TURNED_OFF = {
    rf"SOFTWARE\Policies\{SECURITY}": "by your administrator's policy",
    rf"SOFTWARE\{SECURITY}": "in File > Options > Trust Center > Macro Settings",
}
SCRIPTS = "~/Library/Application Scripts/com.microsoft.Excel"  # where Excel for Mac may run scripts from
SYNCED = ("OneDrive", "Dropbox", "Google Drive", "GoogleDrive", "CloudStorage", "Mobile Documents", "Nextcloud")
FRESH = "move it away, and python start.py writes a fresh one"
BESIDE = "python start.py new writes one beside it that does; what you typed stays in the old one"
REPOINT = (
    "to use it here, right-click a sheet's tab, Unhide {sheet}, and type there {python} beside {key} and {project} "
    "beside PYTHONPATH; or python start.py new writes another beside it"
)
IN_USE = "Excel has the add-in open: close Excel and start this again"
ANEW = "allow it there, delete the folder .venv, and start python start.py"
ADD_IN_ANEW = "close Excel and start python start.py, which writes it anew"  # as it does not with a user's workbook
NAMESPACE = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


class Problem(NamedTuple):
    """What keeps a workbook from working here, and what to do; `in_file` where another file would have none of it."""

    what: str
    advice: str
    in_file: bool = True


def find() -> Path | None:
    """Excel, where it is installed."""
    usual = map(os.path.expanduser, map(os.path.expandvars, PLACES.get(sys.platform, ())))
    registered = registry("HKEY_LOCAL_MACHINE", APP_PATHS, "")
    return next((Path(place) for place in map(str, (registered or "", *usual)) if place and Path(place).exists()), None)


def registry(root: str, key: str, name: str) -> object:
    """A value of Windows' registry; None where there is none."""
    if sys.platform != "win32":
        return None
    import winreg

    try:
        with winreg.OpenKey(getattr(winreg, root), key) as opened:
            return winreg.QueryValueEx(opened, name)[0]
    except OSError:
        return None


def add_in() -> Path | None:
    """Where the add-in lies, or would; None on a system that Excel is not for."""
    folder = ADD_INS.get(sys.platform)
    return Path(os.path.expanduser(os.path.expandvars(folder)), ADD_IN) if folder else None


def switch() -> str:
    """Where in Excel the add-in is switched on and off."""
    return f'{SWITCH.get(sys.platform, SWITCH["win32"])}, "Backprop"'


def is_switched_on() -> bool:
    """Whether Excel loads the add-in when it starts; Windows' registry alone tells."""
    names = ("OPEN", *(f"OPEN{number}" for number in range(1, 50)))
    return any(ADD_IN in str(registry("HKEY_CURRENT_USER", OPTIONS, name)).lower() for name in names)


def open_workbook(program: Path, workbook: Path) -> None:
    """Open the workbook with Excel and return. Raises OSError."""
    command = ["open", "-a", str(program), str(workbook)] if sys.platform == "darwin" else [str(program), str(workbook)]
    subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def prepare_mac() -> None:
    """What `xlwings runpython install` does once: the script through which a macro may start Python. Raises OSError."""
    version = importlib.metadata.version("xlwings")
    if sys.platform == "darwin" and not Path(SCRIPTS, f"xlwings-{version}.applescript").expanduser().exists():
        subprocess.run([Path(sys.executable).with_name("xlwings"), "runpython", "install"], check=True)


def interpreter_for_mac(home: Path) -> str:
    """The interpreter as xlwings' script takes it, without quotes. Raises OSError.

    For a path that needs quotes it is a program in the user's folder, which passes on to the interpreter.
    """
    if re.fullmatch(r"[\w./-]+", sys.executable, re.ASCII):
        return sys.executable
    program = home / "python"
    home.mkdir(parents=True, exist_ok=True)
    quoted = sys.executable.replace("'", "'\\''")
    runs.write_file(program, f"#!/bin/sh\nexec '{quoted}' \"$@\"\n".encode())
    program.chmod(0o755)
    return str(program)


def problems(workbook: Path, python: Path, project: Path) -> Iterator[Problem]:
    """What can keep this workbook from working here."""
    if not workbook.exists():
        return
    if os.path.exists(f"{workbook}:Zone.Identifier"):
        yield Problem("is marked as downloaded, so Excel blocks its macros", f"Properties > Unblock; or {FRESH}")
    try:
        settings = settings_in(workbook)
    except (OSError, KeyError, IndexError, zipfile.BadZipFile, ElementTree.ParseError):
        yield Problem("cannot be read", f"close it in Excel; if that does not help, {FRESH}")
        return
    yield from of_settings(settings, python, project)


def problems_of_add_in(path: Path, python: Path, project: Path) -> Iterator[Problem]:
    """The same of the add-in, which start.py writes anew whatever is wrong with the file."""
    for problem in problems(path, python, project):
        yield problem._replace(advice=ADD_IN_ANEW) if problem.in_file else problem


def of_place(folder: Path) -> Iterator[Problem]:
    """What can be wrong with a folder for a workbook and its runs."""
    elsewhere = "set BACKPROP_HOME to a plain local folder"
    if name := synced(folder):
        why = f"in a folder that {name} synchronizes: it holds files while they are written"
        yield Problem(f"is {why}, and gives Excel an address in place of a path", elsewhere)
    try:
        str(folder).encode("mbcs" if sys.platform == "win32" else "utf-8")
    except UnicodeEncodeError:
        yield Problem("is in a folder whose name VBA cannot read", elsewhere)
    if ";" in str(folder):
        yield Problem("is in a folder with ; in its name, which xlwings takes for two", elsewhere)


def of_settings(settings: dict[str, str], python: Path, project: Path) -> Iterator[Problem]:
    """What is wrong with a workbook's sheet of settings on this machine."""
    key = "INTERPRETER_MAC" if sys.platform == "darwin" else "INTERPRETER_WIN"
    repoint = REPOINT.format(sheet=SETTINGS_SHEET, key=key, python=python, project=project)
    installed = version_of_xlwings(python)
    of_another = bool(installed) and settings.get("BACKPROP_XLWINGS") != installed
    advice = BESIDE if of_another else repoint  # the macros would not go with that xlwings
    if not Path(place := settings.get(key, "")).is_file():
        missing = "python start.py installs it" if place == str(python) else advice
        yield Problem(f"looks for Python in {place or 'no place'}, where there is none", missing)
    if settings.get("PYTHONPATH") != str(project):
        yield Problem(f"belongs to another copy of the project, in {settings.get('PYTHONPATH')}", advice)
    if of_another:
        yield Problem(f"is of xlwings {settings.get('BACKPROP_XLWINGS')}, but {installed} is installed", advice)
    elif installed and sys.platform == "win32" and (dll := missing_dll(python, installed)):
        gone = f"needs {python.parents[1] / dll}, which is gone; an antivirus program may have taken it"
        yield Problem(gone, ANEW, in_file=False)


def missing_dll(python: Path, version: str) -> str:
    """The name of a library of xlwings that is not where its VBA looks for it; '' where both are."""
    names = (f"xlwings{bits}-{version}.dll" for bits in (32, 64))  # Excel's bits, which need not be Python's
    folders = python.parents[:2]
    return next((name for name in names if not any((folder / name).exists() for folder in folders)), "")


def version_of_xlwings(python: Path) -> str:
    """The version in that interpreter's environment, without starting it; '' for none."""
    folder = python.parents[1]
    paths = [str(path) for path in (folder / "Lib/site-packages", *folder.glob("lib/python*/site-packages"))]
    return next((found.version for found in importlib.metadata.distributions(name="xlwings", path=paths)), "")


def synced(folder: Path) -> str:
    """The service that synchronizes this folder; '' for none."""
    onedrive = [os.environ.get(name) for name in ("OneDrive", "OneDriveCommercial", "OneDriveConsumer")]
    if any(place and folder.is_relative_to(place) for place in onedrive):
        return "OneDrive"
    return next((name for name in SYNCED if any(part.startswith(name) for part in folder.parts)), "")


def macros_policy() -> str:
    """Why Excel's settings run no macros at all, in words; '' when they may run."""
    for place, where in TURNED_OFF.items():
        if registry("HKEY_CURRENT_USER", place, "VBAWarnings") == 4:
            return f"all macros are turned off {where}"
    return ""


def settings_in(workbook: Path) -> dict[str, str]:
    """The sheet of settings of an .xlsm, also after Excel has saved it. Raises OSError, KeyError, BadZipFile …"""
    with zipfile.ZipFile(workbook) as archive:
        part = settings_part(archive)
        strings = ElementTree.fromstring(archive.read("xl/sharedStrings.xml"))
        texts = ["".join(each.itertext()) for each in strings.iterfind("m:si", NAMESPACE)]
        cells = ElementTree.fromstring(archive.read(part)).iterfind(".//m:c", NAMESPACE)
        found = {cell.get("r", ""): cell_text(cell, texts) for cell in cells}
    return {text: found.get(f"B{name[1:]}", "") for name, text in found.items() if name[0] == "A"}


def settings_part(archive: zipfile.ZipFile) -> str:
    """Where in the file the sheet of settings is."""
    sheets = ElementTree.fromstring(archive.read("xl/workbook.xml")).iterfind(".//m:sheet", NAMESPACE)
    links = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    targets = {link.get("Id"): link.get("Target", "") for link in links}
    found = {sheet.get("name"): targets[sheet.get(ID)] for sheet in sheets}
    return "xl/" + found[SETTINGS_SHEET].removeprefix("/xl/")


def cell_text(cell: ElementTree.Element, texts: list[str]) -> str:
    value = cell.findtext("m:v", "", NAMESPACE)
    return texts[int(value)] if cell.get("t") == "s" else value
