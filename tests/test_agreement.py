"""Native formulas beside Python: agrees, differs, or Python not connected, in a real LibreOffice."""

from pathlib import Path

import numpy as np
import pytest

from pyfuncs import descent, gradient_check, propagation
from pyfuncs.network import Network
from pyfuncs.presets import starting_point
from tests.networks import RATES
from tests.sheets import ERRORS, Values, basic_function, close, converted, profile, started_once, workbook
from xlsx import state_text

EPOCHS = 10


@pytest.fixture(scope="module")
def connected(soffice: str, tmp_path_factory: pytest.TempPathFactory) -> Values:
    """The workbook where functions of these names answer, stored values kept: E1 and one loss wrong, STEP an error."""
    start = starting_point(Network.parse("2-2-2"))
    numbers = [np.array(each) for each in (start.weights, start.inputs, start.targets)]
    network, loss = Network.parse("2-2-2"), propagation.loss(Network.parse("2-2-2"), *numbers)
    sweep = descent.sweep(network, *numbers, np.array(RATES), EPOCHS)
    sweep[[5, 6], [2, 3]] += [2e-10, 5e-11]
    check = [list(row) for row in gradient_check.check(network, *numbers)]
    check[3][1] += 2e-9
    answers = {
        "BACKPROP_VERSION()": "0.0, a stand-in",
        "BACKPROP_FORWARD(w, i, n)": propagation.units(network, *numbers[:2]).tolist(),
        "BACKPROP_LOSS(w, i, t, n)": [[loss[0] + 1e-9, *loss[1:]]],
        "BACKPROP_GRADIENT(w, i, t, n)": propagation.gradient(network, *numbers)[:, None].tolist(),
        "BACKPROP_STEP(w, i, t, r, n)": "#weights: row 1, column 1 is text",
        "BACKPROP_GRADIENT_CHECK(w, i, t, n)": [row[:3] for row in check],
    }
    basic = "".join(basic_function(*call.rstrip(")").split("("), answer) for call, answer in answers.items())
    basic += by_optimizer(network, numbers, sweep.tolist())
    stand_in = profile(started_once(soffice, tmp_path_factory.mktemp("profile")), recalculate=False, basic=basic)
    return Values(*converted(soffice, stand_in, [workbook("2-2-2", EPOCHS)], tmp_path_factory.mktemp("connected")))


def by_optimizer(network: Network, numbers: list[np.ndarray], sweep: list[list[float]]) -> str:
    """BACKPROP_SWEEP in Basic: the six rates without an optimizer, one rate with each."""
    optimizers = {
        text: descent.sweep(network, *numbers, np.array([0.5]), EPOCHS, text).tolist() for text in state_text.OPTIMIZERS
    }
    names = {text: text.split()[0] for text in optimizers}
    branches = "".join(f'Case "{text}"\nBACKPROP_SWEEP = {names[text]}()\n' for text in optimizers)
    choice = f"Select Case o\n{branches}Case Else\nBACKPROP_SWEEP = rates()\nEnd Select\n"
    functions = [basic_function(names[text], "", rows) for text, rows in optimizers.items()]
    functions += [basic_function("rates", "", sweep)]
    head = 'Function BACKPROP_SWEEP(w, i, t, r, e, n, Optional given)\nDim o\no = ""\n'
    return "".join(functions) + f"{head}If Not IsMissing(given) Then o = given\n{choice}End Function\n"


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
    rows = connected.grid("Learning rates")
    compared = rows[4].index("Agreement")
    assert [row[compared] for row in rows[5:16]] == ["agrees"] * 5 + ["differs"] + ["agrees"] * 5
    column = rows[5].index("Agreement")
    rates = [row[column] for row in rows[6:12]]
    assert rates == ["agrees", "agrees", "differs", "agrees", "agrees", "agrees"]


def test_start_counts_what_differs_and_says_that_python_is_there(connected: Values) -> None:
    says = dict(row[:2] for row in connected.grid("Start"))
    assert says["version and place"] == "0.0, a stand-in"
    verdict = "12 of 63 comparisons differ: look for “differs”"
    assert says["Native and Python"] == verdict
    assert f"Something differs: {verdict}, and 8 of 8 derivatives PASS." in says
    assert connected.named("workbook_agrees") == ["differs"]


def test_without_the_extension_what_calc_keeps_is_clean_too(soffice: str, tmp_path: Path) -> None:
    (path,) = converted(
        soffice, profile(tmp_path / "profile", recalculate=False), [workbook("2-2-2", EPOCHS)], tmp_path / "out"
    )
    values = Values(path)
    assert [place for place, value in values.all() if value in ERRORS] == []
    shown = dict(row[:2] for row in values.grid("Start"))
    assert {shown["Native and Python"], shown["version and place"]} == {"Python not connected"}


def test_a_numeric_derivative_that_is_off_differs_on_gradient_check(connected: Values) -> None:
    states = [state for (state,) in connected.area("Gradient check", "H5:H12")]
    assert states == ["agrees"] * 3 + ["differs"] + ["agrees"] * 4


def test_the_optimizers_agree_epoch_by_epoch(connected: Values) -> None:
    rows = connected.grid("Optimizers")
    column = rows[4].index("Agreement")
    assert [row[column] for row in rows[5:16]] == ["agrees"] * 11
