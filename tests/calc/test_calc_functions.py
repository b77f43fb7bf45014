"""Every cell function in a real Calc: the canonical numbers, the function wizard's help, and every bad cell's text."""

import json
from pathlib import Path

import pytest

from addin.functions import FUNCTIONS, PARAMETERS
from tests.calc.conftest import StartOffice
from tests.calc.office import COMMA_LOCALE, Office

CANONICAL = json.loads(Path(__file__).parents[1].joinpath("canonical.json").read_text())
COURSE = CANONICAL["course"]
FIRST = COURSE["first"]
RANGES = "$A$1:$H$1;$A$2:$B$2;$A$3:$B$3"
UNITS = ("h1", "a_h1", "h2", "a_h2", "o1", "a_o1", "o2", "a_o2")


def lay_out(office: Office, key: int) -> None:
    """weights in A1:H1, inputs in A2:B2, targets in A3:B3, a learning rate in A4."""
    setup = COURSE["setup"]
    office.write(key, "Sheet1.A1:H1", [setup["weights"]])
    office.write(key, "Sheet1.A2:B2", [setup["inputs"]])
    office.write(key, "Sheet1.A3:B3", [setup["targets"]])
    office.write(key, "Sheet1.A4", 0.5)


def compute(office: Office, key: int, formula: str, cells: str = "A10:H13") -> list[list]:
    office.array(key, f"Sheet1.{cells}", formula)
    return office.read(key, f"Sheet1.{cells}")


def test_the_wizard_knows_every_function_and_argument(office: Office) -> None:
    known = office.function_names()
    for function in FUNCTIONS.values():
        description, *arguments = known[function.name]
        assert description == function.help
        assert arguments == [[name, PARAMETERS[name], function.is_optional(name)] for name in function.parameters]


BLOCKS = [
    ("BACKPROP_FORWARD($A$1:$H$1;$A$2:$B$2)", [[FIRST[name] for name in UNITS]]),
    ("BACKPROP_PREDICT($A$1:$H$1;$A$2:$B$2)", [[FIRST["a_o1"], FIRST["a_o2"]]]),
    (f"BACKPROP_LOSS({RANGES})", [[FIRST[name] for name in ("E1", "E2", "E_total")]]),
    (f"BACKPROP_GRADIENT({RANGES})", [[FIRST[f"dE_dw{n}"] for n in range(1, 9)]]),
    (f'BACKPROP_GRADIENT({RANGES};"2-2-2")', [[FIRST[f"dE_dw{n}"] for n in range(1, 9)]]),
    (
        f"BACKPROP_STEP({RANGES};$A$4)",
        [[w - 0.5 * FIRST[f"dE_dw{n}"] for n, w in enumerate(COURSE["setup"]["weights"], 1)]],
    ),
    (
        f"BACKPROP_SWEEP({RANGES};{{0.1;0.2}};1)",
        [[FIRST["E_total"]] * 2, [COURSE["loss_after_updates"][rate]["1"] for rate in ("0.1", "0.2")]],
    ),
]


@pytest.mark.parametrize(("formula", "expected"), BLOCKS, ids=[formula.partition("(")[0] for formula, _ in BLOCKS])
def test_a_block_shows_the_canonical_numbers(office: Office, sheet: int, formula: str, expected: list) -> None:
    lay_out(office, sheet)
    last = chr(ord("A") + len(expected[0]) - 1)
    shown = compute(office, sheet, f"={formula}", f"A10:{last}{9 + len(expected)}")
    for row, right in zip(shown, expected, strict=True):
        assert row == pytest.approx(right, abs=1e-12)


def test_train_and_its_headers_fill_a_block(office: Office, sheet: int) -> None:
    lay_out(office, sheet)
    headers = compute(office, sheet, '=BACKPROP_HEADERS("2-2-2";"train")', "A9:AE9")[0]
    rows = compute(office, sheet, f"=BACKPROP_TRAIN({RANGES};A4;100)", "A10:AE110")
    assert headers[4:6] == ["w1", "w2"]
    total = headers.index("E_total")
    for epoch, loss in COURSE["loss_after_updates"]["0.5"].items():
        if int(epoch) <= 100:
            assert rows[int(epoch)][total] == pytest.approx(loss, abs=1e-9)


def test_the_gradient_check_gives_numbers_and_verdicts(office: Office, sheet: int) -> None:
    lay_out(office, sheet)
    rows = compute(office, sheet, f"=BACKPROP_GRADIENT_CHECK({RANGES})", "A10:D17")
    assert [row[3] for row in rows] == ["PASS"] * 8
    assert [row[0] for row in rows] == pytest.approx([FIRST[f"dE_dw{n}"] for n in range(1, 9)], abs=1e-12)


def test_the_version_says_where_it_runs(office: Office, sheet: int) -> None:
    assert "Python 3." in compute(office, sheet, "=BACKPROP_VERSION()", "A10")[0][0]


BAD = [  # what is written where, what the cell then shows
    ("C1", "o.2", '#weights: row 1, column 3 is text ("o.2")'),
    ("C1", None, "#weights: row 1, column 3 is blank"),
    ("A2", "0,5", '#inputs: row 1, column 1 is text ("0,5")'),
    ("B3", None, "#targets: row 1, column 2 is blank"),
    ("A4", 0, "#learning_rate: is 0 or blank"),
    ("A4", None, "#learning_rate: is 0 or blank"),
    ("A4", -1, "#learning_rate: is -1, but must be above 0"),
    ("A4", "10%", '#learning_rate: is text ("10%")'),
]


@pytest.mark.parametrize(("cell", "content", "text"), BAD)
def test_a_bad_cell_is_named_in_the_block_and_spoils_nothing_else(office, sheet, cell, content, text) -> None:
    lay_out(office, sheet)
    office.write(sheet, "Sheet1.J1:K1", [[1.0, "=J1+1"]])
    office.array(sheet, "Sheet1.A10:H10", f"=BACKPROP_STEP({RANGES};A4)")
    office.array(sheet, "Sheet1.A12:H12", "=BACKPROP_FORWARD({0.1;0.2;0.3;0.4;0.5;0.6;0.7;0.8};{0.1;0.2})")
    good = office.read(sheet, "Sheet1.A12:H12")
    office.write(sheet, f"Sheet1.{cell}", content)
    assert office.read(sheet, "Sheet1.A10:H10") == [[text] * 8]
    assert office.read(sheet, "Sheet1.A12:H12") == good
    assert office.read(sheet, "Sheet1.J1:K1") == [[1.0, 2.0]]
    lay_out(office, sheet)
    assert all(isinstance(value, float) for value in office.read(sheet, "Sheet1.A10:H10")[0])


@pytest.mark.parametrize("error", ["=1/0", "=NA()", "=SQRT(-1)"])
def test_an_error_value_in_a_range_never_gives_a_number(office: Office, sheet: int, error: str) -> None:
    lay_out(office, sheet)
    office.write(sheet, "Sheet1.C1", error)
    shown = compute(office, sheet, f"=BACKPROP_STEP({RANGES};A4)", "A10:H10")[0]
    assert not any(isinstance(value, float) for value in shown)


@pytest.mark.parametrize("place", ["C1", "B2", "A3", "C5"])
def test_an_error_in_any_range_is_err_504_as_the_help_says(office: Office, sheet: int, place: str) -> None:
    lay_out(office, sheet)
    office.write(sheet, "Sheet1.B5:D5", [[0.1, 0.2, 0.5]])
    office.write(sheet, f"Sheet1.{place}", "=NA()")
    shown = compute(office, sheet, f"=BACKPROP_SWEEP({RANGES};B5:D5;2)", "A10:C12")
    assert shown == [[{"error": "Err:504"}] * 3] * 3
    helped = [name for name, text in PARAMETERS.items() if "Err:504" in text]
    assert helped == ["weights", "inputs", "targets", "learning_rates", "pixels"]


COUNTS = [
    ("BACKPROP_STEP($A$1:$G$1;$A$2:$B$2;$A$3:$B$3;0.5)", "#weights: 7 numbers, but the network 2-2-2 has 8 weights"),
    ("BACKPROP_LOSS($A$1:$H$1;$A$2;$A$3:$B$3)", "#inputs: 1 × 1 cells, but a sample is a row of 2 (i1, i2)"),
    (f"BACKPROP_TRAIN({RANGES};A4;1.5)", "#epochs: is 1.5, but must be a whole number"),
    (f"BACKPROP_TRAIN({RANGES};A4;0)", "#epochs: is 0 or blank"),
    (f'BACKPROP_LOSS({RANGES};"2-2-2 tahn")', "#network: "),
    (f'BACKPROP_TRAIN({RANGES};A4;3;"2-2-2";"adem")', "adem"),
    ('BACKPROP_STEP(2;1E+120;0.5;1E+200;"1-1 linear linear")', "diverged at epoch 1"),
]


@pytest.mark.parametrize(("formula", "text"), COUNTS)
def test_wrong_counts_and_settings_give_one_text(office: Office, sheet: int, formula: str, text: str) -> None:
    lay_out(office, sheet)
    shown = compute(office, sheet, f"={formula}", "A10:B10")[0]
    assert all(isinstance(value, str) and text in value for value in shown), shown


def test_ranges_of_any_shape_and_true_count_as_design_says(office: Office, sheet: int) -> None:
    lay_out(office, sheet)
    office.write(sheet, "Sheet1.A20:B23", [COURSE["setup"]["weights"][n : n + 2] for n in range(0, 8, 2)])
    office.write(sheet, "Sheet1.D20:D21", [[0.05], [0.1]])
    shaped = compute(office, sheet, "=BACKPROP_GRADIENT(A20:B23;D20:D21;A3:B3)", "A30:B33")
    assert [value for row in shaped for value in row] == pytest.approx(
        [FIRST[f"dE_dw{n}"] for n in range(1, 9)], abs=1e-12
    )
    office.write(sheet, "Sheet1.A4", "=TRUE()")
    one = compute(office, sheet, f"=BACKPROP_STEP({RANGES};A4)", "A10:H10")
    assert one == compute(office, sheet, f"=BACKPROP_STEP({RANGES};1)", "A10:H10")


def test_a_full_recalculation_changes_nothing(office: Office, sheet: int) -> None:
    lay_out(office, sheet)
    office.array(sheet, "Sheet1.A10:H10", f"=BACKPROP_STEP({RANGES};A4)")
    before = office.read(sheet, "Sheet1.A10:H10")
    office.calculate(sheet)
    assert office.read(sheet, "Sheet1.A10:H10") == before


def test_a_file_keeps_its_functions_through_xlsx_and_ods(office: Office, sheet: int, tmp_path: Path) -> None:
    lay_out(office, sheet)
    before = compute(office, sheet, f"=BACKPROP_STEP({RANGES};A4)", "A10:H10")
    for name, filter in (("book.xlsx", "Calc MS Excel 2007 XML"), ("book.ods", "calc8")):
        office.save(sheet, str(tmp_path / name), filter=filter)
        again = office.load(str(tmp_path / name))
        office.write(again, "Sheet1.A4", 0.1)
        assert office.read(again, "Sheet1.A10:H10") != before
        office.write(again, "Sheet1.A4", 0.5)
        assert office.read(again, "Sheet1.A10:H10") == before
        office.close(again)


def test_a_comma_locale_computes_the_same(start_office: StartOffice) -> None:
    office = start_office(settings=COMMA_LOCALE)
    key = office.load("")
    lay_out(office, key)
    assert office.shown(key, "Sheet1.A4") == [["0,5"]]
    loss = compute(office, key, f"=BACKPROP_LOSS({RANGES})", "A10:C10")[0]
    assert loss == pytest.approx([FIRST[name] for name in ("E1", "E2", "E_total")], abs=1e-12)
    office.write(key, "Sheet1.A4", "10%x")
    assert '#learning_rate: is text ("10%x")' in compute(office, key, f"=BACKPROP_STEP({RANGES};A4)", "A10:H10")[0]
    office.end()
