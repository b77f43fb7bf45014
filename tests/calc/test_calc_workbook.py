"""The built workbook in a real Calc: every canonical number natively and by Python, edits, and life without Python."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.calc.conftest import StartOffice
from tests.calc.office import COMMA_LOCALE, RECALCULATE_ON_LOAD, Office
from tests.networks import Case, canonical_case, quantities_by_pyfuncs
from tests.sheets import XOR, workbook
from xlsx.build import SHEETS as SHEET_MODULES
from xlsx.build import build

CANONICAL = json.loads(Path(__file__).parents[1].joinpath("canonical.json").read_text())
STARTS = [name for name in CANONICAL if name != "about"]
SHEETS = tuple(module.TITLE for module in SHEET_MODULES if module.TITLE != "Batch")
RATES = ("0.1", "0.2", "0.5", "0.8", "1.0", "2.0")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("book") / "backprop.xlsx")


@pytest.fixture(scope="module")
def recalculating(start_office: StartOffice) -> Iterator[Office]:
    """An office that computes every formula of an .xlsx anew when it opens it."""
    office = start_office(settings=RECALCULATE_ON_LOAD)
    yield office
    office.end()


EDITABLE = ("preset", "your_inputs", "your_targets", "your_weights", "your_learning_rate", "optimizer", "epoch")
EDITABLE += ("learning_rates", "rate_charted", "log_steps", "mistake", "run_epochs", "picture_view")


@pytest.fixture(scope="module")
def whole_book(recalculating: Office, path: Path) -> int:
    """A copy stays open: another office could not open the same file."""
    return recalculating.load(str(shutil.copy(path, path.with_name("whole.xlsx"))))


@pytest.fixture(scope="module")
def short_book(recalculating: Office, tmp_path_factory: pytest.TempPathFactory) -> int:
    return recalculating.load(str(build(tmp_path_factory.mktemp("short") / "short.xlsx", epochs=10)))


@pytest.fixture
def book(recalculating: Office, whole_book: int) -> Iterator[int]:
    yield from given_back(recalculating, whole_book)


@pytest.fixture
def short(recalculating: Office, short_book: int) -> Iterator[int]:
    """A workbook of ten epochs, for what does not need a hundred."""
    yield from given_back(recalculating, short_book)


def given_back(office: Office, key: int) -> Iterator[int]:
    """An open workbook, whose edited cells get back their content after the test."""
    kept = {name: office.read(key, name) for name in EDITABLE}
    yield key
    for name, rows in kept.items():
        if office.read(key, name) != rows:
            office.write(key, name, rows)


def set_start(office: Office, key: int, name: str) -> None:
    """Type a canonical start into Network."""
    for cells, values in CANONICAL[name]["setup"].items():
        office.write(key, f"your_{cells}", [[value] for value in values])


def quantities(office: Office, key: int, sheet: str) -> dict[str, tuple]:
    """name -> (native, Python, agreement) of the rows of Forward or Backward."""
    rows = office.read(key, office.used(key, sheet))
    (head,) = [row for row in rows if row[0] == "Quantity"]
    native, python, agreement = (head.index(name) for name in ("Native formula", "Python", "Agreement"))
    return {row[0]: (row[native], row[python], row[agreement]) for row in rows if isinstance(row[native], float)}


@pytest.mark.parametrize("start", STARTS)
def test_every_quantity_of_the_first_update_is_canonical_natively_and_by_python(recalculating, short, start) -> None:
    set_start(recalculating, short, start)
    shown = quantities(recalculating, short, "Forward") | quantities(recalculating, short, "Backward")
    for name, value in CANONICAL[start]["first"].items():
        native, python, agreement = shown[name.replace("dE_d", "dE/d")]
        assert native == pytest.approx(value, abs=1e-12), name
        assert python == pytest.approx(value, abs=1e-12), name
        assert agreement == "agrees", name
    rate = recalculating.read(short, "learning_rate")[0][0]
    for number, weight in enumerate(CANONICAL[start]["setup"]["weights"], 1):
        updated = weight - rate * CANONICAL[start]["first"][f"dE_dw{number}"]
        native, python, agreement = shown[f"new w{number}"]
        assert native == pytest.approx(updated, abs=1e-12)
        assert python == pytest.approx(updated, abs=1e-12)
        assert agreement == "agrees"


def losses(office: Office, key: int) -> tuple[list[list], list[list]]:
    """E_total by epoch and rate, natively and from BACKPROP_SWEEP: the two blocks of Learning rates."""
    sheet, column, row, last, _ = office.where(key, "learning_rates")
    rows = office.read(key, office.used(key, office.sheets(key)[sheet]))
    native = [line[column : last + 1] for line in rows[row + 1 : row + 102]]
    (sweep,) = [n for n, cell in enumerate(rows[row - 1]) if isinstance(cell, str) and "BACKPROP_SWEEP" in cell]
    return native, [line[sweep : sweep + len(RATES)] for line in rows[row + 1 : row + 102]]


@pytest.mark.parametrize("start", STARTS)
def test_the_losses_at_six_rates_are_canonical_natively_and_by_python(recalculating, book, start) -> None:
    set_start(recalculating, book, start)
    for block in losses(recalculating, book):
        for column, rate in enumerate(RATES):
            for epoch in (0, 1, 10, 50, 100):
                loss = CANONICAL[start]["loss_after_updates"][rate][str(epoch)]
                assert block[epoch][column] == pytest.approx(loss, abs=1e-9), (rate, epoch)


def everything(office: Office, key: int) -> list[object]:
    """Every cell of every sheet."""
    return [cell for name in office.sheets(key) for row in office.read(key, office.used(key, name)) for cell in row]


def test_no_cell_shows_an_error_and_all_agree(recalculating: Office, book: int) -> None:
    cells = everything(recalculating, book)
    assert not [cell for cell in cells if isinstance(cell, dict)]
    assert "differs" not in cells
    assert "Python not connected" not in cells
    assert cells.count("agrees") > 25


def test_an_edited_rate_moves_its_own_column_and_no_other(recalculating: Office, book: int) -> None:
    before = losses(recalculating, book)
    _, column, row, _, _ = recalculating.where(book, "learning_rates")
    recalculating.write(book, f"Learning rates.{chr(65 + column + 1)}{row + 1}", 0.9)
    for old, new in zip(before, losses(recalculating, book), strict=True):
        moved = [number for number in range(len(RATES)) if old[100][number] != new[100][number]]
        assert moved == [1]


@pytest.mark.parametrize("content", ["o.2", "0,5", "=1/0", "=NA()"])
@pytest.mark.parametrize("cells", ["inputs", "targets", "weights", "learning_rate"])
def test_a_bad_input_is_named_and_gives_no_number_that_depends_on_it(recalculating, short, cells, content) -> None:
    _, column, row, _, _ = recalculating.where(short, f"your_{cells}")
    recalculating.write(short, f"Network.{chr(65 + column)}{row + 1}", content)
    ((bad,),) = recalculating.read(short, "first_bad_input")
    assert bad != "all inputs are numbers"
    assert recalculating.read(short, "workbook_agrees") == [[f"cannot compare: Network: {bad}"]]
    shown = quantities(recalculating, short, "Backward")
    assert "new w1" not in shown, "an update computed from a bad cell"
    if cells in ("inputs", "weights"):
        assert "E_total" not in quantities(recalculating, short, "Forward")
    assert recalculating.read(short, "python_ready") == [[1.0]]


def test_saved_as_xlsx_and_ods_and_reopened_all_is_there(recalculating: Office, short: int, tmp_path: Path) -> None:
    set_start(recalculating, short, "seed")
    for name, filter in (("again.xlsx", "Calc MS Excel 2007 XML"), ("again.ods", "calc8")):
        recalculating.save(short, str(tmp_path / name), filter=filter)
        again = recalculating.load(str(tmp_path / name))
        shown = quantities(recalculating, again, "Forward")
        native, python, agreement = shown["E_total"]
        assert native == pytest.approx(CANONICAL["seed"]["first"]["E_total"], abs=1e-12)
        assert (python, agreement) == (pytest.approx(native, abs=1e-12), "agrees")
        assert tuple(recalculating.sheets(again)) == SHEETS
        recalculating.close(again)


def test_a_workbook_with_a_bad_cell_is_exported_as_pdf(recalculating: Office, book: int, tmp_path: Path) -> None:
    recalculating.write(book, "your_weights", "o.2")
    recalculating.save(book, str(tmp_path / "book.pdf"), filter="calc_pdf_Export")
    assert (tmp_path / "book.pdf").read_bytes().startswith(b"%PDF")


def test_a_full_recalculation_changes_nothing(recalculating: Office, book: int) -> None:
    before = everything(recalculating, book)
    recalculating.calculate(book)
    assert everything(recalculating, book) == before


def test_opened_as_users_do_the_python_cells_are_computed_too(office: Office, path: Path) -> None:
    key = office.load(str(path))
    assert office.read(key, "python_ready") == [[1.0]]
    cells = everything(office, key)
    assert "Python not connected" not in cells
    assert cells.count("agrees") > 25
    assert "Python is connected: all 243 comparisons agree, and 8 of 8 derivatives PASS." in cells
    office.calculate(key)
    assert everything(office, key) == almost(cells), "computed on opening is all that there is to compute"
    office.close(key)


def almost(cells: list[object]) -> list[object]:
    """The same texts, and numbers that may differ in their last digits."""
    return [pytest.approx(cell, rel=1e-9, abs=1e-12) if isinstance(cell, float) else cell for cell in cells]


def test_saved_without_python_and_opened_with_it_everything_is_connected(start_office, office, path, tmp_path):
    """In an .ods LibreOffice keeps the name of a function that it does not know as a mere text."""
    bare = start_office(with_extension=False)
    key = bare.load(str(shutil.copy(path, tmp_path / "bare.xlsx")))
    names = {"saved.xlsx": "Calc MS Excel 2007 XML", "saved.ods": "calc8"}
    for name, filter in names.items():
        bare.save(key, str(tmp_path / name), filter=filter)
    bare.end()
    for name in names:
        key = office.load(str(tmp_path / name))
        assert "Python not connected" not in everything(office, key), name
        assert office.read(key, "workbook_agrees") == [["agrees"]]
        office.close(key)


def test_without_the_extension_no_cell_shows_an_error_or_a_python_number(start_office: StartOffice, path: Path) -> None:
    office = start_office(with_extension=False)
    key = office.load(str(path))
    has_no_python_number(office, key)
    office.calculate(key)
    has_no_python_number(office, key)
    office.end()


def has_no_python_number(office: Office, key: int) -> None:
    cells = everything(office, key)
    assert not [cell for cell in cells if isinstance(cell, dict) or "#NAME" in str(cell)]
    assert office.read(key, "python_ready") == [[0.0]]
    assert not {"agrees", "differs"} & {cell for cell in cells if isinstance(cell, str)}
    assert cells.count("Python not connected") > 25
    for sheet in ("Forward", "Backward"):
        shown = quantities(office, key, sheet)
        assert shown
        assert not [name for name, (_, python, _) in shown.items() if isinstance(python, float)]
    native, sweep = losses(office, key)
    assert all(isinstance(cell, float) for row in native for cell in row)
    assert {cell for row in sweep for cell in row} == {"–"}


def test_a_comma_locale_shows_the_same_numbers(start_office: StartOffice, path: Path) -> None:
    office = start_office(settings=COMMA_LOCALE)
    key = office.load(str(path))
    set_start(office, key, "mixed-signs")
    native, _, agreement = quantities(office, key, "Forward")["E_total"]
    assert native == pytest.approx(CANONICAL["mixed-signs"]["first"]["E_total"], abs=1e-12)
    assert agreement == "agrees"
    office.end()


def test_other_networks_agree_with_python_too(recalculating: Office) -> None:
    for text in ("2-3-1 tanh bias", "2-2-2-1", "1-3-2 linear tanh fixed-bias", "2-3-2 tanh softmax bias", XOR):
        key = recalculating.load(str(workbook(text, 10, "xor" if text == XOR else None)))
        cells = everything(recalculating, key)
        assert not [cell for cell in cells if isinstance(cell, dict)], text
        assert "differs" not in cells, text
        assert "agrees" in cells, text
        recalculating.close(key)


# Of each kind of editable cell: what is typed into one, and the sheets on which anything moves then.
FOLLOWING = {"Picture", "Forward", "Backward", "Gradient check", "Spot the mistake"}
ALL = {"Network", *FOLLOWING, "Learning rates", "Optimizers", "Training log"}
EDITS = {
    "preset": ("seed", ALL),
    "your_inputs": (0.3, ALL),
    "your_targets": (0.3, ALL),
    "your_weights": (0.7, ALL),
    "your_learning_rate": (0.7, {"Network", "Backward", "Optimizers", "Training log", "Spot the mistake"}),
    "optimizer": ("momentum 0.9", {"Network"}),
    "epoch": (1, {"Network", *FOLLOWING}),
    "picture_view": ("gradients", {"Picture"}),
    "learning_rates": (10, {"Learning rates"}),
    "rate_charted": (1, {"Learning rates"}),
    "log_steps": (7, {"Training log"}),
    "mistake": ("h(1 − h)", {"Spot the mistake"}),
    "run_epochs": (3, {"Results"}),
}


def cells_of(office: Office, key: int, name: str) -> list[str]:
    """The address of every cell of a named range."""
    sheet, column, row, last_column, last_row = office.where(key, name)
    places = [(c, r) for r in range(row, last_row + 1) for c in range(column, last_column + 1)]
    return [f"{office.sheets(key)[sheet]}.{chr(65 + c)}{r + 1}" for c, r in places]


def by_sheet(office: Office, key: int) -> dict[str, list]:
    return {name: office.read(key, office.used(key, name)) for name in office.sheets(key)}


def test_each_kind_of_editable_cell_moves_only_the_sheets_that_depend_on_it(recalculating: Office, short: int) -> None:
    before = by_sheet(recalculating, short)
    for name, (content, sheets) in EDITS.items():
        cell = cells_of(recalculating, short, name)[0]
        kept = recalculating.read(short, cell)[0][0]
        recalculating.write(short, cell, content)
        after = by_sheet(recalculating, short)
        assert {sheet for sheet in before if before[sheet] != after[sheet]} == sheets, name
        assert recalculating.read(short, "workbook_agrees") == [["agrees"]], name
        recalculating.write(short, cell, kept)
    assert by_sheet(recalculating, short) == before


@pytest.mark.parametrize("name", ["inputs", "targets", "weights", "learning_rate"])
def test_each_cell_of_network_moves_exactly_what_it_moves_in_pyfuncs(recalculating: Office, short: int, name) -> None:
    before, expected = natively(recalculating, short), edited_by_pyfuncs()
    for at, cell in enumerate(cells_of(recalculating, short, f"your_{name}")):
        recalculating.write(short, cell, 0.7)
        after, edited = natively(recalculating, short), edited_by_pyfuncs(name, at, 0.7)
        assert after == pytest.approx(edited, rel=0, abs=1e-12), cell
        assert moved(before, after) == moved(expected, edited), cell
        recalculating.write(short, cell, None)


def edited_by_pyfuncs(name: str = "", at: int = 0, value: float = 0.0) -> dict[str, float]:
    """The quantities of the course's start, with one number replaced."""
    case, rate = canonical_case("course"), np.array([0.5])
    numbers = {"inputs": case.inputs, "targets": case.targets, "weights": case.weights}
    if name:
        (numbers | {"learning_rate": rate})[name].flat[at] = value
    return quantities_by_pyfuncs(Case(case.network, **numbers), rate[0])


def natively(office: Office, key: int) -> dict[str, float]:
    """The native value of every quantity of Forward and Backward."""
    shown = quantities(office, key, "Forward") | quantities(office, key, "Backward")
    return {name: native for name, (native, _, _) in shown.items()}


def moved(before: dict[str, float], after: dict[str, float]) -> set[str]:
    return {name for name in before if before[name] != after[name]}


def test_every_negative_number_is_shown_with_its_sign(recalculating: Office) -> None:
    key = recalculating.load(str(workbook(XOR, 10, "xor")))
    areas = ("Network.G13:G21", "Batch.B13:S17", "Gradient check.J5:AH13", "Learning rates.Z6:BF9", "Optimizers.Q6:AT9")
    for area in (*areas, "Training log.C7:N9", "Spot the mistake.D8:F16"):
        values, texts = recalculating.read(key, area), recalculating.shown(key, area)
        pairs = [pair for row in zip(values, texts, strict=True) for pair in zip(*row, strict=True)]
        numbers = [(value, text) for value, text in pairs if isinstance(value, float)]
        assert [value for value, _ in numbers if value < 0], area
        assert [(value, text) for value, text in numbers if (value < -1e-6) != (float(text) < 0)] == [], area
    recalculating.close(key)


@pytest.mark.parametrize("optimizer", ["momentum 0.9", "adam 0.9 0.999 1e-8"])
def test_the_epoch_shown_agrees_with_python_for_every_optimizer(recalculating, book, optimizer) -> None:
    recalculating.write(book, "optimizer", optimizer)
    recalculating.write(book, "epoch", 42)
    cells = everything(recalculating, book)
    assert not [cell for cell in cells if isinstance(cell, dict)]
    assert recalculating.read(book, "workbook_agrees") == [["agrees"]]


def test_a_network_of_8_8_8_4_opens_and_agrees(recalculating: Office) -> None:
    key = recalculating.load(str(workbook("8-8-8-4 bias")))
    assert recalculating.read(key, "workbook_agrees") == [["agrees"]]
    recalculating.close(key)
