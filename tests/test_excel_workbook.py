"""backprop.xlsm without Excel: its file, its VBA, its settings, and the command lines that come of them."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import openpyxl
import pytest

from addin.excel import command, project, wrappers
from addin.functions import FUNCTIONS, OPTIONAL, PARAMETERS
from addin.setup.excel import FILE_NAME
from tests.excel.macros import modules
from tests.sheets import workbook
from xlsx import build

PROCEDURE = re.compile(
    r"^(?:Public |Private |Friend )?(?:Static )?(?:Sub|Function) (\w+)", re.MULTILINE | re.IGNORECASE
)


NETWORK = "2-1"  # small: the rules of Open XML take their time


@pytest.fixture(scope="module")
def excel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build.build(tmp_path_factory.mktemp("excel") / FILE_NAME, NETWORK, macros=project.add_to)


def test_two_builds_are_the_same_bytes(excel: Path, tmp_path: Path) -> None:
    project.vba_project.cache_clear()
    assert build.build(tmp_path / FILE_NAME, NETWORK, macros=project.add_to).read_bytes() == excel.read_bytes()


def test_the_open_xml_rules_find_nothing(excel: Path) -> None:
    from openxml_audit import OpenXmlValidator

    assert OpenXmlValidator().validate(excel).errors == []


def test_the_cells_are_those_of_the_workbook_without_macros(excel: Path) -> None:
    one, other = (openpyxl.load_workbook(path) for path in (excel, workbook(NETWORK)))
    assert one.sheetnames == [*other.sheetnames, project.SETTINGS_SHEET]
    assert one[project.SETTINGS_SHEET].sheet_state == "hidden"
    for sheet in other:
        assert list(map(cells_of, one[sheet.title].iter_rows())) == list(map(cells_of, sheet.iter_rows())), sheet.title
    assert {name: cell.value for name, cell in one.defined_names.items()} == {
        name: cell.value for name, cell in other.defined_names.items()
    }


def cells_of(row: tuple) -> list:
    return [getattr(cell.value, "text", cell.value) for cell in row]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # oletools' own, of pyparsing
def test_every_module_reads_back_as_its_source(excel: Path) -> None:
    found = modules(excel)
    sheets = {f"Sheet{number}" for number in range(1, len(openpyxl.load_workbook(excel).sheetnames) + 1)}
    assert set(found) == {*project.sources(), *sheets}
    for name, source in project.sources().items():
        assert code(found[name]) == code(source), name
    assert all(code(found[name]) == "" for name in sheets)


def code(text: str) -> str:
    """A module without its header, which the editor does not show."""
    lines = text.replace("\r\n", "\n").split("\n")
    start = next(
        (at for at, line in enumerate(lines) if not line.startswith(("VERSION", "BEGIN", "  ", "END", "Attrib"))), 0
    )
    return "\n".join(lines[start:]).strip("\n")


def test_xlwings_module_is_that_of_the_installed_package_with_its_notices() -> None:
    text = project.sources()["xlwings"]
    assert text.encode() == project.xlwings_module().read_bytes()
    assert f'XLWINGS_VERSION As String = "{__import__("xlwings").__version__}"' in text
    assert "BSD 3-clause license" in text
    assert "License: MIT" in project.sources()["Dictionary"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # oletools' own, of pyparsing
def test_nothing_of_xlwings_is_in_the_repository() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=project.PROJECT, capture_output=True, text=True).stdout
    names = [name for name in tracked.splitlines() if name.endswith((".xlsm", ".bas", ".cls"))]
    assert any(name.endswith(".xlsm") for name in names), "one of the first layout is kept"
    theirs = long_lines(project.xlwings_module().read_text("ascii") + project.dictionary().read_text("ascii"))
    assert len(theirs) > 50
    for name in names:
        assert long_lines("".join(modules(project.PROJECT / name).values())) & theirs == set(), name


def long_lines(text: str) -> set[str]:
    """The lines of some length, which nobody writes twice by chance."""
    return {line.strip() for line in text.splitlines() if len(line.strip()) > 45}


def test_our_sources_are_ascii_and_no_line_is_too_long_for_vba() -> None:
    for name, text in project.sources().items():
        assert text.isascii(), name
        assert max(map(len, text.splitlines())) < 1023, name
        assert "\n" not in text.replace("\r\n", ""), name


def test_no_two_procedures_have_one_name_for_vba_knows_no_case() -> None:
    names = [name for text in project.sources().values() for name in PROCEDURE.findall(text)]
    ours = [name for module, text in project.sources().items() for name in public(module, text)]
    assert len(names) > 60
    twice = {name.lower() for name in ours if [other.lower() for other in ours].count(name.lower()) > 1}
    assert twice == set()
    assert not {name.lower() for name in ours} & {module.lower() for module in project.sources()}


def public(module: str, text: str) -> list[str]:
    """The procedures that every module sees; those of classes are not among them."""
    if module in (project.WORKBOOK, "Dictionary"):
        return []
    found = re.findall(r"^(Private )?(?:Public )?(?:Sub|Function) (\w+)", text, re.MULTILINE)
    return list({name: None for private, name in found if not private})  # each once: #If has several of one


def test_every_button_calls_a_macro_that_is_there(excel: Path) -> None:
    with zipfile.ZipFile(excel) as archive:
        drawings = "".join(archive.read(name).decode() for name in archive.namelist() if "vmlDrawing" in name)
    called = re.findall(r"<x:FmlaMacro>\[0\]!(\w+)</x:FmlaMacro>", drawings)
    assert len(called) == drawings.count('ObjectType="Button"') >= 4
    subs = re.findall(r"^Public Sub (\w+)\(\)", "".join(project.sources().values()), re.MULTILINE)
    assert set(called) <= set(subs)


FUNCTION = re.compile(r"^(?:Public )?Function (\w+)\(([^)]*)\)\n(.*?)^End Function", re.MULTILINE | re.DOTALL)
CALL = re.compile(r"(\w+) = XLPy\.CallUDF\((.*), ThisWorkbook, Application\.Caller\)")


def wrapped(text: str) -> dict[str, tuple]:
    """name -> (parameters, whether each is optional, the call that answers)."""
    found = {}
    for name, declared, body in FUNCTION.findall(text.replace("\r\n", "\n").replace(" _\n", " ")):
        parameters = [part.split(" = ")[0] for part in declared.split(", ") if part]
        optional = tuple(part.startswith("Optional ") for part in parameters)
        found[name] = (
            tuple(part.removeprefix("Optional ") for part in parameters),
            optional,
            CALL.search(body).groups(),
        )
    return found


GENERATE = """
import io, sys
from types import SimpleNamespace
from tests.excel.pywin32 import windows_xlwings
windows_xlwings()
from xlwings.udfs import generate_vba_wrapper
from addin.excel import udfs
generate_vba_wrapper("addin.excel.udfs", udfs, sys.stdout, SimpleNamespace(Name="backprop.xlsm"))
"""


def test_the_wrappers_do_what_xlwings_own_would() -> None:
    theirs = subprocess.run([sys.executable, "-c", GENERATE], cwd=project.PROJECT, capture_output=True, text=True)
    assert theirs.returncode == 0, theirs.stderr
    assert wrapped(wrappers.text()) == wrapped(theirs.stdout)
    assert set(wrapped(theirs.stdout)) == set(FUNCTIONS)


def test_the_wizard_gets_every_help_text() -> None:
    text = wrappers.text().replace("\r\n", "\n").replace(" _\n", " ")
    for function in FUNCTIONS.values():
        (line,) = [line for line in text.splitlines() if f'Macro:="{function.name}"' in line]
        assert wrappers.quoted(function.help) in line
        assert all(wrappers.quoted(PARAMETERS[name]) in line for name in function.parameters)
    assert {"network"} <= OPTIONAL


def test_a_help_text_is_an_expression_of_ascii() -> None:
    assert wrappers.quoted('say "η…"') == '"say """ & ChrW(951) & "" & ChrW(8230) & """"'


@pytest.mark.parametrize("text", ["", "plain 0.5\nmore=", "José & Co's 50% ~x", "C:\\Users\\雪\\Backprop", "😀"])
def test_a_request_survives_as_one_word(text: str) -> None:
    assert command.decoded(command.encoded(text)) == text
    assert command.encoded(text).isascii()
