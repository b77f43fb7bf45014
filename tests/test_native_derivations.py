"""Losses, optimizers and batches as native formulas: descents laid out in cells, recalculated by a real LibreOffice.

Each sheet is one descent: a row per quantity, a column per update, nothing but xlsx.formulas' own native formulas.
"""

from pathlib import Path

import numpy as np
import pytest
import xlsxwriter
from xlsxwriter.utility import xl_rowcol_to_cell

from pyfuncs import optimizers, propagation
from pyfuncs.descent import history
from pyfuncs.network import Network
from pyfuncs.presets import starting_point
from tests.networks import Case
from tests.sheets import ERRORS, WRONG, Values, close, converted, profile
from xlsx import batches, expressions, formulas

UPDATES, RATE = 3, 0.5
DESCENTS = {
    "softmax": ("2-2-3 tanh softmax bias", "sgd"),
    "softmax momentum": ("3-2-2 relu softmax fixed-bias", "momentum 0.8"),
    "binary": ("2-3-2 cross-entropy", "sgd"),
    "binary adam": ("2-2-2-1 tanh sigmoid cross-entropy bias", "adam 0.8 0.99 1e-6"),
    "half squared adam": ("2-2-2 fixed-bias", "adam"),
    "half squared momentum": ("1-3-2 linear tanh", "momentum"),
    "xor": ("2-2-1 bias", "sgd"),
    "xor adam": ("2-2-1 tanh sigmoid cross-entropy bias", "adam"),
}
SATURATED = {
    "sigmoid z=1000": ("1-1 cross-entropy", [1000.0], [0.0]),
    "sigmoid z=-1000": ("1-1 cross-entropy", [-1000.0], [0.0]),
    "softmax z=1000": ("1-3 sigmoid softmax", [1000.0, -1000.0, 1000.0], [0.0, 1.0, 0.0]),
    "softmax z=-1000": ("1-3 sigmoid softmax", [-1000.0, 0.0, -1000.0], [0.25, 0.5, 0.25]),
}


def start(text: str) -> Case:
    """A network at its starting point (for 2-2-1 with biases XOR's four samples)."""
    network = Network.parse(text)
    begin = starting_point(network)
    return Case(network, *map(np.array, (begin.weights, begin.inputs, begin.targets)))


CASES = {name: (start(text), optimizer) for name, (text, optimizer) in DESCENTS.items()} | {
    name: (Case(Network.parse(text), np.array(z), np.ones((1, 1)), np.array([targets])), "sgd")
    for name, (text, z, targets) in SATURATED.items()
}


def given_numbers(case: Case, optimizer: optimizers.Optimizer) -> dict[str, float]:
    """What stays the same over a descent: inputs, targets, the learning rate and the optimizer's numbers."""
    settings = optimizers.SETTINGS[optimizer.name]
    known = {each.name: value for each, value in zip(settings, optimizer.numbers, strict=True)}
    for sample, numbers in enumerate(np.hstack([case.inputs, case.targets]).tolist(), 1):
        mark = f" #{sample}" if len(case.inputs) > 1 else ""
        names = case.network.input_names + case.network.target_names
        known |= {name + mark: number for name, number in zip(names, numbers, strict=True)}
    return known | {"learning_rate": RATE}


def write_descent(sheet: xlsxwriter.worksheet.Worksheet, case: Case, text: str) -> None:
    """Column A names the rows; each later column is one update, and takes over what the one before has made new."""
    optimizer, network = optimizers.parse(text), case.network
    given, states = given_numbers(case, optimizer), formulas.states(network, optimizer.name)
    made = [*states, *formulas.updates(network, optimizer.name)]
    first = dict.fromkeys((each.name.removeprefix("new ") for each in states), 0.0)
    first |= zip(network.weight_names, case.weights.tolist(), strict=True)
    derived = {each.name: each for each in (*batches.derivation(network, len(case.inputs)), *made)}
    rows = {name: row for row, name in enumerate([*given, *first, *derived])}
    for name, row in rows.items():
        sheet.write(row, 0, name)
        for column in range(1, UPDATES + 1):
            if name in derived:
                cell = {each: xl_rowcol_to_cell(at, column) for each, at in rows.items()}.__getitem__
                formula = expressions.native(derived[name].expression, cell)
                sheet.write_formula(row, column, f"={formula}", None, float(WRONG))
            elif name in first and column > 1:
                before = xl_rowcol_to_cell(rows[f"new {name}"], column - 1)
                sheet.write_formula(row, column, f"={before}", None, float(WRONG))
            else:
                sheet.write_number(row, column, (given | first)[name])


@pytest.fixture(scope="module")
def computed(soffice: str, tmp_path_factory: pytest.TempPathFactory) -> Values:
    folder = tmp_path_factory.mktemp("derivations")
    path = folder / "derivations.xlsx"
    with xlsxwriter.Workbook(path) as workbook:
        for name, (case, optimizer) in CASES.items():
            write_descent(workbook.add_worksheet(name), case, optimizer)
    return Values(*converted(soffice, profile(folder / "profile"), [path], Path(folder / "out")))


def column(computed: Values, name: str, update: int) -> dict[str, object]:
    return {row[0]: row[update] for row in computed.grid(name)}


@pytest.mark.parametrize("name", CASES)
def test_every_native_quantity_of_a_descent_equals_pyfuncs(computed: Values, name: str) -> None:
    case, optimizer = CASES[name]
    network, data = case.network, (case.inputs, case.targets)
    weights = history(*case.arguments, RATE, UPDATES, optimizer)
    marks = [f" #{sample}" for sample in range(1, len(case.inputs) + 1)] if len(case.inputs) > 1 else [""]
    for update in range(1, UPDATES + 1):
        now, native = weights[update - 1], column(computed, name, update)
        expected = dict(zip([f"new {w}" for w in network.weight_names], weights[update], strict=True))
        expected |= zip(network.loss_names, propagation.loss(network, now, *data), strict=True)
        expected |= zip(network.gradient_names, propagation.gradient(network, now, *data), strict=True)
        for mark, units in zip(marks, propagation.units(network, now, case.inputs), strict=True):
            expected |= zip([unit + mark for unit in network.unit_names], units, strict=True)
        wrong = {key: (native[key], value) for key, value in expected.items() if not close(native[key], value, 1e-11)}
        assert wrong == {}, f"update {update}"


def test_no_native_quantity_is_an_error_or_was_not_recalculated(computed: Values) -> None:
    assert [place for place, value in computed.all() if value in ERRORS or value == float(WRONG)] == []


@pytest.mark.parametrize("name", SATURATED)
def test_saturated_losses_and_gradients_are_exact(computed: Values, name: str) -> None:
    case, native = CASES[name][0], column(computed, name, 1)
    names = case.network.loss_names + case.network.gradient_names
    exact = [*propagation.loss(*case.arguments), *propagation.gradient(*case.arguments)]
    assert [native[each] for each in names] == exact
