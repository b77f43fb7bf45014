"""The training log's buttons in a real window: rows added, undone and reset, and what is said when none can be."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from pyfuncs import descent, propagation
from pyfuncs.network import Network
from pyfuncs.presets import starting_point
from tests.calc.conftest import StartOffice
from tests.calc.office import Office, wait_for
from xlsx.build import build

COMMAND = "service:org.backprop.addin.Commands?"


@pytest.fixture(scope="module")
def window(start_office: StartOffice, display: str) -> Iterator[Office]:
    office = start_office(display=display)
    yield office
    office.end()


@pytest.fixture
def book(window: Office, tmp_path: Path) -> Iterator[int]:
    key = window.load(str(build(tmp_path / "log.xlsx", epochs=10)))
    window.show(key, "Training log")
    yield key
    window.close(key)


def rows(office: Office, key: int) -> list[list]:
    """The filled rows of the log."""
    found = office.read(key, "Training log.A9:L1200")
    return [row for row in found if row[0] is not None]


def expected(updates: int) -> np.ndarray:
    """Epoch, weights and E_total of the course's start."""
    network, start = Network.parse("2-2-2"), starting_point(Network.parse("2-2-2"))
    numbers = [np.array(each) for each in (start.weights, start.inputs, start.targets)]
    weights = descent.history(network, *numbers, 0.5, updates)
    losses = [propagation.loss(network, each, *numbers[1:])[-1] for each in weights]
    return np.column_stack([np.arange(updates + 1), weights, losses])


def numbers_of(log: list[list]) -> np.ndarray:
    return np.array([[row[0], *row[2:10], row[11]] for row in log], dtype=float)


def test_buttons_add_rows_that_are_pyfuncs_updates_and_take_them_away(window: Office, book: int) -> None:
    start = rows(window, book)
    window.press(book, "Training log", "Step")
    wait_for(lambda: len(rows(window, book)) == 2)
    window.press(book, "Training log", "Run n")
    wait_for(lambda: len(rows(window, book)) == 12)
    log = rows(window, book)
    np.testing.assert_allclose(numbers_of(log), expected(11), rtol=0, atol=1e-10)
    assert [row[1] for row in log] == [0, 1, *[2] * 10]
    window.calculate(book)
    assert rows(window, book) == log, "a full recalculation changes nothing"
    window.press(book, "Training log", "Undo")
    wait_for(lambda: len(rows(window, book)) == 2)
    assert rows(window, book) == log[:2]
    window.press(book, "Training log", "Run n")
    wait_for(lambda: len(rows(window, book)) == 12)
    assert rows(window, book) == log
    window.press(book, "Training log", "Reset")
    wait_for(lambda: len(rows(window, book)) == 1)
    assert rows(window, book) == start


def test_a_thousand_steps_are_one_press_and_undo_at_the_start_does_nothing(window: Office, book: int) -> None:
    window.write(book, "log_steps", 1000)
    window.command(book, COMMAND + "log_run")
    np.testing.assert_allclose(numbers_of(rows(window, book)), expected(1000), rtol=0, atol=1e-9)
    for _ in range(2):
        window.command(book, COMMAND + "log_undo")
    assert len(rows(window, book)) == 1


def test_a_new_start_is_what_the_log_starts_from(window: Office, book: int) -> None:
    window.command(book, COMMAND + "log_step")
    before = rows(window, book)
    window.write(book, "preset", "seed")
    after = rows(window, book)
    assert after[0] != before[0]
    assert after[1] == before[1], "rows that are there are values"


@pytest.mark.parametrize(
    ("name", "content"),
    [("log_steps", 0), ("log_steps", "ten"), ("log_steps", 1001), ("your_learning_rate", "fast"), ("preset", "none")],
)
def test_what_cannot_be_computed_adds_nothing_and_is_said(window: Office, book: int, name: str, content) -> None:
    window.write(book, name, content)
    window.command_with_box(book, COMMAND + "log_run")
    assert len(rows(window, book)) == 1
