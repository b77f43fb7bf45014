"""What can be said of the sheets' looks without looking at them: titles, heights, charts, what is printed."""

import math
from functools import cache
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace

import openpyxl
import pytest
from openpyxl.chart._chart import ChartBase
from openpyxl.utils import range_boundaries
from openpyxl.worksheet.worksheet import Worksheet

from pyfuncs.network import Network
from tests.sheets import BUILT, NETWORKS, XOR, Values, converted, profile, with_cells, workbook
from xlsx.build import build
from xlsx.sheets import drawing, exercise, picture, places

BOOKS = [*((network, None) for network in ("2-2-2", *NETWORKS)), (XOR, "xor"), ("8-8-8-4", None)]


@cache
def sheets(network: str, preset: str | None) -> list[Worksheet]:
    """All sheets, to be looked at only: they are read once for all tests."""
    return list(openpyxl.load_workbook(workbook(network, 10, preset)))


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


@pytest.mark.parametrize(("network", "preset"), BOOKS)
def test_the_heads_of_the_rates_stand_in_columns_that_are_wide_enough(network: str, preset: str | None) -> None:
    (sheet,) = (each for each in sheets(network, preset) if each.title == "Learning rates")
    heads = [cell for cell in sheet[6] if isinstance(cell.value, str) and not cell.value.startswith("=")]
    assert {"rate", "E at 0", "Agreement"} <= {cell.value for cell in heads}
    for cell in heads:
        width = sheet.column_dimensions[cell.column_letter].width
        assert width >= 0.9 * len(cell.value), (cell.coordinate, cell.value, width)


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


def test_every_sample_is_printed_whole(tmp_path: Path) -> None:
    """Of a network with more quantities than the sheet has columns of its own width."""
    weights = " ".join(["0.1"] * 25)
    state = f"4-4-1 bias; inputs 0 0 1 1 / 1 0 1 0; targets 0 / 1; weights {weights}; learning_rate 0.5"
    sheet = openpyxl.load_workbook(build(tmp_path / "batch.xlsx", state=state, epochs=10))["Batch"]
    _, _, right, _ = range_boundaries(sheet.print_area.split("!")[-1].replace("$", ""))
    titles = [cell.column for row in sheet.iter_rows() if row[0].value == "sample" for cell in row if cell.value]
    assert max(titles) == right


@pytest.mark.parametrize(("network", "preset"), BOOKS)
def test_no_two_lines_of_a_chart_look_the_same(network: str, preset: str | None) -> None:
    for sheet in sheets(network, preset):
        if sheet.title == "Picture":  # its lines are the network's edges
            continue
        for chart in sheet._charts:
            every = [each.graphicalProperties.line for each in chart.series]
            lines = [line for line in every if not line.noFill]  # the others are single points
            looks = [(str(line.solidFill.srgbClr), line.prstDash, line.w) for line in lines]
            assert len(set(looks)) == len(looks), sheet.title


def test_before_the_first_epoch_no_dot_is_drawn_and_no_axis_begins_elsewhere_for_it() -> None:
    """Excel takes a text for 0: a dot has numbers, and stands outside of its axis until there is an epoch."""
    path = workbook("2-2-2", 100, "seed")
    cells = openpyxl.load_workbook(path, data_only=True)["Results"]
    charts = openpyxl.load_workbook(path)["Results"]._charts
    dots = [(chart, each) for chart in charts for each in chart.series if each.graphicalProperties.line.noFill]
    assert len(dots) == 5
    for chart, each in dots:
        x, y = (cells[place.numRef.f.split("!")[1].replace("$", "")].value for place in (each.xVal, each.yVal))
        assert x < chart.x_axis.scaling.min
        assert y in (chart.y_axis.scaling.min, chart.y_axis.scaling.max)


def test_the_exercise_speaks_of_no_sheet_that_it_hides() -> None:
    path = build(Path(BUILT.name) / "exercise/looks.xlsx", epochs=10, exercise=True)
    start = openpyxl.load_workbook(path)["Start"]
    texts = " ".join(str(cell.value) for row in start.iter_rows() for cell in row).lower()
    assert [title for title in exercise.HIDDEN if title.lower() in texts] == []


def test_a_loss_that_reaches_0_leaves_the_logarithmic_charts_its_other_points(soffice: str, tmp_path: Path) -> None:
    """Calc draws nothing on a logarithmic axis where one of the numbers is 0."""
    path = with_cells(workbook("2-2-2", 100, "seed"), tmp_path / "zero.xlsx", {"Learning rates!G5": 50})
    (done,) = converted(soffice, profile(tmp_path / "profile"), [path], tmp_path / "out")
    charts = openpyxl.load_workbook(path)["Learning rates"]._charts
    (chart,) = [each for each in charts if each.y_axis.scaling.logBase]
    areas = [each.val.numRef.f if hasattr(each, "val") and each.val else each.yVal.numRef.f for each in chart.series]
    cells = openpyxl.load_workbook(done, data_only=True)["Learning rates"]
    columns = [[row[0].value for row in cells[area.split("!")[1].replace("$", "")]] for area in areas]
    numbers = [[each for each in column if isinstance(each, float)] for column in columns]
    assert cells["G106"].value == 0
    assert min(min(column) for column in numbers) > 1e-13
    assert [len(column) for column in numbers[:5]] == [101] * 5
    assert 5 < len(numbers[5]) < 101


CAPTIONED = ["2-2-2", "4-5-3", "4-5-3 bias", "1-1-1", "2-4-4 bias", "5-4-4 bias", "2-2-2-2-2 bias", "8-4-1", "1-8 bias"]


@pytest.mark.parametrize("network", CAPTIONED)
def test_no_caption_of_the_picture_touches_another_or_lies_on_a_disc(network: str) -> None:
    """By the points from which it is drawn, with a letter 0.55 times as wide and 1.2 times as high as its size."""
    rows = Values(workbook(network, 10)).grid("Picture")
    view = drawing.View(None, "", "", 0, places.Size(picture.WIDTH, picture.HEIGHT))
    book = SimpleNamespace(network=Network.parse(network))
    pixels, units = places.scale(book, view.size), len(places.places(book))
    column = rows[drawing.FIRST - 1].index("label")
    named = [row[column - 2 : column + 1] for row in rows[drawing.FIRST :]]
    points = [(x * pixels.x, y * pixels.y, text) for x, y, text in named if text]
    discs, captions = points[:units], points[units:]
    sizes = [9 if " = " in text and text[0] in "wd" and "/db" not in text else pixels.font for *_, text in captions]
    boxes = [(x, y, 0.55 * size * len(text), 1.2 * size) for (x, y, text), size in zip(captions, sizes, strict=True)]
    assert len(boxes) >= units
    for one, other in combinations(boxes, 2):
        beside = abs(one[0] - other[0]) >= (one[2] + other[2]) / 2
        assert beside or abs(one[1] - other[1]) >= (one[3] + other[3]) / 2, (one, other)
    for x, y, wide, high in boxes:
        nearest = [math.hypot(max(abs(x - a) - wide / 2, 0), max(abs(y - b) - high / 2, 0)) for a, b, _ in discs]
        assert min(nearest) >= pixels.disc / 2 - 1
    right = (len(book.network.sizes) - 1) * pixels.x + pixels.right
    assert max(x + wide / 2 for x, _, wide, _ in boxes) <= right
