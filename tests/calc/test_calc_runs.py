"""The list of runs in a real Calc: every run of the folder, damaged ones too, and the ticked ones side by side."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from cnn import runs
from cnn.runs.settings import check_settings
from tests.calc.office import COMMAND, Office
from xlsx.build import build

ACCURACY = {"first": (0.9, 0.95), "second": (0.8, 0.97, 0.98), "third": (0.5,)}


def run_folder(home: Path, name: str, end: str = "finished", **settings: object) -> Path:
    """A run as a trainer leaves it."""
    folder = home / "runs" / f"2026-11-2{len(name)}T10-00-00-{name}"
    folder.mkdir(parents=True)
    config = {**check_settings({"dataset": "digits", "epochs": 3, **settings}), "parameters": 17_690}
    (folder / "config.json").write_text(json.dumps(config))
    log = runs.Log(folder)
    log.write("started", pid=1, dataset="digits", model="tuned", epochs=3, batches=2, resumed_from=None)
    for epoch, accuracy in enumerate(ACCURACY[name], 1):
        log.write("epoch", epoch=epoch, test_accuracy=accuracy, seconds=2.5)
    log.write(end, epoch=len(ACCURACY[name]))
    return folder


@pytest.fixture
def home(office: Office) -> Iterator[Path]:
    """The user's folder with three runs, and two that are damaged."""
    run_folder(office.home, "first")
    run_folder(office.home, "second", learning_rate=0.2, seed=3)
    run_folder(office.home, "third", end="stopped", learning_rate=0.5)
    for name, content in (("config", "{ half"), ("log", "")):
        folder = office.home / "runs" / f"2026-01-0{len(name)}T10-00-00-{name}"
        folder.mkdir()
        (folder / "config.json").write_text(content or '{"recipe": "tuned"}')
        (folder / "log.jsonl").write_text("no event\n" if name == "log" else "")
    yield office.home
    shutil.rmtree(office.home / "runs")


@pytest.fixture
def book(office: Office, tmp_path: Path) -> Iterator[int]:
    key = office.load(str(build(tmp_path / "backprop.xlsx")))
    yield key
    office.close(key)


def command(office: Office, key: int, name: str) -> None:
    office.command(key, COMMAND + name)


def test_every_run_is_a_row_newest_first_and_a_damaged_one_says_so(office: Office, home: Path, book: int) -> None:
    command(office, book, "runs_list")
    rows = [row for row in office.read(book, "Runs.A6:I30") if row[1]]
    assert [row[1] for row in rows] == [folder.name for folder in runs.list_runs(home)]
    assert rows[0][2:] == ["tuned", "digits", "learning_rate 0.2, seed 3", "3 of 3", 0.98, 7.5, "finished"]
    assert rows[2][2:] == ["tuned", "digits", None, "2 of 3", 0.95, 5, "finished"]
    assert [row[8] for row in rows] == ["finished", "stopped", "finished", "damaged: config.json", "damaged: log.jsonl"]
    assert office.read(book, "runs_status")[0][0].startswith(f"5 runs in {home / 'runs'}")


def test_what_the_user_has_written_below_the_tables_stays(office: Office, home: Path, book: int) -> None:
    command(office, book, "runs_list")
    notes = ["Runs.B20", "Runs.L60", "Runs.S40"]
    for place in notes:
        office.write(book, place, "mine")
    for row in (6, 7):
        office.write(book, f"Runs.A{row}", "x")
    command(office, book, "runs_compare")
    shutil.rmtree(home / "runs" / "2026-11-26T10-00-00-second")
    command(office, book, "runs_list")
    command(office, book, "runs_compare")
    assert [office.read(book, place) for place in notes] == [[["mine"]]] * 3
    assert len([row for row in office.read(book, "Runs.B6:B19") if row[0]]) == 4


def test_the_ticked_runs_stand_side_by_side_and_stay_ticked(office: Office, home: Path, book: int) -> None:
    command(office, book, "runs_list")
    for row in (6, 7):
        office.write(book, f"Runs.A{row}", "x")
    command(office, book, "runs_compare")
    table = {row[0]: row[1:3] for row in office.read(book, "Runs.K19:Q40") if row[0]}
    names = [folder.name for folder in runs.list_runs(home)]
    assert [table[part] for part in ("day", "time", "run")] == [
        ["11-26", "11-25"],
        ["10:00", "10:00"],
        ["second", "third"],
    ]
    assert table["learning_rate"] == ["0.2", "0.5"]
    assert table["seed"] == ["3", "0"]
    assert table["epochs"] == [3, 1]
    assert table["accuracy"] == ["98.00 %", "50.00 %"]
    curves = office.read(book, "Runs.S5:U9")
    assert curves == [
        ["epoch", names[0], names[1]],
        [1, 0.8, 0.5],
        [2, 0.97, None],
        [3, 0.98, None],
        [None, None, None],
    ]
    command(office, book, "runs_list")
    assert [row[0] for row in office.read(book, "Runs.A6:A10")] == ["x", "x", None, None, None]


def test_fewer_runs_leave_no_row_behind(office: Office, home: Path, book: int) -> None:
    command(office, book, "runs_list")
    shutil.rmtree(runs.list_runs(home)[0])
    command(office, book, "runs_list")
    assert [row[1] for row in office.read(book, "Runs.A6:I11")][4:] == [None, None]


def test_nothing_ticked_is_said(office: Office, home: Path, book: int) -> None:
    command(office, book, "runs_list")
    command(office, book, "runs_compare")
    assert office.read(book, "runs_status") == [["Type x beside the runs to compare."]]
