"""Train CNN in a real window: real clicks, real training processes, real kills. MNIST where it is, else digits."""

import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cnn import runs
from tests.calc import series_curves
from tests.calc.conftest import StartOffice
from tests.calc.office import COMMAND, Office, wait_for
from tests.needs import require
from xlsx.build import build

ROWS = 40
BLANK = (200, 620)  # in the window, a cell below the table
MANY = 1000  # more than any test waits for


@pytest.fixture(scope="module", autouse=True)
def torch() -> None:
    pytest.importorskip("torch", reason="torch is not installed")


@pytest.fixture
def book(window: Office, tmp_path: Path) -> Iterator[int]:
    """The built workbook, opened; its settings ask for a short run on digits."""
    key = window.load(str(build_in(tmp_path)))
    settings(window, key, dataset="digits", epochs=3)
    yield key
    end_run(window)
    window.close(key)


def build_in(folder: Path) -> Path:
    return build(folder / "a folder, Ann's & Zoë" / f"{folder.name}.xlsx")


def settings(office: Office, key: int, **values: object) -> None:
    for name, value in values.items():
        office.write(key, f"run_{name}", value)


def newest(office: Office) -> Path | None:
    return next(iter(runs.list_runs(office.home)), None)


def end_run(office: Office) -> None:
    for folder in runs.list_runs(office.home):
        if runs.is_alive(folder):
            os.kill(trainer(folder), signal.SIGKILL)
            wait_for(lambda folder=folder: not runs.is_alive(folder))


def trainer(folder: Path) -> int:
    return runs.read(folder).started["pid"]


def status(office: Office, key: int) -> str:
    return office.read(key, "run_status")[0][0] or ""


def table(office: Office, key: int) -> list[list]:
    """The epoch rows that the sheet shows."""
    sheet, column, row, last, _ = office.where(key, "run_table")
    name = office.sheets(key)[sheet]
    cells = f"{name}.{cell_name(column, row + 1)}:{cell_name(last, row + ROWS)}"
    return [row for row in office.read(key, cells) if any(cell is not None for cell in row)]


def cell_name(column: int, row: int) -> str:
    return f"{chr(ord('A') + column)}{row + 1}"


def logged(folder: Path) -> list[list]:
    """The epochs of a run's log, read without our own reader."""
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [[line[key] for key in runs.EPOCH_KEYS] for line in lines if line["event"] == "epoch"]


def wait_for_status(office: Office, key: int, text: str, timeout: float = 120) -> str:
    try:
        return wait_for(lambda: text in (shown := status(office, key)) and shown, timeout)
    except AssertionError as error:
        raise AssertionError(f"{error}: the status is {status(office, key)!r}") from None


def test_train_cnn_on_mnist_fills_two_rows_equal_to_the_log(window: Office, book: int) -> None:
    if not os.environ.get("CNN_DATA_DIR"):
        require("mnist", "CNN_DATA_DIR names no folder with MNIST")
    settings(window, book, dataset="mnist", model="tiny", epochs=2)
    window.press(book, "Results", "Train CNN")
    wait_for_status(window, book, "epoch 1 of 2")
    assert time_of(lambda: window.read(book, "Network.A1:A5")) < 5, "the window is not usable while it trains"
    wait_for_status(window, book, "finished", timeout=300)
    shown, folder = table(window, book), newest(window)
    assert [row[0] for row in shown] == [1, 2]
    assert shown == logged(folder)
    assert window.read(book, "run_folder") == [[str(folder)]]
    assert shown[-1][4] > 0.97, "test accuracy of two epochs"
    assert "mnist" in status(window, book).lower()


def time_of(action) -> float:
    start = time.monotonic()
    action()
    return time.monotonic() - start


def test_rows_arrive_while_it_trains_and_stop_keeps_them(window: Office, book: int) -> None:
    settings(window, book, epochs=MANY)
    window.press(book, "Results", "Train CNN")
    wait_for(lambda: len(table(window, book)) >= 2)
    assert runs.is_alive(newest(window))
    window.press(book, "Results", "Stop")
    wait_for_status(window, book, "stopped after epoch")
    assert table(window, book) == logged(newest(window))[:ROWS]
    assert len(table(window, book)) >= 2
    assert series_curves.shown(window, book) == series_curves.of_one(newest(window))[:ROWS]


def test_the_menu_trains_too_and_pressing_twice_starts_one_run(window: Office, book: int) -> None:
    before = len(runs.list_runs(window.home))
    settings(window, book, epochs=MANY)
    window.command(book, COMMAND + "train")
    wait_for_status(window, book, "epoch 1 of")
    window.press(book, "Results", "Train CNN")
    window.answer_box()
    assert len(runs.list_runs(window.home)) == before + 1
    window.press(book, "Results", "Stop")
    wait_for_status(window, book, "stopped")


def test_a_killed_trainer_is_said_its_rows_stay_and_resume_repeats_no_epoch(window: Office, book: int) -> None:
    settings(window, book, epochs=12)
    window.press(book, "Results", "Train CNN")
    wait_for(lambda: len(table(window, book)) >= 2)
    folder = newest(window)
    os.kill(trainer(folder), signal.SIGKILL)
    wait_for_status(window, book, "Resume")
    kept = table(window, book)
    assert kept == logged(folder)
    window.press(book, "Results", "Resume")
    wait_for_status(window, book, "finished")
    assert [row[0] for row in table(window, book)] == list(range(1, 13))
    assert table(window, book)[: len(kept)] == kept
    assert table(window, book) == logged(folder)


def test_a_run_goes_on_when_the_workbook_is_closed_and_is_there_when_it_opens(window: Office, tmp_path: Path) -> None:
    path = build_in(tmp_path)
    key = window.load(str(path))
    settings(window, key, dataset="digits", epochs=30)
    window.press(key, "Results", "Train CNN")
    wait_for(lambda: len(table(window, key)) >= 1)
    folder = newest(window)
    window.close(key)
    rows = len(logged(folder))
    wait_for(lambda: len(logged(folder)) > rows)
    key = window.load(str(path))
    wait_for(lambda: len(table(window, key)) > rows)
    wait_for_status(window, key, "finished")
    assert table(window, key) == logged(folder)
    window.close(key)
    key = window.load(str(path))
    wait_for(lambda: table(window, key) == logged(folder))  # an ended run is there too
    window.close(key)


def test_a_run_outlives_a_killed_office(start_office: StartOffice, display: str, tmp_path: Path) -> None:
    office = start_office(display=display)
    path = build_in(tmp_path)
    key = office.load(str(path))
    settings(office, key, dataset="digits", epochs=MANY)
    office.press(key, "Results", "Train CNN")
    wait_for(lambda: len(table(office, key)) >= 1)
    folder = newest(office)
    office.kill()
    (path.parent / f".~lock.{path.name}#").unlink(missing_ok=True)
    rows = len(logged(folder))
    wait_for(lambda: len(logged(folder)) > rows)
    office._start()
    key = office.load(str(path))
    wait_for(lambda: len(table(office, key)) > rows)
    office.press(key, "Results", "Stop")
    wait_for_status(office, key, "stopped")
    office.end()


WRONG = [
    ("epochs", 0),
    ("epochs", 1.5),
    ("epochs", None),
    ("learning_rate", "10%x"),
    ("learning_rate", -1),
    ("batch_size", 0),
    ("dataset", "cats"),
    ("model", "=1/0"),
    ("device", "tpu"),
]


def test_a_wrong_setting_is_named_and_nothing_starts(window: Office, book: int) -> None:
    before = runs.list_runs(window.home)
    for name, value in WRONG:
        good = window.read(book, f"run_{name}")[0][0]
        settings(window, book, **{name: value})
        window.press(book, "Results", "Train CNN")
        wait_for(lambda name=name: status(window, book).startswith(f"{name} is "))
        settings(window, book, **{name: good, "status": None})
    assert runs.list_runs(window.home) == before


def test_the_button_of_one_workbook_leaves_the_other_alone(window: Office, book: int, tmp_path: Path) -> None:
    other = window.load(str(build(tmp_path / "other.xlsx")))
    window.press(book, "Results", "Train CNN")
    wait_for_status(window, book, "finished")
    assert len(table(window, book)) == 3
    assert table(window, other) == []
    window.close(other)


def test_two_workbooks_may_be_opened_at_once(window: Office, tmp_path: Path) -> None:
    first = build(tmp_path / "first.xlsx")
    keys = [window.load(str(path)) for path in (first, shutil.copy(first, tmp_path / "second.xlsx"))]
    assert [window.read(key, "python_ready") for key in keys] == [[[1.0]]] * 2
    for key in keys:
        window.close(key)


def test_stop_and_resume_without_a_run_say_so(window: Office, book: int) -> None:
    window.press(book, "Results", "Stop")
    wait_for_status(window, book, "nothing to stop")
    window.press(book, "Results", "Resume")
    wait_for_status(window, book, "nothing to resume")


def test_a_renamed_sheet_goes_on_working(window: Office, book: int) -> None:
    window.rename(book, "Results", "My results")
    window.write(book, "My results.B60", "mine")
    window.press(book, "My results", "Train CNN")
    wait_for_status(window, book, "finished")
    assert [row for row in table(window, book) if row[0]] == table(window, book)[:3]
    assert window.read(book, "My results.B60") == [["mine"]]


def test_a_protected_sheet_is_named_in_a_box_and_nothing_is_written(window: Office, book: int) -> None:
    before = runs.list_runs(window.home)
    window.protect(book, "Results")
    window.press(book, "Results", "Train CNN")
    window.answer_box()
    assert table(window, book) == []
    assert runs.list_runs(window.home) == before


def test_a_sheet_that_is_deleted_meanwhile_is_told_of_and_the_next_one_stays_as_it_is(
    window: Office, book: int
) -> None:
    settings(window, book, epochs=MANY)
    before = window.read(book, window.used(book, "Runs"))
    window.press(book, "Results", "Train CNN")
    wait_for(lambda: table(window, book))
    window.remove_sheet(book, "Results")
    window.answer_box()
    window.command_with_box(book, COMMAND + "stop")
    assert window.read(book, window.used(book, "Runs")) == before


def test_a_workbook_without_results_is_told_so(window: Office) -> None:
    key = window.load("")
    window.command_with_box(key, COMMAND + "train")
    assert window.read(key, "Sheet1.A1") == [[None]]
    window.close(key)


def test_rows_arrive_while_the_user_types_and_are_not_in_the_undo_list(window: Office, book: int) -> None:
    settings(window, book, epochs=8)
    before = window.undo_titles(book)
    window.press(book, "Results", "Train CNN")
    window.click(*BLANK)
    window.type("hello")
    wait_for(lambda: len(table(window, book)) >= 2)
    window.key("Return")
    wait_for_status(window, book, "finished")
    assert "hello" in [cell for row in window.read(book, window.used(book, "Results")) for cell in row]
    assert window.undo_titles(book) == ["Input", *before], "only what the user typed can be undone"
