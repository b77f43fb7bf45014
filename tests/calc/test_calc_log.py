"""The training log's buttons in a real window: rows added, undone and reset, and what is said when none can be."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.calc.office import COMMAND, Office, wait_for
from tests.calc.training_log import buttons_add_updates_and_take_them_away, expected, numbers_of, rows
from xlsx.build import build


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


def test_rows_of_another_start_are_called_so_and_none_is_added_to_them(window: Office, book: int) -> None:
    window.command(book, COMMAND + "log_step")
    for name, content in (
        ("preset", "seed"),
        ("your_inputs", [[0.3], [0.1]]),
        ("your_weights", [[0.9]] + [[None]] * 7),
    ):
        before = window.formulas(book, name)
        window.write(book, name, content)
        assert window.read(book, "log_stale") == [["the start has changed since these rows were added: press Reset"]]
        window.command_with_box(book, COMMAND + "log_step")
        assert len(rows(window, book)) == 2
        window.write(book, name, before[0][0] if name == "preset" else [[None]] * len(before))
        assert window.read(book, "log_stale") in ([[""]], [[None]])
    window.write(book, "your_learning_rate", 0.9)  # the rate may change between presses
    window.command(book, COMMAND + "log_step")
    assert len(rows(window, book)) == 3
    window.write(book, "preset", "seed")
    window.command(book, COMMAND + "log_reset")
    window.command(book, COMMAND + "log_step")
    assert len(rows(window, book)) == 2
    window.write(book, "preset", "course")
    window.write(book, "your_learning_rate", None)


def test_each_press_is_one_entry_of_the_offices_undo_list(window: Office, book: int) -> None:
    window.write(book, "log_steps", 5)
    seen = [rows(window, book)]
    for command in ("log_step", "log_run", "log_undo", "log_run", "log_reset"):
        window.command(book, COMMAND + command)
        seen.append(rows(window, book))
    assert [len(log) for log in seen] == [1, 2, 7, 2, 7, 1]
    captions = ["Reset", "Run n", "Undo", "Run n", "Step"]
    assert window.undo_titles(book)[:5] == [f"Training log: {caption}" for caption in captions]
    cells = window.read(book, "Training log.A9:L30")
    for log in reversed(seen[:-1]):
        window.undo(book)
        assert rows(window, book) == log
    assert window.read(book, "Training log.A10:L30") == [[None] * 12] * 21, "what was undone is empty"
    for log in seen[1:]:
        window.redo(book)
        assert rows(window, book) == log
    assert window.read(book, "Training log.A9:L30") == cells


def test_after_a_click_enter_presses_no_button(window: Office, book: int) -> None:
    window.press(book, "Training log", "Step")
    wait_for(lambda: len(rows(window, book)) == 2, timeout=20)
    window.key("Return")
    window.key("space")
    window.key("Escape")
    time.sleep(1.0)
    assert len(rows(window, book)) == 2


@pytest.mark.parametrize(
    ("name", "content"),
    [("log_steps", 0), ("log_steps", "ten"), ("log_steps", 1001), ("your_learning_rate", "fast"), ("preset", "none")],
)
def test_what_cannot_be_computed_adds_nothing_and_is_said(window: Office, book: int, name: str, content) -> None:
    window.write(book, name, content)
    window.command_with_box(book, COMMAND + "log_run")
    assert len(rows(window, book)) == 1


@pytest.mark.parametrize("name", ["log_step", "runs_list", "epoch_next", "clear"])
def test_a_button_in_a_document_without_its_sheet_is_answered_in_a_box(window: Office, name: str) -> None:
    key = window.load("")
    window.command_with_box(key, COMMAND + name)
    window.close(key)
