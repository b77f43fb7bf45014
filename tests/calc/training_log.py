"""The training log's buttons in any spreadsheet: what its rows must be after a press, computed by pyfuncs."""

import numpy as np

from pyfuncs import descent, propagation
from pyfuncs.network import Network
from pyfuncs.presets import starting_point
from tests.calc.office import Office, wait_for

SHEET = "Training log"
RATE = 10  # the columns of a row for 2-2-2: epoch, press, w1 … w8, learning_rate, E_total


def rows(office: Office, key: int) -> list[list]:
    """The filled rows of the log."""
    found = office.read(key, f"{SHEET}.A9:L1200")
    return [row for row in found if row[0] is not None]


def expected(updates: int) -> np.ndarray:
    """Epoch, weights and E_total of the course's start."""
    network, start = Network.parse("2-2-2"), starting_point(Network.parse("2-2-2"))
    numbers = [np.array(each) for each in (start.weights, start.inputs, start.targets)]
    weights = descent.history(network, *numbers, 0.5, updates)
    losses = [propagation.loss(network, each, *numbers[1:])[-1] for each in weights]
    return np.column_stack([np.arange(updates + 1), weights, losses])


def numbers_of(log: list[list]) -> np.ndarray:
    return np.array([[row[0], *row[2:RATE], row[RATE + 1]] for row in log], dtype=float)


def press(office: Office, key: int, caption: str, count: int) -> list[list]:
    """Press a button; the rows, once there are so many."""
    office.press(key, SHEET, caption)
    wait_for(lambda: len(rows(office, key)) == count, timeout=20)
    return rows(office, key)


def buttons_add_updates_and_take_them_away(office: Office, key: int) -> None:
    """Every button, from the start and back to it."""
    start = rows(office, key)
    office.write(key, "log_steps", 2)
    log = press(office, key, "Step", 2)
    assert press(office, key, "Run n", 4)[:2] == log
    log = rows(office, key)
    np.testing.assert_allclose(numbers_of(log), expected(3), rtol=0, atol=1e-10)
    assert [row[1] for row in log] == [0, 1, *[2] * 2]
    assert [row[RATE] for row in log] == ["–", *[0.5] * 3]
    office.calculate(key)
    assert rows(office, key) == log, "a full recalculation changes nothing"
    assert press(office, key, "Undo", 2) == log[:2]
    assert press(office, key, "Run n", 4) == log
    assert press(office, key, "Reset", 1) == start
