"""Several runs at once in a real window: a list in one cell, curves that grow, Stop, Resume, a closed workbook."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from addin import training
from cnn import runs
from cnn.runs import series
from tests.calc import series_curves
from tests.calc.conftest import StartOffice
from tests.calc.office import COMMAND, Office, wait_for
from tests.calc.test_calc_training import MANY, end_run, logged, settings, status, table, wait_for_status
from xlsx.build import build

RATES = ["rate-0.02", "rate-0.05"]


@pytest.fixture(scope="module")
def window(start_office: StartOffice, display: str) -> Iterator[Office]:
    """An office in a window on a virtual screen, with the extension."""
    pytest.importorskip("torch", reason="torch is not installed")
    office = start_office(display=display)
    yield office
    office.end()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return build(tmp_path / "series.xlsx")


@pytest.fixture
def book(window: Office, path: Path) -> Iterator[int]:
    """A workbook whose settings ask for a short series on digits."""
    key = window.load(str(path))
    settings(window, key, model="tiny", dataset="digits", epochs=3, learning_rate="0.02, 0.05")
    yield key
    end_run(window)
    window.close(key)


def folder(office: Office) -> Path:
    return runs.list_entries(office.home)[0]


def curves(office: Office, key: int) -> list[list]:
    return series_curves.shown(office, key)


def test_a_list_of_rates_is_trained_one_after_the_other_and_each_has_its_curve(window: Office, book: int) -> None:
    before = len(runs.list_entries(window.home))
    window.press(book, "Results", "Train CNN")
    wait_for_status(window, book, "2 of 2 runs finished")
    assert len(runs.list_entries(window.home)) == before + 1
    assert curves(window, book) == series_curves.expected(folder(window), RATES)
    assert len(curves(window, book)) == 4
    assert table(window, book) == logged(folder(window) / RATES[1])
    assert window.read(book, "run_folder") == [[str(folder(window))]]
    wait_for(lambda: window.sheets(book)[-3:] == ["Classes", "Mistakes", "Layers"], timeout=30)
    settings(window, book, learning_rate=0.02, epochs=1)
    window.press(book, "Results", "Train CNN")
    wait_for_status(window, book, "finished: 1 epoch")
    assert curves(window, book) == series_curves.of_one(folder(window))


def test_stop_ends_all_and_resume_trains_what_is_missing(window: Office, book: int) -> None:
    settings(window, book, epochs=30)
    window.press(book, "Results", "Train CNN")
    wait_for(lambda: len(curves(window, book)) >= 3)
    window.press(book, "Results", "Stop")
    shown = wait_for_status(window, book, "not under way. Resume trains what is missing")
    assert shown == series.read(folder(window)).standing.status
    assert not (folder(window) / RATES[1] / "log.jsonl").exists()
    window.press(book, "Results", "Resume")
    wait_for_status(window, book, "2 of 2 runs finished")
    assert curves(window, book) == series_curves.expected(folder(window), RATES)
    assert [row[0] for row in curves(window, book)[1:]] == list(range(1, 31))


def test_a_series_goes_on_when_the_workbook_is_closed_and_is_there_when_it_opens(window: Office, path: Path) -> None:
    key = window.load(str(path))
    settings(window, key, model="tiny", dataset="digits", epochs=20, seed="0-1")
    window.press(key, "Results", "Train CNN")
    wait_for(lambda: len(curves(window, key)) >= 2)
    window.close(key)
    place = folder(window)
    wait_for(lambda: runs.read(place / "seed-1").epochs)
    key = window.load(str(path))
    wait_for_status(window, key, "2 of 2 runs finished")
    assert curves(window, key) == series_curves.expected(place, ["seed-0", "seed-1"])
    window.close(key)


WRONG = {
    "learning_rate": ("0.01, fast", "learning_rate is 'fast'. It must be a number above 0"),
    "seed": ("4-0", "seed lists no value"),
    "model": ("tiny; tiny", "model lists tiny twice"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_a_list_may_not_hold_is_told_with_its_cell_and_nothing_starts(
    window: Office, book: int, name: str
) -> None:
    before, (typed, said) = runs.list_entries(window.home), WRONG[name]
    settings(window, book, **{"learning_rate": 0.05, name: typed})
    window.press(book, "Results", "Train CNN")
    wait_for(lambda: status(window, book).startswith(said))
    assert runs.list_entries(window.home) == before


def test_a_series_that_is_deleted_or_damaged_meanwhile_is_said_to_be_so(window: Office, book: int, path: Path) -> None:
    settings(window, book, epochs=1)
    window.press(book, "Results", "Train CNN")
    wait_for_status(window, book, "2 of 2 runs finished")
    (folder(window) / "series.json").write_text("{ half")
    time.sleep(1)
    window.press(book, "Results", "Resume")
    wait_for_status(window, book, "is damaged")


def test_a_series_that_is_moved_meanwhile_is_said_to_be_gone_and_goes_on_where_it_is_put_back(
    window: Office, book: int, tmp_path: Path
) -> None:
    settings(window, book, epochs=30)
    window.press(book, "Results", "Train CNN")
    wait_for(lambda: len(curves(window, book)) >= 3)
    place = folder(window)
    moved = place.rename(tmp_path / "moved")
    wait_for_status(window, book, training.GONE)
    assert not place.exists(), "its trainer has made the folder again"
    (moved / "stop").touch()
    wait_for(lambda: not runs.is_alive(moved), timeout=60)
    moved.rename(place)
    window.press(book, "Results", "Resume")
    wait_for_status(window, book, "2 of 2 runs finished")
    assert curves(window, book) == series_curves.expected(place, RATES)


def test_two_workbooks_show_one_series_and_either_stops_it(window: Office, book: int, tmp_path: Path) -> None:
    settings(window, book, epochs=MANY)
    window.press(book, "Results", "Train CNN")
    wait_for(lambda: len(curves(window, book)) >= 3)
    other = window.load(str(build(tmp_path / "other.xlsx")))
    window.write(other, "run_folder", str(folder(window)))
    window.command(other, COMMAND + "newest")
    wait_for(lambda: len(curves(window, other)) >= 3)
    window.command(other, COMMAND + "stop")  # a click on a window that has only just opened may reach the cell below
    for key in (book, other):
        wait_for_status(window, key, "not under way. Resume trains what is missing")
    shown = [series_curves.shown(window, key, MANY + 1) for key in (book, other)]
    assert shown == [series_curves.expected(folder(window), RATES)] * 2
    window.close(other)


def test_a_run_s_workbook_that_is_damaged_is_said_and_the_run_is_shown(window: Office, book: int) -> None:
    settings(window, book, epochs=1, learning_rate=0.02)
    window.press(book, "Results", "Train CNN")
    wait_for_status(window, book, "finished: 1 epoch")
    wait_for(lambda: "Layers" in window.sheets(book), timeout=30)
    for sheet in ("Classes", "Mistakes", "Layers"):
        window.remove_sheet(book, sheet)
    (folder(window) / "results.xlsx").write_text("no workbook")
    window.command(book, COMMAND + "newest")
    window.answer_box()
    assert status(window, book).startswith("finished: 1 epoch")
    assert table(window, book) == logged(folder(window))
    assert "Classes" not in window.sheets(book)
