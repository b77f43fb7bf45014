"""Native formulas beside Python: agrees, differs, or Python not connected, in a real LibreOffice."""

from pathlib import Path

import numpy as np
import pytest

from pyfuncs import descent, propagation
from pyfuncs.network import Network
from pyfuncs.presets import starting_point
from tests.networks import RATES
from tests.sheets import ERRORS, Values, basic_function, close, converted, profile, started_once, workbook


@pytest.fixture(scope="module")
def connected(soffice: str, tmp_path_factory: pytest.TempPathFactory) -> Values:
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
    return Values(*converted(soffice, stand_in, [workbook("2-2-2")], tmp_path_factory.mktemp("connected")))


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


def test_without_the_extension_what_calc_keeps_is_clean_too(soffice: str, tmp_path: Path) -> None:
    (path,) = converted(
        soffice, profile(tmp_path / "profile", recalculate=False), [workbook("2-2-2")], tmp_path / "out"
    )
    values = Values(path)
    assert [place for place, value in values.all() if value in ERRORS] == []
    assert values.book["Start"]["B5"].value == values.book["Start"]["B8"].value == "Python not connected"
