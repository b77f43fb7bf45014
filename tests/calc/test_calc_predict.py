"""CNN_PREDICT in a real Calc: "loading …" at once, then evaluate's own probabilities, and nobody else waits."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from cnn import data, predict, train
from tests import unfolded
from tests.calc.office import Office, wait_for
from tests.trainer import DIGITS

FIELD, ANSWER = "Sheet1.A1:AB28", "Sheet1.A30:J30"


@pytest.fixture(scope="module")
def run(office: Office) -> Path:
    folder, threads = office.home / "runs" / "digits", torch.get_num_threads()
    assert train.main([*DIGITS, "--epochs", "2", "--out", str(folder)]) == 0
    torch.set_num_threads(threads)
    return folder


@pytest.fixture
def field(office: Office, sheet: int) -> int:
    """A spreadsheet with a test image, and room for the answer."""
    office.fill(sheet, FIELD, data.load("digits").pixels()[0].tolist())
    return sheet


def numbers(office: Office, key: int, cells: str = ANSWER) -> list[float] | None:
    """The answer, once it is there."""
    (row,) = office.read(key, cells)
    return row if isinstance(row[0], float) else None


def ask(office: Office, key: int, run: object) -> None:
    office.array(key, ANSWER, f'=CNN_PREDICT(A1:AB28;"{run}")')


def test_it_says_loading_and_then_what_the_network_says(office: Office, field: int, run: Path) -> None:
    ask(office, field, run)
    wait_for(lambda: office.read(field, ANSWER)[0][0] == "loading …", timeout=10)
    office.set_modified(field, False)
    found = wait_for(lambda: numbers(office, field), timeout=60)
    expected = predict.load(run).probabilities(data.load("digits").pixels()[:1])[0]
    assert found == pytest.approx(expected.tolist(), abs=1e-6)
    assert not office.is_modified(field)
    office.calculate(field)
    assert numbers(office, field) == found


def test_a_hundred_images_have_the_answers_that_evaluate_counts(office: Office, sheet: int, run: Path) -> None:
    images = data.load("digits")
    for number, image in enumerate(images.pixels()[:100]):
        top = 1 + 28 * number
        office.fill(sheet, f"Sheet1.A{top}:AB{top + 27}", image.tolist())
        office.array(sheet, f"Sheet1.AD{top}:AM{top}", f'=CNN_PREDICT(A{top}:AB{top + 27};"digits")')
    rows = [f"Sheet1.AD{1 + 28 * number}:AM{1 + 28 * number}" for number in range(100)]
    wait_for(lambda: None not in [numbers(office, sheet, row) for row in rows], timeout=60, every=0.5)
    found = torch.tensor([numbers(office, sheet, row) for row in rows])
    assert found.sum(1).tolist() == pytest.approx([1.0] * 100)
    network = predict.load(run)
    assert (found - network.probabilities(images.pixels()[:100])).abs().max() < 1e-6
    with torch.no_grad():
        own = network.network.eval()(images.test.images[:100]).argmax(1)
    assert (found.argmax(1) == own).sum() >= 99


WRONG = {
    '=CNN_PREDICT(A1:AB27;"digits")': "#pixels: 27 × 28 cells, but a picture has 28 × 28",
    '=CNN_PREDICT(A1:AB28;"nothing")': "#run: There is no run nothing; python start.py runs lists them",
    "=CNN_PREDICT(A1:AB28)": "#run: none is chosen: type a run's name or folder, here or in the cell predict_run",
    '=CNN_PREDICT(A100:AB127;"digits")': "#pixels: row 1, column 1 is blank",
}


@pytest.mark.parametrize("formula", WRONG)
def test_what_is_wrong_is_named(office: Office, field: int, run: Path, formula: str) -> None:
    office.array(field, ANSWER, formula)
    wait_for(lambda: office.read(field, ANSWER)[0][0] != "loading …", timeout=60)
    assert office.read(field, ANSWER)[0][0] == WRONG[formula]


def test_a_field_of_zeros_and_a_text_are_named(office: Office, field: int, run: Path) -> None:
    office.fill(field, FIELD, [[0.0] * 28] * 28)
    ask(office, field, run)
    wait_for(lambda: office.read(field, ANSWER)[0][0] == "#pixels: the field is empty: all cells are 0", timeout=60)
    office.write(field, "Sheet1.B3", "ink")
    wait_for(lambda: office.read(field, ANSWER)[0][0] == '#pixels: row 3, column 2 is text ("ink")', timeout=60)


def test_the_small_functions_do_not_wait_for_it(start_office, run: Path) -> None:
    office = start_office()
    try:
        key = office.load("")
        office.fill(key, FIELD, data.load("digits").pixels()[0].tolist())
        office.array(key, "Sheet1.A40:H40", "=BACKPROP_STEP({1|2|3|4|5|6|7|8};{0,1|0,2};{0|1};0,5)".replace(",", "."))
        office.calculate(key)
        ask(office, key, run)
        began = wait_for(lambda: office.read(key, ANSWER)[0][0], timeout=10)
        for number in range(20):
            office.write(key, "Sheet1.L1", float(number))
            office.calculate(key)
        shown = wait_for(lambda: isinstance(text := office.read(key, ANSWER)[0][0], (str, float)) and text, timeout=10)
        assert (began, shown) == ("loading …", "loading …")  # torch takes longer than all this
        wait_for(lambda: numbers(office, key), timeout=60)
    finally:
        office.end()


def test_an_unfolded_network_has_python_s_live_answer_beside_its_own(office: Office) -> None:
    key = office.load(str(unfolded.written("tiny")), timeout=120)
    state = lambda: office.read(key, "python_state")[0][0]  # noqa: E731
    try:
        wait_for(lambda: state() == "agrees", timeout=60)
        office.write(key, "Draw.P20", 200.0)  # row 15, column 15 of the field to draw in
        wait_for(lambda: state() == "agrees", timeout=60)
        (said,) = office.read(key, "Draw.BJ11")[0]
        assert said == office.read(key, "python_says")[0][0]
        assert said.startswith(f"Python says {office.read(key, 'answer')[0][0]}, ")
        assert said.endswith(": agrees")
        native, asked = (np.array(office.read(key, name)[0]) for name in ("chances", "predicted"))
        assert abs(native - asked).max() < 1e-6
        weight = "Weights.E7"
        (before,) = office.read(key, weight)[0]
        office.write(key, weight, before + 0.5)
        wait_for(lambda: state() == "differs", timeout=60)
        office.write(key, weight, before)
        office.write(key, "Draw.P20", "ink")
        assert [office.read(key, name)[0][0] for name in ("python_state", "python_says")] == ["–", "–"]
        office.write(key, "Draw.P20", 200.0)
        office.write(key, "predict_run", "nothing")
        wait_for(lambda: str(state()).startswith("#run: There is no run nothing"), timeout=60)
    finally:
        office.close(key)


def test_an_answer_that_is_known_already_makes_no_circular_reference(window: Office) -> None:
    """What the office draws while it computes the cells that ask would read these: Err:522, and it stayed."""
    for _ in range(2):
        key = window.load(str(unfolded.written("tiny")), timeout=120)
        window.read(key, "python_state")
        wait_for(partial(agrees, window, key), timeout=30)
        window.close(key)


def test_draw_says_when_it_is_opened_what_python_says(window: Office) -> None:
    """A plain formula would keep what the file says: Python not connected."""
    key = window.load(str(unfolded.written("tiny")), timeout=120)
    wait_for(lambda: str(window.read(key, "Draw.BJ11")[0][0]).endswith(": agrees"), timeout=30)
    window.close(key)


def test_once_pytorch_is_loaded_cells_do_not_say_that_it_loads(office: Office, field: int, run: Path) -> None:
    """Seldom: where the machine is so busy that an answer takes long."""
    ask(office, field, run)
    wait_for(lambda: numbers(office, field), timeout=60)
    seen: list[str] = []
    for ink in range(1, 41):
        office.write(field, "Sheet1.B3", float(ink))
        wait_for(lambda: seen.append(str(office.read(field, ANSWER)[0][0])) or numbers(office, field), every=0.0)
    assert seen.count("loading …") < 5


def agrees(office: Office, key: int) -> bool:
    return str(office.read(key, "python_says")[0][0]).endswith(": agrees")
