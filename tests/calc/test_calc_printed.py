"""How the sheets are printed by a real Calc: titles on every page, no heading alone at a foot, no chart in two."""

import html
import re
import zipfile
from collections import Counter
from pathlib import Path

import openpyxl
import pytest
from openpyxl.utils import range_boundaries

from tests.calc.office import Office
from tests.sheets import XOR, workbook

BOOKS = [("2-2-2", None), ("4-5-3 bias", None), (XOR, "xor")]
TITLED = {"Network", "Picture", "Forward", "Backward", "Gradient check", "Learning rates", "Optimizers"}
TITLED |= {"Training log", "Spot the mistake", "Results", "Runs"}


@pytest.mark.parametrize(("network", "preset"), BOOKS)
def test_titles_repeat_and_no_heading_stands_alone_at_a_foot(office: Office, network: str, preset: str | None) -> None:
    path = workbook(network, 100, preset)
    key = office.load(str(path))
    several = 0
    for sheet in openpyxl.load_workbook(path):
        if sheet.title not in TITLED:
            continue
        begins, own, repeated = office.printed(key, sheet.title)
        _, _, _, last = range_boundaries(sheet.print_area.split("!")[-1].replace("$", ""))
        header = int(sheet.sheet_view.pane.ySplit) - (sheet.title != "Picture")  # there the chart is beside it
        assert repeated == [header, header], sheet.title
        assert [row for row in own if row < last] == [], "pages that the office begins are not those that were chosen"
        for row in (row for row in begins if row < last):
            several += 1
            assert not is_heading(sheet.cell(row, 1).value), (sheet.title, row)
            charts = [chart.anchor for chart in sheet._charts]
            assert [chart for chart in charts if chart._from.row < row <= chart.to.row] == [], (sheet.title, row)
    assert several > 1
    office.close(key)


def is_heading(text: object) -> bool:
    """Of a section: "2  Delta: how E changes …"."""
    return isinstance(text, str) and bool(re.match(r"\d  \w", text) or text.startswith("The list:"))


def test_charts_keep_their_descriptions_in_an_ods(office: Office, tmp_path: Path) -> None:
    key = office.load(str(workbook("2-2-2", 10)))
    before = {title: office.descriptions(key, title) for title in office.sheets(key)}
    office.save(key, str(tmp_path / "saved.ods"), filter="calc8")
    office.close(key)
    assert len([text for texts in before.values() for text in texts if len(text) > 20]) == 15
    key = office.load(str(tmp_path / "saved.ods"))
    assert {title: office.descriptions(key, title) for title in before} == before
    office.close(key)


def test_charts_are_called_by_their_descriptions_in_an_xlsx(office: Office, tmp_path: Path) -> None:
    """LibreOffice 25.2 writes no description of any chart into an .xlsx, but what it is called."""
    key = office.load(str(workbook("2-2-2", 10)))
    before = [text for title in office.sheets(key) for text in office.descriptions(key, title)]
    office.save(key, str(tmp_path / "saved.xlsx"))
    office.close(key)
    with zipfile.ZipFile(tmp_path / "saved.xlsx") as archive:
        drawings = [archive.read(name).decode() for name in archive.namelist() if "drawings/drawing" in name]
    named = [html.unescape(name) for each in drawings for name in re.findall(r'<xdr:cNvPr [^>]*name="([^"]*)"', each)]
    assert Counter(before) <= Counter(named)
