"""The workbook: built the same each time, complete without Python, and right when a real LibreOffice computes it."""

import re
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from openpyxl.worksheet.formula import ArrayFormula

from pyfuncs import descent, propagation
from pyfuncs.network import Network
from pyfuncs.presets import starting_point
from tests.networks import CANONICAL, RATES, STARTS
from tests.sheets import (
    WRONG,
    Values,
    basic_function,
    close,
    converted,
    profile,
    started_once,
    with_cells,
    with_wrong_values,
)
from xlsx import build
from xlsx.build import main

NETWORKS = ["2-3-1 tanh bias", "2-2-1 relu", "2-2-2-1", "2-1", "1-3-2 linear tanh fixed-bias"]
NAMES = [
    *("python_ready", "network", "inputs", "targets", "weights", "learning_rate", "first_bad_input", "learning_rates"),
    *("run_model", "run_dataset", "run_epochs", "run_batch_size", "run_learning_rate", "run_seed", "run_device"),
    *("run_status", "run_folder", "run_table"),
]
ERRORS = {"#NAME?", "#NUM!", "#VALUE!", "#REF!", "#DIV/0!", "#N/A"}
FINE = "all inputs are numbers"
COMMITTED = Path(build.__file__).with_name(build.FILE_NAME)


def file_name(network: str) -> str:
    return network.replace(" ", "_") + ".xlsx"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The workbook of a network, built once."""
    folder = tmp_path_factory.mktemp("built")
    return cache(lambda network: build.build(folder / file_name(network), network))


@pytest.fixture(scope="module")
def fresh(built: Callable[[str], Path]) -> Path:
    return built("2-2-2")


def cell_changes(values: Values, **lists: list) -> dict[str, object]:
    """Named ranges and their new contents, as places and contents."""
    changes = {}
    for name, contents in lists.items():
        ((sheet, area),) = values.book.defined_names[name].destinations
        cells = [cell for row in values.book[sheet][area.replace("$", "")] for cell in row]
        changes |= {f"{sheet}!{cell.coordinate}": new for cell, new in zip(cells, contents, strict=True)}
    return changes


@pytest.fixture(scope="module")
def computed(soffice: str, built: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Values]:
    """Workbooks recalculated by LibreOffice. Every number stored in them was wrong before."""
    folder, out = tmp_path_factory.mktemp("wrong"), tmp_path_factory.mktemp("computed")
    networks = ["2-2-2", *NETWORKS, "2-1 sigmoid linear"]
    wrong = [with_wrong_values(built(network), folder / file_name(network)) for network in networks]
    course, single, linear = wrong[0], folder / file_name("2-1"), folder / file_name("2-1 sigmoid linear")
    laid_out = Values(course)
    for start in STARTS[:1] + STARTS[2:]:  # the workbook as built starts at "course"
        setup = CANONICAL[start]["setup"]
        wrong.append(with_cells(course, folder / f"{start}.xlsx", cell_changes(laid_out, **setup)))
    for name, changes in BAD_CELLS.items():
        wrong.append(with_cells(single, folder / f"{name}.xlsx", changes))
    for name, changes in LARGE.items():
        wrong.append(with_cells(linear if name == "diverging" else single, folder / f"{name}.xlsx", changes))
    done = converted(soffice, profile(tmp_path_factory.mktemp("profile")), wrong, out)
    values = {path.stem: Values(path) for path in done}
    return values | {"course": values["2-2-2"]}


# The sheet Network of a 2-1: D9 and D10 hold the inputs, D11 the target, D12 and D13 the weights, D14 the learning rate
BAD_CELLS = {
    "text": {"Network!D13": "o.2"},
    "blank": {"Network!D9": None, "Learning rates!C5": None},
    "error": {"Network!D11": "#DIV/0!"},
    "rate": {"Network!D14": 0, "Learning rates!B5": "fast"},
}
LARGE = {
    "diverging": {"Learning rates!B5": 1e6, "Learning rates!C5": 1e200},
    "z=1000": {"Network!D9": 1.0, "Network!D10": 0.0, "Network!D12": 1000.0},
    "z=-1000": {"Network!D9": 1.0, "Network!D10": 0.0, "Network!D12": -1000.0},
}


def test_two_builds_are_the_same_bytes(fresh: Path, tmp_path: Path) -> None:
    assert build.build(tmp_path / "again.xlsx").read_bytes() == fresh.read_bytes()


def test_the_committed_workbook_is_a_fresh_one(fresh: Path) -> None:
    number = re.compile(r"(?<![\w.])-?\d+\.\d+(?:[eE][-+]?\d+)?")
    with zipfile.ZipFile(COMMITTED) as committed, zipfile.ZipFile(fresh) as new:
        assert committed.namelist() == new.namelist()
        for part in new.namelist():
            texts = [archive.read(part).decode() for archive in (committed, new)]
            one, other = (number.sub("#", text) for text in texts)
            assert one == other, part
            one, other = (np.array(number.findall(text), dtype=float) for text in texts)
            np.testing.assert_allclose(one, other, rtol=0, atol=1e-12, err_msg=part)


@pytest.mark.parametrize("network", ["2-2-2", "2-1"])
def test_the_open_xml_rules_find_nothing(built: Callable[[str], Path], network: str) -> None:
    from openxml_audit import OpenXmlValidator

    assert OpenXmlValidator().validate(built(network)).errors == []


@pytest.mark.parametrize("network", ["2-2-2", *NETWORKS])
def test_the_names_point_at_cells_of_the_right_number(built: Callable[[str], Path], network: str) -> None:
    values, described = Values(built(network)), Network.parse(network)
    assert [name for name in NAMES if name not in values.book.defined_names] == []
    sizes = {"inputs": described.sizes[0], "targets": described.sizes[-1], "weights": described.weight_count}
    sizes |= {"learning_rates": len(RATES), "run_table": 8}
    for name in NAMES:
        assert len(values.named(name)) == sizes.get(name, 1), name
    assert values.named("network") == [described.text]


def test_the_sheets_stand_in_their_order_and_are_all_linked_from_start(fresh: Path) -> None:
    book = openpyxl.load_workbook(fresh)
    assert book.sheetnames == ["Start", "Network", "Forward", "Backward", "Learning rates", "Results"]
    links = [row[0].hyperlink.location for row in book["Start"].iter_rows(max_col=1) if row[0].hyperlink]
    assert links == [f"'{name}'!A1" for name in book.sheetnames[1:]]


def formulas(path: Path) -> list[tuple[object, str, bool]]:
    """Every formula with its cell, its text, and whether it is an array block."""
    found = []
    for sheet in openpyxl.load_workbook(path):
        for row in sheet.iter_rows():
            for cell in row:
                if isinstance(cell.value, ArrayFormula):
                    found.append((cell, cell.value.text, True))
                elif cell.data_type == "f":
                    found.append((cell, cell.value, False))
    return found


def test_whatever_depends_on_python_is_an_array_so_that_calc_computes_it_on_load(fresh: Path) -> None:
    depends = [(text, array) for _, text, array in formulas(fresh) if "BACKPROP_" in text or "python_ready" in text]
    assert len(depends) > 10
    assert all(array for _, array in depends)


def test_without_python_every_python_cell_is_stored_as_a_dash_and_nothing_as_compared(fresh: Path) -> None:
    values, book = Values(fresh), openpyxl.load_workbook(fresh)
    for cell, text, _ in formulas(fresh):
        if "BACKPROP_" not in text or cell.parent.title == "Start":
            continue
        assert text.startswith("=IF(python_ready,")
        for row in book[cell.parent.title][cell.value.ref]:
            assert {values.book[cell.parent.title][each.coordinate].value for each in row} == {"–"}
    states = {row["Agreement"] for name, row in values.quantities.items() if row["Python"] == "–"}
    assert states == {"Python not connected"}


def test_no_formula_needs_a_newer_spreadsheet(fresh: Path) -> None:
    text = " ".join(text for _, text, _ in formulas(fresh))
    assert re.findall(r"_xl\w+|LET\(|SEQUENCE\(|LAMBDA\(|#REF", text) == []
    with zipfile.ZipFile(fresh) as archive:
        sheets = [archive.read(name).decode() for name in archive.namelist() if "worksheets/sheet" in name]
    assert all(' cm="' not in sheet for sheet in sheets)


def test_only_the_cells_to_edit_are_marked_and_each_is_validated(fresh: Path) -> None:
    book = openpyxl.load_workbook(fresh)
    editable = {
        name for name in NAMES if name.startswith("run_") and name not in ("run_status", "run_folder", "run_table")
    }
    editable |= {"inputs", "targets", "weights", "learning_rate", "learning_rates"}
    expected = set()
    for name in editable:
        ((sheet, area),) = book.defined_names[name].destinations
        cells = book[sheet][area]
        rows = cells if isinstance(cells, tuple) else ((cells,),)
        expected |= {(sheet, cell.coordinate) for row in rows for cell in row}
    for sheet in book:
        filled = [cell for row in sheet.iter_rows() for cell in row if cell.fill.fgColor.rgb == "FFFFF4CC"]
        marked = {cell.coordinate for cell in filled}
        assert marked == {cell for title, cell in expected if title == sheet.title}
        validated = " ".join(str(rule.sqref) for rule in sheet.data_validations.dataValidation)
        areas = [openpyxl.worksheet.cell_range.CellRange(area) for area in validated.split()]
        assert all(any(cell.coordinate in area_cells(area) for area in areas) for cell in filled)


def area_cells(area: object) -> set[str]:
    return {
        f"{openpyxl.utils.get_column_letter(column)}{row}"
        for row, column in (each for line in area.rows for each in line)
    }


def test_every_chart_and_button_says_what_it_is(fresh: Path) -> None:
    with zipfile.ZipFile(fresh) as archive:
        drawings = "".join(archive.read(name).decode() for name in archive.namelist() if "drawings/drawing" in name)
        buttons = "".join(archive.read(name).decode() for name in archive.namelist() if "vmlDrawing" in name)
    assert len(re.findall(r'<xdr:cNvPr[^>]* descr="Line chart[^"]{20,}"', drawings)) == 3
    assert re.findall(r"<font[^>]*>([^<]+)</font>", buttons) == ["Train CNN", "Stop", "Resume"]
    assert "FmlaMacro" not in buttons  # Calc would warn of macros that are not there


@pytest.mark.parametrize("start", STARTS)
def test_every_canonical_quantity_of_the_first_update(computed: dict[str, Values], start: str) -> None:
    for name, expected in CANONICAL[start]["first"].items():
        native = computed[start].native(name.replace("dE_d", "dE/d"))
        assert close(native, expected), name


@pytest.mark.parametrize("start", STARTS)
def test_the_canonical_losses_at_the_six_rates(computed: dict[str, Values], start: str) -> None:
    losses = computed[start].losses
    for column, rate in enumerate(RATES):
        for epoch, expected in CANONICAL[start]["loss_after_updates"][str(rate)].items():
            if int(epoch) <= 100:
                assert close(losses[int(epoch)][column], expected, 1e-9), (rate, epoch)


@pytest.mark.parametrize("network", NETWORKS)
def test_every_quantity_of_other_networks_equals_pyfuncs(computed: dict[str, Values], network: str) -> None:
    described = Network.parse(network)
    start, native = starting_point(described), computed[file_name(network).removesuffix(".xlsx")].native
    numbers = (described, np.array(start.weights), np.array(start.inputs), np.array(start.targets))
    moved = [f"new {weight}" for weight in described.weight_names]
    expected = {
        **dict(zip(described.unit_names, propagation.units(*numbers[:3])[0], strict=True)),
        **dict(zip(described.loss_names, propagation.loss(*numbers), strict=True)),
        **dict(zip(described.gradient_names, propagation.gradient(*numbers), strict=True)),
        **dict(zip(moved, descent.step(*numbers, start.learning_rate), strict=True)),
    }
    assert [name for name, value in expected.items() if not close(native(name), value)] == []


@pytest.mark.parametrize("network", NETWORKS)
def test_the_rows_of_each_rate_equal_pyfuncs_training(computed: dict[str, Values], network: str) -> None:
    described = Network.parse(network)
    start, values = starting_point(described), computed[file_name(network).removesuffix(".xlsx")]
    numbers = (described, np.array(start.weights), np.array(start.inputs), np.array(start.targets))
    for index, rate in enumerate(RATES):
        block = values.block(index)
        table = descent.train_table(*numbers, rate, 100)
        for title, column in zip(described.headers("train"), table.T, strict=True):
            native = np.array([row[title] for row in block], dtype=float)
            np.testing.assert_allclose(native, column, rtol=1e-9, atol=1e-9, err_msg=f"{title} at {rate}")
        assert [row[index] for row in values.losses] == [row["E_total"] for row in block]


def test_no_wrong_stored_number_is_left_after_a_recalculation(computed: dict[str, Values]) -> None:
    for name, values in computed.items():
        assert [place for place, value in values.all() if value == float(WRONG)] == [], name


@pytest.mark.parametrize("network", ["2-2-2", *NETWORKS])
def test_without_the_extension_no_cell_shows_an_error(computed: dict[str, Values], network: str) -> None:
    values = computed[file_name(network).removesuffix(".xlsx")]
    cells = [(place, value) for place, value in values.all() if isinstance(value, str)]
    assert [(place, value) for place, value in cells if value in ERRORS or "Err:" in value] == []
    assert not values.named("python_ready")[0]
    assert values.named("first_bad_input") == [FINE]


def test_the_stored_values_are_what_libreoffice_computes(
    computed: dict[str, Values], built: Callable[[str], Path]
) -> None:
    for network in ("2-2-2", "2-3-1 tanh bias", "2-1 sigmoid linear"):
        kept = dict(Values(built(network)).all())
        for place, value in computed[file_name(network).removesuffix(".xlsx")].all():
            if isinstance(value, (int, float)):
                assert close(kept[place], value), (network, place)
            else:
                assert kept[place] == value, (network, place)


@pytest.mark.parametrize(
    ("file", "cell", "dead", "alive"),
    [
        ("text", "w2 (row 13) is text: type a number", ["o1", "a_o1", "E_total", "dE/dw1", "new w1"], []),
        ("blank", "i1 (row 9) is blank: type a number", ["o1", "a_o1", "E_total", "dE/dw2", "new w2"], []),
        ("error", "t1 (row 11) is an error: type a number", ["E1", "E_total", "dE/dw1", "new w1"], ["o1", "a_o1"]),
        ("rate", "learning_rate (row 14) is not above 0", ["new w1", "new w2"], ["o1", "E_total", "dE/dw1"]),
    ],
)
def test_a_bad_cell_is_named_and_gives_no_number(
    computed: dict[str, Values], file: str, cell: str, dead: list[str], alive: list[str]
) -> None:
    values = computed[file]
    assert values.named("first_bad_input") == [cell]
    assert values.book["Start"]["B9"].value == cell
    assert [values.native(name) for name in dead] == ["#N/A"] * len(dead)
    assert all(isinstance(values.native(name), float) for name in alive)


def test_a_bad_input_leaves_no_loss_and_a_bad_rate_none_but_the_first(computed: dict[str, Values]) -> None:
    assert {loss for row in computed["text"].losses for loss in row} == {"#N/A"}
    assert {loss for row in computed["blank"].losses for loss in row} == {"#N/A"}
    losses = computed["rate"].losses
    assert isinstance(losses[0][0], float)
    assert {row[0] for row in losses[1:]} == {"#N/A"}
    assert all(isinstance(row[1], float) for row in losses)
    assert outcomes(computed["rate"])[:2] == ["the rate is not above 0", "falls"]
    assert outcomes(computed["text"])[0] == "see Network"


def outcomes(values: Values) -> list[str]:
    return [row[0] for row in values.book["Learning rates"].iter_rows(7, 12, 15, 15, values_only=True)]


def test_divergence_is_named_and_shows_neither_num_nor_a_number(computed: dict[str, Values]) -> None:
    values = computed["diverging"]
    start = starting_point(Network.parse("2-1 sigmoid linear"))
    numbers = [np.array(each) for each in (start.weights, start.inputs, start.targets)]
    losses = descent.sweep(Network.parse(start.network), *numbers, np.array([1e6, 1e200]), 100)
    for column in (0, 1):
        epoch = int(np.flatnonzero(~np.isfinite(losses[:, column]))[0])
        assert outcomes(values)[column] == f"diverged at epoch {epoch}"
        assert [row[column] for row in values.losses[epoch:]] == ["#N/A"] * (101 - epoch)
        np.testing.assert_allclose([row[column] for row in values.losses[:epoch]], losses[:epoch, column], rtol=1e-9)
    assert [place for place, value in values.all() if value in ERRORS - {"#N/A"}] == []


@pytest.mark.parametrize(("file", "output"), [("z=1000", 1.0), ("z=-1000", 0.0)])
def test_a_sigmoid_far_from_zero_is_exact_and_no_error(computed: dict[str, Values], file: str, output: float) -> None:
    assert computed[file].native("a_o1") == output
    assert computed[file].native("dE/dw1") == 0
    assert [place for place, value in computed[file].all() if value in ERRORS] == []


@pytest.fixture(scope="module")
def connected(soffice: str, fresh: Path, tmp_path_factory: pytest.TempPathFactory) -> Values:
    """The workbook where functions of these names answer, stored values kept: E1 and one loss wrong, STEP an error."""
    start = starting_point(Network.parse("2-2-2"))
    numbers = [np.array(each) for each in (start.weights, start.inputs, start.targets)]
    network, loss = Network.parse("2-2-2"), propagation.loss(Network.parse("2-2-2"), *numbers)
    sweep = descent.sweep(network, *numbers, np.array(RATES), 100)
    sweep[[50, 60], [2, 3]] += [2e-9, 5e-10]
    answers = {
        "BACKPROP_VERSION()": "0.0, a stand-in",
        "BACKPROP_FORWARD(w, i, n)": propagation.units(network, *numbers[:2]).tolist(),
        "BACKPROP_LOSS(w, i, t, n)": [[loss[0] + 1e-9, *loss[1:]]],
        "BACKPROP_GRADIENT(w, i, t, n)": propagation.gradient(network, *numbers)[:, None].tolist(),
        "BACKPROP_STEP(w, i, t, r, n)": "#weights: row 1, column 1 is text",
        "BACKPROP_SWEEP(w, i, t, r, e, n)": sweep.tolist(),
    }
    basic = "".join(basic_function(*call.rstrip(")").split("("), answer) for call, answer in answers.items())
    stand_in = profile(started_once(soffice, tmp_path_factory.mktemp("profile")), recalculate=False, basic=basic)
    return Values(*converted(soffice, stand_in, [fresh], tmp_path_factory.mktemp("connected")))


def test_with_python_connected_each_row_says_agrees_or_differs(connected: Values) -> None:
    assert connected.named("python_ready")[0]
    rows = connected.quantities
    gradient = [f"dE/dw{number}" for number in range(1, 9)]
    for name in (*Network.parse("2-2-2").unit_names, "E2", "E_total", *gradient):
        assert rows[name]["Agreement"] == "agrees", name
        assert close(rows[name]["Python"], rows[name]["Native formula"])
    assert rows["E1"]["Agreement"] == "differs"


def test_an_error_text_from_python_differs_from_a_number(connected: Values) -> None:
    row = connected.quantities["new w8"]
    assert (row["Python"], row["Agreement"]) == ("#weights: row 1, column 1 is text", "differs")


def test_a_loss_that_is_off_differs_at_its_epoch_and_at_its_rate(connected: Values) -> None:
    sheet = connected.book["Learning rates"]
    epochs = [row[0] for row in sheet.iter_rows(6, 106, 24, 24, values_only=True)]
    assert epochs == ["agrees"] * 50 + ["differs"] + ["agrees"] * 50
    rates = [row[0] for row in sheet.iter_rows(7, 12, 16, 16, values_only=True)]
    assert rates == ["agrees", "agrees", "differs", "agrees", "agrees", "agrees"]


def test_start_counts_what_differs_and_says_that_python_is_there(connected: Values) -> None:
    sheet = connected.book["Start"]
    assert sheet["B5"].value == "0.0, a stand-in"
    assert sheet["B8"].value == "11 of 134 comparisons differ: look for “differs”"


def test_without_the_extension_what_calc_keeps_is_clean_too(soffice: str, fresh: Path, tmp_path: Path) -> None:
    (path,) = converted(soffice, profile(tmp_path / "profile", recalculate=False), [fresh], tmp_path / "out")
    values = Values(path)
    assert [place for place, value in values.all() if value in ERRORS] == []
    assert values.book["Start"]["B5"].value == values.book["Start"]["B8"].value == "Python not connected"


def test_a_preset_that_does_not_fit_is_refused_with_those_that_do(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert main(["--preset", "mazur", "--out", str(tmp_path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "mazur" in line
    assert all(name in line for name in STARTS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["2-2-2 sigmoidd", "0-2", "2-2-2 softmax", "100-100-100"])
def test_a_network_that_cannot_be_shown_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture, text: str) -> None:
    assert main(["--network", text, "--out", str(tmp_path)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_workbook_that_is_there_is_not_overwritten_unless_forced(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    path = tmp_path / build.FILE_NAME
    path.write_text("my edits")
    assert main(["--network", "2-1", "--out", str(tmp_path)]) == 2
    assert path.read_text() == "my edits"
    assert "--force" in capsys.readouterr().err
    assert main(["--network", "2-1", "--out", str(tmp_path), "--force"]) == 0
    assert Values(path).named("network") == ["2-1"]


def test_a_preset_names_the_start_on_the_sheet(tmp_path: Path) -> None:
    assert main(["--network", "2-2-2 FIXED-BIAS", "--preset", "mazur", "--out", str(tmp_path / "new")]) == 0
    values = Values(tmp_path / "new" / build.FILE_NAME)
    assert values.named("weights") == [0.15, 0.2, 0.25, 0.3, 0.4, 0.45, 0.5, 0.55, 0.35, 0.6]
    assert "Mazur" in values.book["Network"]["B5"].value
    assert close(values.native("E_total"), 0.29837110876, 1e-11)
