"""The training log's buttons in a real window: rows added, undone and reset, and what is said when none can be."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.calc.conftest import StartOffice
from tests.calc.office import Office
from tests.calc.training_log import buttons_add_updates_and_take_them_away, expected, numbers_of, rows
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


def test_buttons_add_rows_that_are_pyfuncs_updates_and_take_them_away(window: Office, book: int) -> None:
    buttons_add_updates_and_take_them_away(window, book)


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
