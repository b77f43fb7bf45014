"""What the workbook says of itself in a real Calc: agrees, differs (then truly), chaotic, or cannot compare and why."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import openpyxl
import pytest

from addin import __version__
from pyfuncs import descent
from pyfuncs.network import Network
from tests.calc.conftest import PROJECT, StartOffice
from tests.calc.office import RECALCULATE_ON_LOAD, Office
from tests.sheets import Shown, close, workbook
from xlsx import mistakes

EPOCHS = 20
PLACES = (
    "your_weights",
    "your_inputs",
    "your_targets",
    "your_learning_rate",
    "epoch",
    "preset",
    "optimizer",
    "mistake",
    "pasted_state",
)
EDITED = (*PLACES, "learning_rates")
RATES = (0.1, 0.5, 1.0, 2.0, 30.0, 1000.0)
OURS = 1 + 1e-6  # a wrong factor
EXTREME = ("2-2-2", "2-3-1 tanh bias", "2-2-1 relu", "2-2-2 relu softmax")


@pytest.fixture(scope="module")
def calc_office(start_office: StartOffice) -> Iterator[Office]:
    office = start_office(settings=RECALCULATE_ON_LOAD)
    yield office
    office.end()


@pytest.fixture(scope="module")
def loaded() -> dict[tuple, int]:
    """The workbooks that are open, each for all tests."""
    return {}


@pytest.fixture
def opened(calc_office: Office, loaded: dict[tuple, int], tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    """Opens a network's workbook; what a test writes into it is taken back."""
    kept: list[tuple[int, str, list]] = []

    def load(network: str, preset: str | None = None, epochs: int = EPOCHS) -> int:
        wanted = (network, preset, epochs)
        if wanted not in loaded:
            path = tmp_path_factory.mktemp("opened") / f"{len(loaded)}.xlsx"
            loaded[wanted] = calc_office.load(str(shutil.copy(workbook(network, epochs, preset), path)))
        key = loaded[wanted]
        kept.extend((key, name, calc_office.formulas(key, name)) for name in EDITED)
        return key

    yield load
    for key, name, rows in kept:
        if calc_office.formulas(key, name) != rows:
            calc_office.write(key, name, [[content(cell) for cell in row] for row in rows])


def content(formula: str) -> object:
    """What was typed: a number, a text, None for nothing."""
    try:
        return float(formula) if formula else None
    except ValueError:
        return formula


def start_says(office: Office, key: int) -> dict[str, object]:
    return {label: text for label, text in office.read(key, "Start.A20:B30") if isinstance(label, str)}


def state_line(office: Office, key: int) -> str:
    """What Start says first, in a line of words."""
    return str(office.read(key, "Start.A3")[0][0])


def outcomes(office: Office, key: int) -> list[list[object]]:
    """How each rate went, and whether Python agrees: the last two columns of the summary."""
    rows = Shown(office, key).grid("Learning rates")
    column = rows[5].index("Agreement")
    return [list(row[column - 1 : column + 1]) for row in rows[6:12]]


def signs(random: np.random.Generator, count: int) -> np.ndarray:
    return random.choice([-1.0, 1.0], count)


def of_all_sizes(random: np.random.Generator, count: int, largest: float = 9) -> np.ndarray:
    return 10.0 ** random.uniform(-3, largest, count) * signs(random, count)


def nearly_equal(random: np.random.Generator, count: int) -> np.ndarray:
    """What large ones leave where their signs differ is of any size."""
    apart = random.integers(0, 3, count) * 10.0 ** random.uniform(-16, 0)
    return 10.0 ** random.uniform(-1, 9) * (1 + apart) * signs(random, count)


DRAWN = {  # weights and inputs
    "weights of all sizes": (of_all_sizes, None),
    "weights that cancel": (nearly_equal, None),
    "inputs of all sizes": (lambda random, count: of_all_sizes(random, count, 3), of_all_sizes),
}


@pytest.mark.parametrize("drawn", DRAWN)
@pytest.mark.parametrize("network", EXTREME)
def test_extreme_numbers_agree_or_have_diverged_on_both_sides(
    calc_office: Office, opened, network: str, drawn: str
) -> None:
    seed = np.random.SeedSequence().entropy
    print("seed", seed)
    random, key, described = np.random.default_rng(seed), opened(network), Network.parse(network)
    draw_weights, draw_inputs = DRAWN[drawn]
    for _ in range(2):
        weights = draw_weights(random, described.weight_count)
        rates = 10.0 ** random.uniform(-3, 6, 6)
        calc_office.write(key, "your_weights", [[float(weight)] for weight in weights])
        if draw_inputs:
            inputs = draw_inputs(random, described.sizes[0])
            calc_office.write(key, "your_inputs", [[float(each)] for each in inputs])
        calc_office.write(key, "learning_rates", [[float(rate) for rate in rates]])
        calc_office.write(key, "your_learning_rate", float(rates[0]))
        shown = Shown(calc_office, key)
        assert [place for place, value in shown.all() if value == "differs"] == [], (weights, rates)
        assert "FAIL" not in shown.named("gradient_check"), (weights, rates)
        assert {value for _, value in shown.all() if isinstance(value, str) and value[:1] == "#"} <= {"#N/A"}
        task = (described, weights, *(np.array([shown.named(name)]) for name in ("inputs", "targets")))
        ours, chaotic = descent.sweep(*task, rates, EPOCHS), descent.chaotic_from(*task, rates, EPOCHS)
        for epoch, row in enumerate(shown.losses[: EPOCHS + 1]):
            for rate, native in enumerate(row):
                if epoch < chaotic[rate]:
                    same = (
                        close(native, ours[epoch, rate], 1e-9) if np.isfinite(ours[epoch, rate]) else native == "#N/A"
                    )
                    assert same, (weights, rates, epoch, rate)


def test_a_loss_too_small_for_a_power_is_a_number(calc_office: Office, opened) -> None:
    key = opened("2-2-2")
    calc_office.write(key, "your_targets", [[0.0], [0.99]])
    calc_office.write(
        key, "your_weights", [[-750.0 if name == "w5" else 0.4] for name in Network.parse("2-2-2").weight_names]
    )
    shown = Shown(calc_office, key)
    assert close(shown.native("E1"), 0.0, 1e-200)
    assert start_says(calc_office, key)["This workbook"] == "agrees"
    assert [value for _, value in shown.all() if isinstance(value, str) and value[:1] == "#"] == []


def test_adam_at_rates_that_overshoot_agrees(calc_office: Office, opened) -> None:
    key = opened("2-2-2", epochs=100)
    for rate in (30.0, 50.0, 1000.0):
        calc_office.write(key, "your_learning_rate", rate)
        assert "comparisons agree" in start_says(calc_office, key)["Native and Python"]
        assert all(isinstance(cell, float) for row in calc_office.read(key, "Optimizers.B6:G106") for cell in row)


def test_a_chaotic_path_is_called_so_and_compared_up_to_there(calc_office: Office, opened) -> None:
    key = opened("2-2-1 bias", "xor", 100)
    calc_office.write(key, "learning_rates", [[50.0, 100.0, 30.0, 1000.0, 5.0, 2.0]])
    assert outcomes(calc_office, key) == [
        ["chaotic from epoch 9", "agrees"],
        ["chaotic from epoch 15", "agrees"],
        ["jumps", "agrees"],
        ["rises", "agrees"],
        ["falls", "agrees"],
        ["falls", "agrees"],
    ]
    assert start_says(calc_office, key)["This workbook"] == "agrees"


def test_the_other_ways_of_a_path(calc_office: Office, opened) -> None:
    key = opened("2-2-2 relu linear")
    calc_office.write(key, "learning_rates", [[1e200, 0.1, 0.2, 0.3, 0.4, 0.5]])
    assert [how.split(" at ")[0] for how, _ in outcomes(calc_office, key)] == ["diverged", *["falls"] * 5]
    calc_office.write(key, "your_weights", [[-1.0]] * 4 + [[0.0]] * 4)  # no hidden unit lets anything through
    assert {how for how, _ in outcomes(calc_office, key)} == {"stands still"}


def factor(path: Path, rate: int, name: str, epoch: int) -> tuple[str, str]:
    """The cell and the formula of a quantity in the rows of a rate."""
    sheet = openpyxl.load_workbook(path)["Learning rates"]
    starts = [cell.column for cell in sheet[4] if cell.value == "rate"]
    column = next(cell.column for cell in sheet[5] if cell.column >= starts[rate] and cell.value == name)
    cell = sheet.cell(6 + epoch, column)
    return f"Learning rates.{cell.coordinate}", cell.value


@pytest.mark.parametrize("rate", range(len(RATES) - 1))
def test_one_wrong_native_factor_differs_at_every_rate(calc_office: Office, opened, rate: int) -> None:
    key = opened("2-2-2")
    calc_office.write(key, "learning_rates", [list(RATES)])
    place, formula = factor(workbook("2-2-2", EPOCHS), rate, "dE/dw5", 1)
    calc_office.write(key, place, wrong(formula))
    found, says = outcomes(calc_office, key), start_says(calc_office, key)
    calc_office.write(key, place, formula.replace(",", ";"))
    assert [agrees for _, agrees in found] == ["differs" if at == rate else "agrees" for at in range(len(RATES))]
    assert says["This workbook"] == "differs"
    assert "Learning rates" in says["What to do"]


def wrong(formula: str) -> str:
    """The formula times a factor that should not be there."""
    return f"=({formula[1:]})*{OURS!r}".replace(",", ";")


@pytest.mark.parametrize(
    ("network", "preset"),
    [("2-2-2", None), ("2-2-1 bias", "xor"), ("2-2-2 relu softmax", None), ("2-3-2 tanh bias", None)],
)
def test_a_wrong_error_or_delta_differs_though_no_derivative_reads_it(
    calc_office: Office, opened, network: str, preset: str | None
) -> None:
    key = opened(network, preset, 100 if preset else EPOCHS)
    rows = calc_office.read(key, "Backward.A5:E20")
    parts = [(row, name) for row, (name, *_, agrees) in enumerate(rows, 5) if agrees == "as part of dE/dw"]
    assert len(parts) >= 3
    for row, name in parts:
        ((formula,),) = calc_office.formulas(key, f"Backward.C{row}")
        calc_office.write(key, f"Backward.C{row}", f"=({formula[1:]})*1.001")
        found, says = calc_office.read(key, f"Backward.E{row}"), start_says(calc_office, key)
        calc_office.write(key, f"Backward.C{row}", formula)
        assert found == [["differs"]], name
        assert says["This workbook"] == "differs"
        assert "Backward" in says["What to do"]
    assert start_says(calc_office, key)["This workbook"] == "agrees"


def test_one_wrong_native_factor_differs_before_the_chaos(calc_office: Office, opened) -> None:
    key = opened("2-2-1 bias", "xor", 100)
    calc_office.write(key, "learning_rates", [[50.0, 100.0, 30.0, 1000.0, 5.0, 2.0]])
    place, formula = factor(workbook("2-2-1 bias", 100, "xor"), 0, "dE/dw5", 2)
    calc_office.write(key, place, wrong(formula))
    found = outcomes(calc_office, key)[0]
    calc_office.write(key, place, formula.replace(",", ";"))
    assert found == ["chaotic from epoch 9", "differs"]


def test_one_wrong_result_of_python_differs(start_office: StartOffice, tmp_path: Path) -> None:
    project = tmp_path / "project"
    for package in ("addin", "pyfuncs", "cnn", "xlsx"):
        shutil.copytree(PROJECT / package, project / package, ignore=shutil.ignore_patterns("__pycache__"))
    source = project / "pyfuncs/descent.py"
    right = "        learned -= rates * direction(slopes)\n"
    assert right in source.read_text()
    source.write_text(source.read_text().replace(right, right.replace("rates *", f"{OURS!r} * rates *")))
    office = start_office(settings=RECALCULATE_ON_LOAD)
    environment = json.loads((office.home / "environment.json").read_text())
    (office.home / "environment.json").write_text(
        json.dumps({**environment, "project": str(project), "version": __version__})
    )
    key = office.load(str(shutil.copy(workbook("2-2-2", EPOCHS), tmp_path / "wrong.xlsx")))
    office.write(key, "learning_rates", [list(RATES)])
    assert [agrees for _, agrees in outcomes(office, key)][:5] == ["differs"] * 5
    assert start_says(office, key)["This workbook"] == "differs"
    office.end()


BAD = {"": "is blank", 0.0: "is not above 0", -1.0: "is not above 0", "fast": "is text", "=NA()": "is an error"}


@pytest.mark.parametrize("content", BAD)
def test_a_bad_rate_cannot_be_compared_and_start_says_which(calc_office: Office, opened, content: object) -> None:
    key = opened("2-2-2")
    calc_office.write(key, "Learning rates.C5", content or None if content == "" else content)
    shown, says = Shown(calc_office, key), start_says(calc_office, key)
    wrong = f"Learning rates C5 {BAD[content]}: type a number above 0"
    assert outcomes(calc_office, key)[1] == ["–", "–"]
    assert [place for place, value in shown.all() if value == "differs"] == []
    assert says["What to do"] == wrong
    assert says["This workbook"] == f"cannot compare: {wrong}"
    assert state_line(calc_office, key) == f"Cannot compare: {wrong}."
    assert says["Native and Python"] == f"cannot compare: {wrong}"
    assert says["Gradient check"] == "8 of 8 derivatives PASS"


@pytest.mark.parametrize("place", PLACES)
def test_whatever_a_cell_holds_start_says_what_to_do(calc_office: Office, opened, place: str) -> None:
    key = opened("2-2-2")
    sheet = calc_office.names(key)[place].split(".")[0].strip("$'")
    _, column, row, _, _ = calc_office.where(key, place)
    for content in ("o.2", "=NA()"):
        calc_office.write(key, f"{sheet}.{chr(65 + column)}{row + 1}", content)
        says = start_says(calc_office, key)
        texts = [str(text) for text in says.values()]
        assert not [text for text in texts if text.startswith(("0 of", "Err", "#", "{"))], texts
        assert "differ" not in str(says["Native and Python"])
        if place != "mistake":
            assert says["This workbook"].startswith("cannot compare: Network: ")
            assert says["What to do"].startswith("Network: ")
            assert "cannot check" in str(calc_office.read(key, "Spot the mistake.C4"))


@pytest.mark.parametrize("title", ["Forward", "Gradient check", "Learning rates", "Optimizers", "Network"])
def test_a_deleted_sheet_is_named(calc_office: Office, tmp_path: Path, title: str) -> None:
    path = shutil.copy(workbook("2-1", 10), tmp_path / "gone.xlsx")
    key = calc_office.load(str(path))
    calc_office.remove_sheet(key, title)
    says = start_says(calc_office, key)
    calc_office.close(key)
    for label in ("This workbook", "Native and Python"):
        assert says[label].startswith(f"cannot compare: the sheet {title} is gone")
    assert says["What to do"].startswith(f"the sheet {title} is gone")


@pytest.mark.parametrize("title", ["Picture", "Training log", "Spot the mistake", "Results", "Runs"])
def test_a_deleted_sheet_that_no_comparison_needs_is_named_and_all_is_compared(
    calc_office: Office, tmp_path: Path, title: str
) -> None:
    key = calc_office.load(str(shutil.copy(workbook("2-1", 10), tmp_path / "gone.xlsx")))
    before = start_says(calc_office, key)
    calc_office.remove_sheet(key, title)
    says = start_says(calc_office, key)
    assert says["This workbook"] == "agrees"
    assert {label for label in says if says[label] != before[label]} == {"What to do", "Cells to edit"}
    assert says["What to do"].startswith(f"the sheet {title} is gone: nothing that is compared needs it")
    assert state_line(calc_office, key).startswith("Python is connected: all")
    calc_office.write(key, "your_learning_rate", "fast")
    assert start_says(calc_office, key)["What to do"].startswith("Network: learning_rate")
    calc_office.close(key)


@pytest.mark.parametrize("target", [1.2, -0.2, 250.0])
def test_a_target_that_cross_entropy_cannot_take_is_named(calc_office: Office, opened, target: float) -> None:
    key = opened("2-2-2 relu softmax")
    calc_office.write(key, "Network.E12", target)
    shown, says = Shown(calc_office, key), start_says(calc_office, key)
    wrong = "Network: t1 (row 12) is not from 0 to 1: type another"
    assert says["This workbook"] == f"cannot compare: {wrong}"
    assert says["What to do"] == wrong
    assert [place for place, value in shown.all() if value == "differs"] == []
    assert shown.native("E_total") == "#N/A"
    for number in (0.0, 1.0):
        calc_office.write(key, "Network.E12", number)
        assert start_says(calc_office, key)["This workbook"] == "agrees"


def test_a_target_of_a_batch_that_cross_entropy_cannot_take_is_named(calc_office: Office, opened) -> None:
    key = opened("2-2-1 cross-entropy bias")
    calc_office.write(key, "your_targets", 1.2)
    assert start_says(calc_office, key)["What to do"].endswith("or a target not from 0 to 1: type another")
    calc_office.write(key, "your_targets", [[None]])
    ((line,),) = calc_office.read(key, "state")
    calc_office.write(key, "pasted_state", re.sub(r"targets \S+", "targets 1.2", line))
    assert start_says(calc_office, key)["What to do"].endswith("or a target of it not possible")


NUMBERS = {"=1/4": 0.25, "=2-0.5": 1.5, "=Own.A1": 0.7, "=Own.A2": 1, "=0+1": 1}


@pytest.mark.parametrize("place", ["Network.E14", "Network.E10", "Network.E12", "Network.E22", "Learning rates.C5"])
def test_a_formula_gives_a_number_as_one_that_is_typed(calc_office: Office, opened, place: str) -> None:
    key = opened("2-2-2")
    if "Own" not in calc_office.sheets(key):
        calc_office.add_sheet(key, "Own")
        calc_office.write(key, "Own.A1:A2", [[0.7], [1]])
    used = {"Network": place.replace("E", "F")}.get(place.split(".")[0], place)
    for formula, number in NUMBERS.items():
        calc_office.write(key, place, formula)
        assert calc_office.read(key, used) == [[number]]
        assert start_says(calc_office, key)["This workbook"] == "agrees", formula


@pytest.mark.parametrize(
    "network", ["2-2-2", "2-3-2 relu bias", "1-3-2 linear tanh fixed-bias", "3-2-1 cross-entropy bias"]
)
def test_each_mistake_is_seen_or_it_is_said_why_not(calc_office: Office, opened, network: str) -> None:
    key, seen = opened(network), {}
    for each in mistakes.fitting(Network.parse(network)):
        calc_office.write(key, "mistake", each.name)
        verdicts = [verdict for (verdict,) in calc_office.read(key, "mistake_check")]
        seen[each.name] = verdicts.count("FAIL")
        rest = f"{seen[each.name]} of {len(verdicts)} derivatives FAIL the gradient check"
        expected = rest if seen[each.name] else f"Not to be seen with these numbers: {each.unseen}"
        assert calc_office.read(key, "Spot the mistake.C4") == [[expected]]
    assert (0 in seen.values()) == ("relu" in network)  # all its slopes are 1 here


def test_a_batchs_number_beyond_the_limits_is_named_with_them(calc_office: Office, opened) -> None:
    key = opened("2-2-1 bias", "xor", 100)
    _, column, row, _, _ = calc_office.where(key, "your_inputs")
    calc_office.paste(key, f"Batch.{chr(65 + column)}{row + 2}", [[1e300]])
    said = "Batch, sample 2: a cell is no number from -1E+9 to 1E+9: type another"
    assert calc_office.read(key, "first_bad_input") == [[said]]
    assert state_line(calc_office, key) == f"Cannot compare: Network: {said}."
