"""backprop.xlam without Excel: its file, its ribbon, where it is put, and taken away again."""

import json
import re
import sys
import zipfile
from importlib import resources
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest

from addin import main_job, workbook
from addin.excel import add_in, command, project
from addin.setup import doctor, excel, packages, remove
from cnn import runs
from tests.excel.macros import modules
from xlsx import build

Schema = dict[str, tuple[set[str], set[str]]]
SCHEMA = "data/openxml/schemas/schemas_microsoft_com_office_2006_01_customui.json"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("built") / excel.ADD_IN
    path.write_bytes(add_in.content())
    return path


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the add-in goes on a machine that has such a folder."""
    monkeypatch.setitem(excel.ADD_INS, sys.platform, str(tmp_path / "José's add-ins"))
    monkeypatch.setenv("BACKPROP_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(packages, "python", lambda: Path(sys.executable))
    return tmp_path / "José's add-ins" / excel.ADD_IN


def ribbon(path: Path) -> Element:
    """The part that the package names as its ribbon."""
    with zipfile.ZipFile(path) as archive:
        links = ElementTree.fromstring(archive.read("_rels/.rels"))
        (target,) = [link.get("Target", "") for link in links if link.get("Type") == add_in.RELATION]
        return ElementTree.fromstring(archive.read(target))


def test_two_builds_are_the_same_bytes(built: Path) -> None:
    project.vba_project.cache_clear()
    assert add_in.content() == built.read_bytes()


def test_its_kind_is_an_add_in(built: Path) -> None:
    with zipfile.ZipFile(built) as archive:
        kinds = archive.read("[Content_Types].xml").decode()
    assert re.findall(r'PartName="/xl/workbook.xml" ContentType="([^"]*)"', kinds) == [add_in.ADD_IN_KIND.decode()]


def test_the_open_xml_rules_find_nothing_and_would_find_a_wrong_ribbon(built: Path, tmp_path: Path) -> None:
    from openxml_audit import OpenXmlValidator

    assert OpenXmlValidator().validate(built).errors == []
    broken = tmp_path / excel.ADD_IN
    with zipfile.ZipFile(built) as source, zipfile.ZipFile(broken, "w") as target:
        for info in source.infolist():
            target.writestr(info, source.read(info).replace(b'size="large"', b'size="huge"'))
    assert {error.part_uri for error in OpenXmlValidator().validate(broken).errors} == {f"/{add_in.PART}"}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # oletools' own, of pyparsing
def test_its_modules_are_those_of_the_workbook_byte_for_byte(built: Path, tmp_path: Path) -> None:
    macros = modules(build.build(tmp_path / excel.FILE_NAME, "2-1", macros=project.add_to))
    found = modules(built)
    assert {name: text for name, text in found.items() if name in project.sources()} == {
        name: text for name, text in macros.items() if name in project.sources()
    }
    assert set(project.sources()) < set(found)


def test_every_element_and_attribute_of_the_ribbon_is_one_of_its_schema(built: Path) -> None:
    schema, seen = ribbon_schema(), [("customUI", ribbon(built))]
    while seen:
        kind, element = seen.pop()
        attributes, children = schema[kind]
        assert set(element.attrib) <= attributes, kind
        inner = [(child.tag.removeprefix(f"{{{add_in.CUSTOM_UI}}}"), child) for child in element]
        assert {name for name, _ in inner} <= children, kind
        seen += inner


def ribbon_schema() -> Schema:
    """Of each element that we use its attributes and children, as the Open XML SDK describes them."""
    types = json.loads(resources.files("openxml_audit").joinpath(SCHEMA).read_text("utf-8"))["Types"]
    wanted = {"customUI": "CT_CustomUI", "ribbon": "CT_Ribbon", "tabs": "CT_Tabs", "tab": "CT_Tab"}
    wanted |= {"group": "CT_Group", "button": "CT_Button"}
    return {
        name: (
            {attribute["QName"].lstrip(":") for attribute in each.get("Attributes", ())},
            {child["Name"].rpartition(":")[2] for child in each.get("Children") or ()},
        )
        for name, kind in wanted.items()
        for each in types
        if each["Name"] == f"mso:{kind}/mso:{name}"
    }


def test_every_callback_of_the_ribbon_and_every_macro_behind_it_is_there(built: Path) -> None:
    text = "".join(project.sources().values()).replace("\r\n", "\n")
    buttons = list(ribbon(built).iter(f"{{{add_in.CUSTOM_UI}}}button"))
    assert [button.get("label") for button in buttons] == [control.caption for control in add_in.CONTROLS]
    for button in buttons:
        assert f"Public Sub {button.get('onAction')}(control As Object)\n" in text
        assert f"Public Sub {button.get('tag')}()\n" in text
    assert len({button.get("id") for button in buttons}) == len(buttons)


def test_it_is_put_where_excel_looks_once_and_doctor_knows_it(place: Path, capsys) -> None:
    assert "not installed" in doctor.check_add_in().found
    main_job.install_add_in()
    said = capsys.readouterr().out
    assert str(place) in said
    assert excel.switch() in said
    assert excel.settings_in(place)["PYTHONPATH"] == str(packages.ROOT)
    main_job.install_add_in()
    assert capsys.readouterr().out == "", "it was there"
    assert str(place) in doctor.check_add_in().found
    place.write_bytes(b"of another version")
    assert doctor.check_add_in().advice == excel.ADD_IN_ANEW
    main_job.install_add_in()
    assert place.read_bytes() == add_in.content()


def test_while_excel_holds_it_excel_is_to_be_closed(place: Path, capsys, monkeypatch) -> None:
    def held(path: Path, content: bytes) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(runs, "write_file", held)
    main_job.install_add_in()
    assert "close Excel and start this again" in capsys.readouterr().out
    assert not place.exists()


def test_it_is_taken_away_again_and_the_users_folder_stays(place: Path) -> None:
    (runs.home()).mkdir()
    workbook.install_add_in()
    assert [str(place) in line for line in remove.add_in()] == [True]
    assert not place.exists()
    assert runs.home().exists()
    assert list(remove.add_in()) == ["Excel has no add-in of ours."]


def test_a_new_workbook_is_beside_the_users_own(place: Path) -> None:
    request = {"command": "new", "workbook": "", "folder": ""}
    for name in ("backprop.xlsm", "backprop 2.xlsm"):
        assert command.reply(request) == f"open={runs.home() / name}\n"
        assert excel.settings_in(runs.home() / name)["BACKPROP_HOME"] == str(runs.home())


def test_the_registry_says_whether_it_is_on(monkeypatch) -> None:
    values = {
        "OPEN": "C:\\other.xlam",
        "OPEN1": '/R "C:\\Users\\jo\\AppData\\Roaming\\Microsoft\\AddIns\\Backprop.xlam"',
    }
    monkeypatch.setattr(excel, "registry", lambda root, key, name: values.get(name))
    assert excel.is_switched_on()
    del values["OPEN1"]
    assert not excel.is_switched_on()


def test_a_system_without_excel_has_no_place_for_it(monkeypatch) -> None:
    monkeypatch.delitem(excel.ADD_INS, sys.platform, raising=False)
    assert excel.add_in() is None
    assert workbook.install_add_in() is None
    assert list(remove.add_in()) == ["Excel has no add-in of ours."]
