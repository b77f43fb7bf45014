"""The packaged LibreOffice extension: made from the table of functions, the same each time, readable by old Pythons."""

import ast
import sys
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

from addin import __version__
from addin.calc import extension
from addin.functions import FUNCTIONS, PARAMETERS

OOR = "{http://openoffice.org/2001/registry}"


@pytest.fixture(scope="module")
def oxt(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    with zipfile.ZipFile(extension.package(tmp_path_factory.mktemp("oxt") / "backprop.oxt")) as archive:
        yield archive


def test_every_function_is_in_the_type_library_with_its_parameters(oxt: zipfile.ZipFile) -> None:
    lines = oxt.read("types.idl").decode().splitlines()
    for function in FUNCTIONS.values():
        (line,) = [line for line in lines if f" {function.name}(" in line]
        declared = line.count("[in] any ") + line.count("[in] sequence< sequence<any> > ")
        assert declared == len(function.parameters)


def test_every_function_is_registered_with_its_help_and_its_name_in_xlsx(oxt: zipfile.ZipFile) -> None:
    root = ElementTree.fromstring(oxt.read("CalcAddIns.xcu"))
    for function in FUNCTIONS.values():
        (node,) = root.findall(f".//node[@{OOR}name='{function.name}']")
        texts = [value.text for value in node.iter("value")]
        assert texts[:4] == [function.name, function.help, "Add-In", function.name]
        assert texts[4:] == [text for name in function.parameters for text in (name, PARAMETERS[name])]


def test_every_part_of_the_manifest_is_there(oxt: zipfile.ZipFile) -> None:
    manifest = ElementTree.fromstring(oxt.read("META-INF/manifest.xml"))
    for entry in manifest:
        assert entry.get(f"{{{extension.MANIFEST}}}full-path") in oxt.namelist()


def test_the_package_carries_the_version(oxt: zipfile.ZipFile) -> None:
    description = ElementTree.fromstring(oxt.read("description.xml"))
    assert description.find(f"{{{extension.DESCRIPTION}}}version").get("value") == __version__


def test_two_packages_are_the_same_bytes(tmp_path: Path) -> None:
    one, two = (extension.package(tmp_path / name).read_bytes() for name in ("one.oxt", "two.oxt"))
    assert one == two


def test_what_runs_in_the_office_is_python_3_9_and_standard_library(oxt: zipfile.ZipFile) -> None:
    ours = {path.split("/")[0] for path in extension.IN_THE_OFFICE}
    for name in oxt.namelist():
        if not name.endswith(".py"):
            continue
        tree = ast.parse(oxt.read(name), feature_version=(3, 9))
        imports = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
        for node in imports:
            modules = [node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            allowed = (
                sys.stdlib_module_names
                | ours
                | (
                    {"uno", "unohelper", "com", "org"}
                    if name in ("component.py", "pythonpath/addin/calc/mouse.py")
                    else set()
                )
            )
            assert {module.split(".")[0] for module in modules} <= allowed, name


def test_the_imports_of_ours_within_the_office_are_packaged(oxt: zipfile.ZipFile) -> None:
    packaged = {
        Path(name).relative_to("pythonpath").as_posix() for name in oxt.namelist() if name.startswith("pythonpath")
    }
    assert set(extension.IN_THE_OFFICE) <= packaged
    for path in extension.IN_THE_OFFICE:
        for node in ast.walk(ast.parse((extension.PROJECT / path).read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in ("addin", "cnn"):
                base = node.module.replace(".", "/")
                names = [f"{base}/{alias.name}.py" for alias in node.names]
                assert (
                    f"{base}.py" in packaged or all(n in packaged for n in names) or f"{base}/__init__.py" in packaged
                )
