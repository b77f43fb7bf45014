"""What a finished run leaves, in its results workbook: every number the run folder's, every picture the test image."""

import csv
import io
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet
from PIL import Image
from sklearn.metrics import precision_recall_fscore_support

from cnn.runs import Log
from tests.sheets import converted, profile
from xlsx.contract import OUTCOME, OUTCOME_ROW
from xlsx.results import find, write

COUNTS = ((5, 0, 1), (2, 3, 0), (0, 0, 4))
MISTAKES = ((7, "0", "2", 0.91), (12, "1", "0", 0.88), (3, "1", "0", 0.515))
LAYERS = (("Conv2d 1→4, 5×5", "4×24×24", 100, 57_600), ("=1+1", "10", 17_000, 400))


def csv_file(path: Path, *rows: tuple) -> None:
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)


def pixels(index: int, side: int) -> np.ndarray:
    return np.random.default_rng(index).integers(0, 256, (side, side), dtype=np.uint8)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run with all that the trainer leaves for a workbook."""
    folder = tmp_path / "run"
    (folder / "pictures").mkdir(parents=True)
    log = Log(folder)
    log.write("started", pid=1, dataset="mnist", model="tiny", epochs=1, batches=1, resumed_from=None)
    log.write("epoch", epoch=1, test_accuracy=0.8)
    log.write("finished", epoch=1, test_accuracy=0.8)
    csv_file(folder / "confusion.csv", ("true", *"012"), *((str(n), *row) for n, row in enumerate(COUNTS)))
    csv_file(folder / "mistakes.csv", ("index", "true", "predicted", "probability"), *MISTAKES)
    csv_file(folder / "layers.csv", ("layer", "output", "parameters", "multiply_adds"), *LAYERS)
    for index, *_ in MISTAKES:
        Image.fromarray(pixels(index, 84)).save(folder / "pictures" / f"mistake-{index}.png")
    for number in range(1, 12):
        Image.fromarray(pixels(100 + number, 80)).save(folder / "pictures" / f"filter-{number}.png")
    return folder


def sheet(path: Path, title: str) -> Worksheet:
    return openpyxl.load_workbook(path, data_only=True)[title]


def pictured(page: Worksheet) -> dict[str, np.ndarray]:
    """The pictures by the cell that their upper left corner is in."""
    found = {}
    for image in page._images:
        corner = image.anchor._from
        found[page.cell(corner.row + 1, corner.col + 1).coordinate] = np.asarray(Image.open(io.BytesIO(image._data())))
    return found


def test_the_classes_have_scikit_learns_scores(run: Path, tmp_path: Path, soffice: str) -> None:
    path = write(find([run]), tmp_path / "results.xlsx")
    (recalculated,) = converted(soffice, profile(tmp_path / "profile"), [path], tmp_path / "out")
    true, found = zip(
        *((i, j) for i, row in enumerate(COUNTS) for j, n in enumerate(row) for _ in range(n)), strict=True
    )
    expected = np.array(precision_recall_fscore_support(true, found)[:3]).T
    for book in (path, recalculated):
        rows = [[cell.value for cell in row] for row in sheet(book, "Classes").iter_rows(5, 8)]
        assert [tuple(row[1:4]) for row in rows[:3]] == list(COUNTS)
        assert [row[5:7] for row in rows] == [[6, 5], [5, 3], [4, 4], [15, 12]]
        assert np.array([row[7:10] for row in rows[:3]]) == pytest.approx(expected)
        assert rows[3][7:10] == pytest.approx(expected.mean(0))


def test_a_class_never_taken_has_no_precision(run: Path, tmp_path: Path, soffice: str) -> None:
    csv_file(run / "confusion.csv", ("true", "a", "b"), ("a", 3, 0), ("b", 2, 0))
    path = write(find([run]), tmp_path / "results.xlsx")
    (recalculated,) = converted(soffice, profile(tmp_path / "profile"), [path], tmp_path / "out")
    for book in (path, recalculated):
        rows = [[cell.value for cell in row] for row in sheet(book, "Classes").iter_rows(5, 7)]
        assert [row[6] for row in rows] == [0.6, "#N/A", "#N/A"]


def test_each_mistake_stands_under_its_picture(run: Path, tmp_path: Path) -> None:
    page = sheet(write(find([run]), tmp_path / "results.xlsx"), "Mistakes")
    found = pictured(page)
    assert sorted(found) == ["A4", "B4", "C4"]
    for (index, true, predicted, probability), column in zip(MISTAKES, "ABC", strict=True):
        assert (found[f"{column}4"] == pixels(index, 84)).all()
        assert page[f"{column}5"].value == f"{index}: {true} → {predicted}"
        assert page[f"{column}6"].value == probability
    assert page["A2"].value.startswith("All 3. ")


def test_the_layers_stand_beside_the_limit_and_the_kernels(run: Path, tmp_path: Path) -> None:
    page = sheet(write(find([run]), tmp_path / "results.xlsx"), "Layers")
    assert [tuple(cell.value for cell in row[:4]) for row in page.iter_rows(5, 6)] == list(LAYERS)
    assert [page[f"C{row}"].value for row in (7, 8, 9)] == [17_100, 20_000, 2_900]
    assert page["A6"].data_type == "s"
    kernels = [picture for _, picture in sorted(pictured(page).items(), key=lambda item: (int(item[0][1:]), item[0]))]
    assert len(kernels) == 11
    assert all((kernel == pixels(100 + n, 80)).all() for n, kernel in enumerate(kernels, 1))


def test_the_sheets_are_marked_as_ours(run: Path, tmp_path: Path) -> None:
    book = openpyxl.load_workbook(write(find([run]), tmp_path / "results.xlsx"))
    assert [page.title for page in book if page.cell(OUTCOME_ROW, 1).value == OUTCOME] == [
        "Classes",
        "Mistakes",
        "Layers",
    ]


def test_two_runs_have_sheets_of_their_own(run: Path, tmp_path: Path) -> None:
    names = openpyxl.load_workbook(write(find([run, run]), tmp_path / "results.xlsx")).sheetnames
    assert names[3:] == ["Classes", "Mistakes", "Layers", "Classes (2)", "Mistakes (2)", "Layers (2)"]


def test_a_run_that_left_nothing_has_none_of_these_sheets(run: Path, tmp_path: Path) -> None:
    for name in ("confusion", "mistakes", "layers"):
        (run / f"{name}.csv").unlink()
    assert openpyxl.load_workbook(write(find([run]), tmp_path / "results.xlsx")).sheetnames == ["Summary", "run"]


@pytest.mark.parametrize("text", ["", "true,0\n0,many\n", "\xff"])
def test_a_damaged_file_is_said_on_its_sheet(run: Path, tmp_path: Path, text: str) -> None:
    (run / "confusion.csv").write_bytes(text.encode("latin-1"))
    page = sheet(write(find([run]), tmp_path / "results.xlsx"), "Classes")
    assert page["A2"].value.startswith(f"{run / 'confusion.csv'} cannot be read")


def test_a_missing_picture_is_said_in_its_place(run: Path, tmp_path: Path) -> None:
    (run / "pictures" / "mistake-7.png").unlink()
    page = sheet(write(find([run]), tmp_path / "results.xlsx"), "Mistakes")
    assert page["A4"].value == "mistake-7.png is missing"
    assert page["A5"].value == "7: 0 → 2"


def test_the_open_xml_rules_find_nothing(run: Path, tmp_path: Path) -> None:
    from openxml_audit import OpenXmlValidator

    assert OpenXmlValidator().validate(write(find([run, run]), tmp_path / "results.xlsx")).errors == []
