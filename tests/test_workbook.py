"""The workbook: the same bytes each time, its names, cells and links, and what is stored in it for a viewer."""

import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from openpyxl.cell.cell import MergedCell
from openpyxl.worksheet.formula import ArrayFormula

from pyfuncs.network import Network
from pyfuncs.presets import starting_point
from tests.networks import RATES, STARTS
from tests.sheets import NETWORKS, Values, close, workbook
from xlsx import build, state_text
from xlsx.build import main
from xlsx.sheets import results, start

NAMES = [
    *("python_ready", "network", "inputs", "targets", "weights", "learning_rate", "first_bad_input", "learning_rates"),
    *("your_inputs", "your_targets", "your_weights", "your_learning_rate", "shown_inputs", "shown_targets"),
    *("shown_weights", "preset", "optimizer", "state", "epoch", "epoch_used", "workbook_agrees", "gradient_check"),
    *("rate_charted", "log_table", "log_next", "log_steps", "mistake", "mistake_check"),
    *("run_model", "run_dataset", "run_epochs", "run_batch_size", "run_learning_rate", "run_seed", "run_device"),
    *("run_status", "run_folder", "run_table"),
]
COMMITTED = Path(build.__file__).with_name(build.FILE_NAME)


@pytest.fixture(scope="module")
def fresh() -> Path:
    """The workbook with ten epochs, which is read in a tenth of the time."""
    return workbook("2-2-2", 10)


def test_two_builds_are_the_same_bytes(fresh: Path, tmp_path: Path) -> None:
    assert build.build(tmp_path / "again.xlsx", epochs=10).read_bytes() == fresh.read_bytes()


def test_the_committed_workbook_is_a_fresh_one() -> None:
    number = re.compile(r"(?<![\w.])-?\d+\.\d+(?:[eE][-+]?\d+)?")
    with zipfile.ZipFile(COMMITTED) as committed, zipfile.ZipFile(workbook("2-2-2")) as new:
        assert committed.namelist() == new.namelist()
        for part in new.namelist():
            texts = [archive.read(part).decode().replace("\r\n", "\n") for archive in (committed, new)]  # on Windows
            one, other = (number.sub("#", text) for text in texts)
            assert one == other, part
            one, other = (np.array(number.findall(text), dtype=float) for text in texts)
            np.testing.assert_allclose(one, other, rtol=0, atol=1e-12, err_msg=part)


def test_the_open_xml_rules_find_nothing(fresh: Path) -> None:
    from openxml_audit import OpenXmlValidator

    assert OpenXmlValidator().validate(fresh).errors == []


@pytest.mark.parametrize("network", ["2-2-2", *NETWORKS])
def test_the_names_point_at_cells_of_the_right_number(network: str) -> None:
    values, described = Values(workbook(network, 10)), Network.parse(network)
    assert [name for name in NAMES if name not in values.names] == []
    sizes = {"inputs": described.sizes[0], "targets": described.sizes[-1], "weights": described.weight_count}
    sizes |= {f"{prefix}_{name}": size for name, size in sizes.items() for prefix in ("your", "shown")}
    sizes |= {"learning_rates": len(RATES), "run_table": 8, "gradient_check": described.weight_count}
    sizes |= {"log_table": described.weight_count + 4, "log_next": described.weight_count + 4}
    sizes["mistake_check"] = described.learned_count
    for name in NAMES:
        assert len(values.named(name)) == sizes.get(name, 1), name
    assert values.named("network") == [described.text]


def test_the_sheets_stand_in_their_order_and_are_all_linked_from_start(fresh: Path) -> None:
    book = openpyxl.load_workbook(fresh)
    assert book.sheetnames == [module.TITLE for module in build.SHEETS if module.TITLE != "Batch"]
    links = [cell.hyperlink.location for row in book["Start"].iter_rows() for cell in row if cell.hyperlink]
    assert links == [f"'{name}'!A1" for name in (*start.TRY, *book.sheetnames[1:])]


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
    values = Values(fresh)
    for cell, text, _ in formulas(fresh):
        if "BACKPROP_" not in text or cell.parent.title == "Start":
            continue
        assert text.startswith("=IF(python_ready,")
        cells = values.area(cell.parent.title, cell.value.ref)
        assert {value for row in cells for value in row} == {"–"}
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
    editable |= {"your_inputs", "your_targets", "your_weights", "your_learning_rate", "learning_rates"}
    editable |= {
        "preset",
        "optimizer",
        "epoch",
        "rate_charted",
        "log_steps",
        "mistake",
        "predict_run",
        "pasted_state",
        "picture_view",
    }
    expected = set()
    for name in editable:
        ((sheet, area),) = book.defined_names[name].destinations
        cells = book[sheet][area]
        rows = cells if isinstance(cells, tuple) else ((cells,),)
        expected |= {(sheet, cell.coordinate) for row in rows for cell in row}
    for sheet in book:
        cells = [cell for row in sheet.iter_rows() for cell in row if not isinstance(cell, MergedCell)]
        filled = [cell for cell in cells if cell.fill.fgColor.rgb == "FFFFF4CC"]
        marked = {cell.coordinate for cell in filled}
        assert marked == {cell for title, cell in expected if title == sheet.title}
        validated = " ".join(str(rule.sqref) for rule in sheet.data_validations.dataValidation)
        areas = [openpyxl.worksheet.cell_range.CellRange(area) for area in validated.split()]
        free = {next(book.defined_names["predict_run"].destinations)[1].replace("$", "")}  # any run's name
        typed = [cell for cell in filled if sheet.title != "Results" or cell.coordinate not in free]
        assert all(any(cell.coordinate in area_cells(area) for area in areas) for cell in typed)


def test_no_cell_for_a_number_takes_over_how_a_percentage_was_typed(fresh: Path) -> None:
    """After 5 % in a cell of the format General, 0.05 would be 0.05 %."""
    checked = 0
    for sheet in openpyxl.load_workbook(fresh):
        for rule in sheet.data_validations.dataValidation:
            if rule.type in ("decimal", "whole", "custom"):
                formats = {cell.number_format for area in rule.sqref.ranges for cell in each_of(sheet, area)}
                assert "General" not in formats, (sheet.title, str(rule.sqref))
                checked += len(formats)
    assert checked > 5


def each_of(sheet: object, area: object) -> list:
    return [sheet.cell(*place) for line in area.rows for place in line]


def area_cells(area: object) -> set[str]:
    return {
        f"{openpyxl.utils.get_column_letter(column)}{row}"
        for row, column in (each for line in area.rows for each in line)
    }


def test_every_chart_and_button_says_what_it_is(fresh: Path) -> None:
    with zipfile.ZipFile(fresh) as archive:
        drawings = "".join(archive.read(name).decode() for name in archive.namelist() if "drawings/drawing" in name)
        buttons = "".join(archive.read(name).decode() for name in archive.namelist() if "vmlDrawing" in name)
    described = re.findall(r'<xdr:cNvPr[^>]* descr="(?:Line chart|The network)[^"]{20,}"', drawings)
    assert len(described) == len(re.findall("<xdr:cNvPr", drawings)) == 15
    captions = ["First epoch", "Back", "Next", "Next 10", "Last epoch", "Step", "Run n", "Undo", "Reset"]
    captions += ["Train CNN", "Stop", "Resume"]
    captions += ["Unfold", "Recalculate", "List runs", "Compare"]
    assert re.findall(r"<font[^>]*>([^<]+)</font>", buttons) == captions
    assert "FmlaMacro" not in buttons  # Calc would warn of macros that are not there


def test_a_preset_that_does_not_fit_is_refused_with_those_that_do(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert main(["--network", "2-2-2", "--preset", "mazur", "--out", str(tmp_path)]) == 2
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
    assert main(["--network", "2-1", "--epochs", "10", "--out", str(tmp_path), "--force"]) == 0
    assert Values(path).named("network") == ["2-1"]


def test_a_preset_names_the_start_on_the_sheet(tmp_path: Path) -> None:
    assert (
        main(["--network", "2-2-2 FIXED-BIAS", "--preset", "mazur", "--epochs", "10", "--out", str(tmp_path / "new")])
        == 0
    )
    values = Values(tmp_path / "new" / build.FILE_NAME)
    assert values.named("weights") == [0.15, 0.2, 0.25, 0.3, 0.4, 0.45, 0.5, 0.55, 0.35, 0.6]
    assert values.named("preset") == ["mazur"]
    assert "Mazur" in values.area("Network", "D5")[0][0]
    assert close(values.native("E_total"), 0.29837110876, 1e-11)


def test_a_preset_brings_its_own_network_and_its_samples(tmp_path: Path) -> None:
    assert main(["--preset", "xor", "--epochs", "10", "--out", str(tmp_path)]) == 0
    values = Values(tmp_path / build.FILE_NAME)
    assert values.named("network") == ["2-2-1 bias"]
    assert values.named("inputs") == [0, 0, 0, 1, 1, 0, 1, 1]
    assert values.named("targets") == [0, 1, 1, 0]
    assert "Batch" in values.titles


@pytest.mark.parametrize("network", ["2-2-2", "2-1"])
def test_the_state_in_one_line_writes_the_same_start(tmp_path: Path, network: str) -> None:
    start = starting_point(Network.parse(network))
    moved = replace(start, weights=tuple(w / 3 for w in start.weights), learning_rate=0.7)
    line = state_text.text(moved, "momentum 0.9")
    assert main(["--state", line, "--epochs", "10", "--out", str(tmp_path)]) == 0
    values = Values(tmp_path / build.FILE_NAME)
    assert values.named("state") == [line]
    assert values.named("optimizer") == ["momentum 0.9"]
    assert all(close(one, other) for one, other in zip(values.named("weights"), moved.weights, strict=True))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("2-2-2", "inputs"),
        ("2-1; inputs 1 2; targets 1; weights 1; learning_rate 1", "1 numbers where 2 are due"),
        ("2-1; inputs 1 2; targets 1; weights 1 x; learning_rate 1", '"x" is not a number'),
        ("2-1; inputs 1 2 / 3 4; targets 1; weights 1 2; learning_rate 1", "2 samples of inputs, but 1"),
        ("2-1; inputs 1 2; targets 1; weights 1 2; learning_rate 0", "above 0"),
        ("2-1 cross-entropy; inputs 1 2; targets 1.2; weights 1 2; learning_rate 1", "targets must be 0 to 1"),
        ("2-1; inputs 1 2; targets 1; weights 1 2; learning_rate 1; optimizer adma", "adma"),
    ],
)
def test_a_state_that_cannot_be_read_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture, line: str, said: str
) -> None:
    assert main(["--state", line, "--out", str(tmp_path)]) == 2
    (error,) = capsys.readouterr().err.splitlines()
    assert said in error


def test_a_large_network_gets_fewer_rows_and_stays_within_its_size() -> None:
    path = workbook("8-8-8-4 bias")
    assert path.stat().st_size < 5_000_000
    assert len(Values(path).losses) - 1 == build.shown_epochs(Network.parse("8-8-8-4 bias"), 1) >= build.FEWEST_EPOCHS


WIDE = "2-10-1 relu; inputs {}; targets {}; weights {}; learning_rate 1"


@pytest.mark.parametrize(
    "line",
    [
        ["--network", "1-80-1"],
        ["--state", WIDE.format(" / ".join(["1 2"] * 20), " / ".join(["1"] * 20), " ".join(["0.1"] * 30))],
    ],
)
def test_a_network_whose_formulas_are_too_long_for_excel_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture, line: list[str]
) -> None:
    assert main([*line, "--out", str(tmp_path)]) == 2
    (error,) = capsys.readouterr().err.splitlines()
    assert re.match(r"A formula on \w+ is too long for Excel: \d+,\d+ characters, 8,192 at most. Take fewer", error)
    assert list(tmp_path.iterdir()) == []


def test_the_line_to_beat_is_the_exercises_published_log() -> None:
    published = json.loads(Path(__file__).with_name("exercise_log.json").read_text())
    assert list(results.EXERCISE) == published["test_accuracy"]
