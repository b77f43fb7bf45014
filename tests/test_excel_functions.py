"""The cell functions in Excel: the table through xlwings' real CallUDF, with values as COM gives them."""

import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from addin.functions import FUNCTIONS

TESTS = Path(__file__).parent
CANONICAL = json.loads((TESTS / "canonical.json").read_text())
STARTS = [name for name in CANONICAL if name != "about"]
MISSING = -2147352572
ERRORS = {  # as COM hands them over; xlwings knows only those of older Excels
    "#DIV/0!": -2146826281,
    "#N/A": -2146826246,
    "#NAME?": -2146826259,
    "#VALUE!": -2146826273,
    "#SPILL!": -2146826243,
    "#CALC!": -2146826238,
}


class Excel:
    """What a cell of Excel would get, from the COM server's object in a process of its own."""

    def __init__(self, process: subprocess.Popen):
        self.process = process
        assert self._answer() == "ready"

    def _answer(self) -> object:
        return json.loads(self.process.stdout.readline())

    def call(self, function: str, *arguments: object) -> object:
        print(json.dumps(["addin.excel.udfs", function, arguments]), file=self.process.stdin, flush=True)
        return self._answer()

    def ask(self, function: str, **cells: object) -> object:
        """Call with named cells; those that are not named are missing, as VBA hands them on."""
        return self.call(function, *(cells.get(name, MISSING) for name in FUNCTIONS[function].parameters))


@pytest.fixture(scope="module")
def excel() -> Iterator[Excel]:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, str(TESTS / "excel/server.py")], **pipes) as process:
        yield Excel(process)
        process.stdin.close()


def sample(start: str = "course") -> dict[str, list]:
    """The cells of a canonical start: two columns of weights, the inputs a row, the targets a column."""
    setup = CANONICAL[start]["setup"]
    weights = [setup["weights"][at : at + 2] for at in range(0, 8, 2)]
    return {"weights": weights, "inputs": [setup["inputs"]], "targets": [[t] for t in setup["targets"]]}


def course(**changed: object) -> dict[str, object]:
    return {**sample(), "learning_rate": 0.5, "learning_rates": [[0.1, 0.5]], "epochs": 3.0, **changed}


def flat(rows: list) -> list:
    return list(itertools.chain.from_iterable(rows))


@pytest.mark.parametrize("start", STARTS)
def test_every_function_gives_the_canonical_numbers(excel: Excel, start: str) -> None:
    first, cells, losses = CANONICAL[start]["first"], sample(start), CANONICAL[start]["loss_after_updates"]
    units = [first[name] for name in ("h1", "a_h1", "h2", "a_h2", "o1", "a_o1", "o2", "a_o2")]
    gradient = [first[f"dE_dw{n}"] for n in range(1, 9)]
    stepped = [w - 0.5 * g for w, g in zip(flat(cells["weights"]), gradient, strict=True)]
    approx = lambda values: pytest.approx(values, abs=1e-12)  # noqa: E731
    assert excel.ask("BACKPROP_FORWARD", **cells) == approx(units)
    assert excel.ask("BACKPROP_PREDICT", **cells) == approx([first["a_o1"], first["a_o2"]])
    assert excel.ask("BACKPROP_LOSS", **cells) == approx([first[name] for name in ("E1", "E2", "E_total")])
    assert flat(excel.ask("BACKPROP_GRADIENT", **cells)) == approx(gradient)
    assert flat(excel.ask("BACKPROP_STEP", **cells, learning_rate=0.5)) == approx(stepped)
    assert [row[0] for row in excel.ask("BACKPROP_GRADIENT_CHECK", **cells)] == approx(gradient)
    swept = excel.ask("BACKPROP_SWEEP", **cells, learning_rates=[list(map(float, losses))], epochs=100.0)
    assert swept[100] == approx([loss["100"] for loss in losses.values()])
    headers = excel.ask("BACKPROP_HEADERS", network="2-2-2", kind="train")
    trained = excel.ask("BACKPROP_TRAIN", **cells, learning_rate=0.5, epochs=10.0)
    assert trained[10][headers.index("E_total")] == approx(losses["0.5"]["10"])
    assert excel.ask("BACKPROP_VERSION").startswith("0.")


def test_one_column_of_results_stays_a_column(excel: Excel) -> None:
    weights = [[w] for w in flat(sample()["weights"])]
    stepped = excel.ask("BACKPROP_STEP", **course(weights=weights))
    assert [len(row) for row in stepped] == [1] * 8


def test_a_single_cell_and_a_flat_row_are_read_as_ranges(excel: Excel) -> None:
    """COM hands over one cell as a bare value; an array constant such as {1,2} as a flat list."""
    cells = {"weights": [0.5], "inputs": 0.1, "targets": 0.2, "network": "1-1 linear linear"}
    assert excel.ask("BACKPROP_PREDICT", **cells) == pytest.approx(0.05)
    assert excel.ask("BACKPROP_LOSS", **course(inputs=[0.05, 0.1])) == excel.ask("BACKPROP_LOSS", **course())


def with_weight(cell: object) -> list:
    weights = sample()["weights"]
    return [[cell, weights[0][1]], *weights[1:]]


BAD = [
    (None, "is blank"),
    ("", "is blank"),
    ("o.2", 'is text ("o.2")'),
    ("0,5", 'is text ("0,5")'),
    ({"date": "2026-01-01"}, "is a date (2026-01-01)"),
    *((code, f"is the error {name}") for name, code in ERRORS.items()),
]


@pytest.mark.parametrize(("cell", "fault"), BAD)
def test_a_bad_cell_gives_one_text_that_names_it(excel: Excel, cell: object, fault: str) -> None:
    for function in ("BACKPROP_STEP", "BACKPROP_LOSS", "BACKPROP_GRADIENT", "BACKPROP_TRAIN", "BACKPROP_SWEEP"):
        answer = excel.ask(function, **course(weights=with_weight(cell)))
        assert answer == f"#weights: row 1, column 1 {fault}", function


def test_true_is_one(excel: Excel) -> None:
    one, true = (excel.ask("BACKPROP_LOSS", **course(weights=with_weight(cell))) for cell in (1.0, True))
    assert true == one


@pytest.mark.parametrize("function", [name for name in FUNCTIONS if "network" in FUNCTIONS[name].parameters])
@pytest.mark.parametrize("error", ["#N/A", "#CALC!"])
def test_an_error_where_the_network_stands_is_no_default_network(excel: Excel, function: str, error: str) -> None:
    answer = excel.ask(function, **course(network=ERRORS[error]))
    assert answer.startswith("#network: ")
    assert error in answer


@pytest.mark.parametrize(
    ("cells", "text"),
    [
        ({"learning_rate": None}, "#learning_rate: is 0 or blank"),
        ({"learning_rate": 0.0}, "#learning_rate: is 0 or blank"),
        ({"learning_rate": -1.0}, "#learning_rate: is -1, but must be above 0"),
        ({"learning_rate": ERRORS["#DIV/0!"]}, "#learning_rate: is the error #DIV/0!"),
        ({"epochs": 1.5}, "#epochs: is 1.5, but must be a whole number"),
        ({"weights": [[0.1, 0.2]]}, "#weights: 2 numbers, but the network 2-2-2 has 8 weights"),
    ],
)
def test_a_bad_setting_gives_designs_text(excel: Excel, cells: dict, text: str) -> None:
    assert excel.ask("BACKPROP_TRAIN", **course(**cells)) == text


def test_a_loss_that_runs_away_is_a_text(excel: Excel) -> None:
    cells = {"weights": [[1e200]], "inputs": 1e200, "targets": 1.0, "network": "1-1 linear linear"}
    assert excel.ask("BACKPROP_STEP", **cells, learning_rate=0.5) == "diverged at epoch 1"
