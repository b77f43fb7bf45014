"""The built workbook in a real Calc: every canonical number natively and by Python, edits, and life without Python."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.calc.conftest import StartOffice
from tests.calc.office import COMMA_LOCALE, RECALCULATE_ON_LOAD, Office
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


@pytest.fixture
def book(recalculating: Office, path: Path) -> Iterator[int]:
    key = recalculating.load(str(path))
    yield key
    recalculating.close(key)


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
def test_every_quantity_of_the_first_update_is_canonical_natively_and_by_python(recalculating, book, start) -> None:
    set_start(recalculating, book, start)
    shown = quantities(recalculating, book, "Forward") | quantities(recalculating, book, "Backward")
    for name, value in CANONICAL[start]["first"].items():
        native, python, agreement = shown[name.replace("dE_d", "dE/d")]
        assert native == pytest.approx(value, abs=1e-12), name
        assert python == pytest.approx(value, abs=1e-12), name
        assert agreement == "agrees", name
    rate = recalculating.read(book, "learning_rate")[0][0]
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


def test_an_edited_weight_moves_what_depends_on_it_natively_and_by_python(recalculating: Office, book: int) -> None:
    before = quantities(recalculating, book, "Forward")
    _, column, row, _, _ = recalculating.where(book, "your_weights")
    recalculating.write(book, f"Network.{chr(65 + column)}{row + 3}", 0.77)  # w3, from i1 to h2
    after = quantities(recalculating, book, "Forward")
    moved = {name for name in before if before[name] != after[name]}
    assert moved == {"h2", "a_h2", "o1", "a_o1", "o2", "a_o2", "E1", "E2", "E_total"}
    assert {agreement for _, _, agreement in after.values()} == {"agrees"}


@pytest.mark.parametrize("content", ["o.2", "0,5", "=1/0", "=NA()"])
@pytest.mark.parametrize("cells", ["inputs", "targets", "weights", "learning_rate"])
def test_a_bad_input_is_named_and_gives_no_number_that_depends_on_it(recalculating, book, cells, content) -> None:
    _, column, row, _, _ = recalculating.where(book, f"your_{cells}")
    recalculating.write(book, f"Network.{chr(65 + column)}{row + 1}", content)
    assert recalculating.read(book, "first_bad_input")[0][0] != "all inputs are numbers"
    shown = quantities(recalculating, book, "Backward")
    assert "new w1" not in shown, "an update computed from a bad cell"
    if cells in ("inputs", "weights"):
        assert "E_total" not in quantities(recalculating, book, "Forward")
    assert recalculating.read(book, "python_ready") == [[1.0]]


def test_saved_as_xlsx_and_ods_and_reopened_all_is_there(recalculating: Office, book: int, tmp_path: Path) -> None:
    set_start(recalculating, book, "seed")
    for name, filter in (("again.xlsx", "Calc MS Excel 2007 XML"), ("again.ods", "calc8")):
        recalculating.save(book, str(tmp_path / name), filter=filter)
        again = recalculating.load(str(tmp_path / name))
        shown = quantities(recalculating, again, "Forward")
        native, python, agreement = shown["E_total"]
        assert native == pytest.approx(CANONICAL["seed"]["first"]["E_total"], abs=1e-12)
        assert (python, agreement) == (pytest.approx(native, abs=1e-12), "agrees")
        assert tuple(recalculating.sheets(again)) == SHEETS
        recalculating.close(again)


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
    office.close(key)


@pytest.mark.parametrize("settings", ["", RECALCULATE_ON_LOAD], ids=["as stored", "recalculated"])
def test_without_the_extension_no_cell_shows_an_error_or_a_python_number(start_office, path, settings) -> None:
    office = start_office(with_extension=False, settings=settings)
    key = office.load(str(path))
    office.calculate(key)
    cells = everything(office, key)
    assert not [cell for cell in cells if isinstance(cell, dict) or "#NAME" in str(cell)]
    assert office.read(key, "python_ready") == [[0.0]]
    assert "agrees" not in cells
    assert "differs" not in cells
    assert cells.count("Python not connected") > 25
    for sheet in ("Forward", "Backward"):
        shown = quantities(office, key, sheet)
        assert shown
        assert not [name for name, (_, python, _) in shown.items() if isinstance(python, float)]
    native, sweep = losses(office, key)
    assert all(isinstance(cell, float) for row in native for cell in row)
    assert {cell for row in sweep for cell in row} == {"–"}
    office.end()


def test_a_comma_locale_shows_the_same_numbers(start_office: StartOffice, path: Path) -> None:
    office = start_office(settings=COMMA_LOCALE)
    key = office.load(str(path))
    set_start(office, key, "mixed-signs")
    native, _, agreement = quantities(office, key, "Forward")["E_total"]
    assert native == pytest.approx(CANONICAL["mixed-signs"]["first"]["E_total"], abs=1e-12)
    assert agreement == "agrees"
    office.end()


def test_other_networks_agree_with_python_too(recalculating: Office, tmp_path: Path) -> None:
    networks = ("2-3-1 tanh bias", "3-4-2 relu", "2-2-2-1", "2-2-2 fixed-bias", "2-3-2 tanh softmax", "2-2-1 bias")
    for number, text in enumerate(networks):
        preset = "xor" if text == "2-2-1 bias" else None
        key = recalculating.load(str(build(tmp_path / f"{number}.xlsx", text, preset, epochs=10)))
        cells = everything(recalculating, key)
        assert not [cell for cell in cells if isinstance(cell, dict)], text
        assert "differs" not in cells, text
        assert "agrees" in cells, text
        recalculating.close(key)


def moved(before: dict[str, tuple], after: dict[str, tuple]) -> set[str]:
    """The quantities whose native value is another one."""
    return {name for name in before if before[name][0] != after[name][0]}


UPDATES = {f"new w{number}" for number in range(1, 9)}
BACK = {"dE/do1", "dE/do2", "dE/dh1", "dE/dh2", *(f"dE/dw{number}" for number in range(1, 9)), *UPDATES}
UP = {"o1", "a_o1", "o2", "a_o2", "E1", "E2", "E_total", "dE/da_o1", "dE/da_o2", *BACK}
EDITS = {
    "your_inputs": (0.3, {"h1", "a_h1", "h2", "a_h2", *UP}),
    "your_targets": (0.3, {"E1", "E_total", "dE/da_o1", *BACK} - {"dE/do2", "dE/dw7", "dE/dw8", "new w7", "new w8"}),
    "your_weights": (0.7, {"h1", "a_h1", *UP}),
    "your_learning_rate": (0.7, UPDATES),
    "epoch": (1, {"h1", "a_h1", "h2", "a_h2", *UP}),
    "learning_rates": (0.7, set()),
    "log_steps": (7, set()),
    "mistake": ("h(1 − h)", set()),
    "rate_charted": (1, set()),
}


@pytest.mark.parametrize("name", EDITS)
def test_each_editable_cell_moves_exactly_what_depends_on_it(recalculating: Office, book: int, name: str) -> None:
    content, depends = EDITS[name]
    before = quantities(recalculating, book, "Forward") | quantities(recalculating, book, "Backward")
    sheet, column, row, _, _ = recalculating.where(book, name)
    recalculating.write(book, f"{recalculating.sheets(book)[sheet]}.{chr(65 + column)}{row + 1}", content)
    after = quantities(recalculating, book, "Forward") | quantities(recalculating, book, "Backward")
    assert moved(before, after) == depends
    assert recalculating.read(book, "workbook_agrees") == [["agrees"]]


@pytest.mark.parametrize("optimizer", ["momentum 0.9", "adam 0.9 0.999 1e-8"])
def test_the_epoch_shown_agrees_with_python_for_every_optimizer(recalculating, book, optimizer) -> None:
    recalculating.write(book, "optimizer", optimizer)
    recalculating.write(book, "epoch", 42)
    cells = everything(recalculating, book)
    assert not [cell for cell in cells if isinstance(cell, dict)]
    assert recalculating.read(book, "workbook_agrees") == [["agrees"]]


def test_a_network_of_8_8_8_4_opens_and_agrees(recalculating: Office, tmp_path: Path) -> None:
    key = recalculating.load(str(build(tmp_path / "large.xlsx", "8-8-8-4 bias", epochs=10)))
    assert recalculating.read(key, "workbook_agrees") == [["agrees"]]
    recalculating.close(key)
