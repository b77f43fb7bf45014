"""What LibreOffice saves of a workbook whose cells Python has computed, by the Open XML SDK's rules."""

from pathlib import Path

import pytest
from openxml_audit import OpenXmlValidator
from xlsxwriter import Workbook

from tests.calc.office import Office
from tests.sheets import XOR, Values, workbook


def faults(path: Path) -> set[tuple[str, str]]:
    """What is wrong in a file: the kind of part, and what is said of it."""
    return {(Path(each.part_uri).suffix, each.description) for each in OpenXmlValidator().validate(path).errors}


def saved(office: Office, path: Path, folder: Path) -> Path:
    key = office.load(str(path))
    office.save(key, str(folder / path.name))
    office.close(key)
    return folder / path.name


@pytest.fixture(scope="module")
def own_faults(office: Office, tmp_path_factory: pytest.TempPathFactory) -> set[tuple[str, str]]:
    """LibreOffice's own: in its drawings of buttons each gives its shape type the same id."""
    folder = tmp_path_factory.mktemp("plain")
    (folder / "saved").mkdir()
    with Workbook(folder / "plain.xlsx") as book:
        sheet = book.add_worksheet()
        for row in (2, 5):
            sheet.insert_button(row, 1, {"caption": f"Button {row}"})
    found = faults(saved(office, folder / "plain.xlsx", folder / "saved"))
    assert {suffix for suffix, _ in found} <= {".vml"}
    return found


@pytest.mark.parametrize(("network", "preset"), [("2-2-2", None), ("2-3-2 tanh softmax bias", None), (XOR, "xor")])
def test_saved_with_python_connected_the_open_xml_rules_find_nothing_of_ours(
    office: Office, own_faults: set[tuple[str, str]], tmp_path: Path, network: str, preset: str | None
) -> None:
    path = saved(office, workbook(network, 10, preset), tmp_path)
    assert Values(path).named("workbook_agrees") == ["agrees"]
    assert faults(path) <= own_faults
