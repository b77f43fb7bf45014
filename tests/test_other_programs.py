"""The workbook in other spreadsheet programs: Gnumeric, formualizer and IronCalc compute what LibreOffice computes."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from openpyxl.utils.cell import column_index_from_string, coordinate_from_string

from tests.needs import require
from tests.networks import STARTS
from tests.sheets import Values, close, converted, profile, with_cells, with_wrong_values, workbook

EPOCHS = 20
CASES: dict[str, tuple[tuple, dict[str, object]]] = {
    **{f"preset {name}": (("2-2-2", EPOCHS), {"Network!B5": name}) for name in STARTS},
    "edited": (("2-2-2", EPOCHS), {"Network!E14": 0.3, "Forward!B3": 7, "Spot the mistake!B4": "h(1 − h)"}),
    "bad": (("2-2-2", EPOCHS), {"Network!E14": "o.2"}),
    "xor": (("2-2-1 bias", EPOCHS, "xor"), {}),
    "softmax": (("2-3-2 relu softmax bias", EPOCHS), {}),
    "tanh": (("3-2-1 tanh cross-entropy fixed-bias", EPOCHS), {"Network!B6": "adam 0.9 0.999 1e-8"}),
}
ROUNDED = ("Backward!H", "Spot the mistake!G")  # relative differences of two numbers that are almost the same
OWN_FAULTS = {  # cells that a program computes wrongly, and why: the same formula is right in all others
    "ironcalc": {"Training log!": "MATCH for the last number of a column does not skip the blank cells after it"},
    "formualizer": {},
    "gnumeric": {},
}


def gnumeric(path: Path, out: Path) -> Callable[[str], object]:
    if not shutil.which("ssconvert"):
        require("gnumeric", "ssconvert is not installed: install gnumeric")
    subprocess.run(["ssconvert", "--recalc", path, out], check=True, capture_output=True, timeout=300)
    return dict(Values(out).all()).get


def ironcalc(path: Path, out: Path) -> Callable[[str], object]:
    engine = pytest.importorskip("ironcalc", reason="ironcalc is not installed")
    model = engine.load_from_xlsx(str(path), "en", "UTC", "en")
    model.evaluate()
    model.save_to_xlsx(str(out))
    return dict(Values(out).all()).get


def formualizer(path: Path, out: Path) -> Callable[[str], object]:
    engine = pytest.importorskip("formualizer", reason="formualizer is not installed")
    book = engine.Workbook.from_path(str(path))
    book.evaluate_all()

    def value(place: str) -> object:
        sheet, cell = place.split("!")
        letters, row = coordinate_from_string(cell)
        return book.get_value(sheet, row, column_index_from_string(letters))

    return value


PROGRAMS = {program.__name__: program for program in (gnumeric, formualizer, ironcalc)}


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The workbooks with the cells edited and every stored number wrong: right ones can only be computed anew."""
    folder = tmp_path_factory.mktemp("wrong")
    edited = {
        name: with_cells(workbook(*built), folder / f"{name} edited.xlsx", cells)
        for name, (built, cells) in CASES.items()
    }
    return {name: with_wrong_values(path, folder / f"{name}.xlsx") for name, path in edited.items()}


@pytest.fixture(scope="module")
def by_calc(soffice: str, wrong: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Values]:
    folder = tmp_path_factory.mktemp("calc")
    paths = converted(soffice, profile(folder / "profile"), list(wrong.values()), folder / "out")
    return {name: Values(path) for name, path in zip(wrong, paths, strict=True)}


@pytest.mark.filterwarnings("ignore:Workbook contains no default style")
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("program", PROGRAMS)
def test_every_number_is_that_of_calc(
    by_calc: dict[str, Values], wrong: dict[str, Path], tmp_path: Path, program: str, name: str
) -> None:
    value = PROGRAMS[program](wrong[name], tmp_path / "computed.xlsx")
    different = [
        (place, number, value(place))
        for place, number in numbers(by_calc[name])
        if not place.startswith(tuple(OWN_FAULTS[program]))
        and value(place) != number  # also where one program has FALSE and the other 0
        and not close(value(place), number, 1e-6 if place.startswith(ROUNDED) else 1e-9)
    ]
    assert different == []
    assert value("Network!B7") == dict(by_calc[name].all())["Network!B7"]


def numbers(values: Values) -> list[tuple[str, float]]:
    return [(place, value) for place, value in values.all() if isinstance(value, (int, float)) and value is not True]
