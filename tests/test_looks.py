"""What can be said of the sheets' looks without looking at them: titles, heights, charts, what is printed."""

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import openpyxl
import pytest
from openpyxl.chart._chart import ChartBase
from openpyxl.utils import range_boundaries
from openpyxl.worksheet.worksheet import Worksheet

from tests.sheets import BUILT, NETWORKS, XOR, workbook
from xlsx.build import build
from xlsx.sheets import exercise

BOOKS = [*((network, None) for network in ("2-2-2", *NETWORKS)), (XOR, "xor"), ("8-8-8-4", None)]


def sheets(network: str, preset: str | None) -> Iterator[Worksheet]:
    yield from openpyxl.load_workbook(workbook(network, 10, preset))


@pytest.mark.parametrize(("network", "preset"), BOOKS)
def test_no_title_and_no_line_above_a_table_is_cut_by_frozen_columns(network: str, preset: str | None) -> None:
    for sheet in sheets(network, preset):
        frozen = sheet.sheet_view.pane and int(sheet.sheet_view.pane.xSplit or 0)
        titles = [cell for row in sheet.iter_rows(max_row=3, max_col=frozen or 1) for cell in row if cell.value]
        assert bool(titles) != bool(frozen), (sheet.title, titles)


@pytest.mark.parametrize(("network", "preset"), BOOKS)
def test_no_program_chooses_the_height_of_a_header_over_charts(network: str, preset: str | None) -> None:
    rows = {"Learning rates": 5, "Optimizers": 5, "Training log": 8, "Spot the mistake": 7}
    for sheet in sheets(network, preset):
        if row := rows.get(sheet.title):
            longest = max(len(str(cell.value or "")) for cell in sheet[row])
            height = sheet.row_dimensions[row].height or 15
            assert height > 20 or longest <= 9, (sheet.title, height, longest)


def bottom(chart: ChartBase) -> int:
    """The row in which a chart ends."""
    return chart.anchor.to.row + 1


@pytest.mark.parametrize(("network", "preset"), BOOKS)
def test_charts_are_printed_whole_and_cover_no_other(network: str, preset: str | None) -> None:
    for sheet in sheets(network, preset):
        _, _, _, last = range_boundaries(sheet.print_area.split("!")[-1].replace("$", ""))
        assert all(bottom(chart) <= last for chart in sheet._charts), (sheet.title, last)
        for one, other in combinations([chart.anchor for chart in sheet._charts], 2):
            beside = one.to.col <= other._from.col or other.to.col <= one._from.col
            below = one.to.row <= other._from.row or other.to.row <= one._from.row
            assert beside or below, sheet.title


@pytest.mark.parametrize(("network", "preset"), BOOKS)
def test_no_two_lines_of_a_chart_look_the_same(network: str, preset: str | None) -> None:
    for sheet in sheets(network, preset):
        if sheet.title == "Picture":  # its lines are the network's edges
            continue
        for chart in sheet._charts:
            lines = [each.graphicalProperties.line for each in chart.series]
            looks = [(str(line.solidFill.srgbClr), line.prstDash, line.w) for line in lines]
            assert len(set(looks)) == len(looks), sheet.title


def test_the_exercise_speaks_of_no_sheet_that_it_hides() -> None:
    path = build(Path(BUILT.name) / "exercise/looks.xlsx", epochs=10, exercise=True)
    start = openpyxl.load_workbook(path)["Start"]
    texts = " ".join(str(cell.value) for row in start.iter_rows() for cell in row).lower()
    assert [title for title in exercise.HIDDEN if title.lower() in texts] == []
