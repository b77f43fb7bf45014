"""What a run left arrives in the open workbook: one set of sheets, the next run's in its place."""

import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from cnn import runs
from tests.calc.office import COMMAND, Office, wait_for
from tests.test_trained import train
from xlsx.build import build

OURS = ["Classes", "Mistakes", "Layers"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs on digits, trained on the command line, each with its workbook."""
    home = tmp_path_factory.mktemp("finished")
    assert train(home, "--seeds", "0,1", "--out", home / "series").returncode == 0
    return home / "series"


@pytest.fixture
def book(office: Office, finished: Path, tmp_path: Path) -> Iterator[int]:
    """A workbook that names the first run, opened."""
    path = build(tmp_path / "backprop.xlsx")
    launch(office, finished / "seed-0", path)
    key = office.load(str(path))
    wait_for(lambda: set(OURS) <= set(office.sheets(key)), timeout=30)
    yield key
    office.close(key)
    shutil.rmtree(office.home / "runs")


def launch(office: Office, run: Path, workbook: Path) -> Path:
    """The run as one that this workbook started."""
    folder = office.home / "runs" / run.name
    shutil.copytree(run, folder)
    note = f'{{"command": [], "workbook": "{workbook.as_uri()}", "pid": 1, "time": "2026-01-01T00:00:00+00:00"}}'
    (folder / "launch.json").write_text(note)
    return folder


def test_a_finished_runs_sheets_are_there_with_its_numbers_and_pictures(office: Office, book: int) -> None:
    assert office.sheets(book)[-3:] == OURS
    counts = office.read(book, "Classes.B5:K14")
    assert sum(map(sum, counts)) == 360
    (folder,) = runs.list_runs(office.home)
    wrong = 360 - sum(counts[digit][digit] for digit in range(10))
    assert wrong == round(360 * (1 - runs.read(folder).epochs[-1]["test_accuracy"]))
    pictures = office.pictures(book, "Mistakes")
    assert len(pictures) == min(40, wrong)
    assert pictures[:2] == [[0, 3], [1, 3]]
    assert len(office.pictures(book, "Layers")) == 12


def test_they_are_shown_as_in_the_runs_own_workbook(office: Office, book: int, tmp_path: Path) -> None:
    """Without a grid, and with the rows that stay: a window's own, which are not copied with a sheet."""
    office.save(book, str(tmp_path / "saved.ods"), "calc8")
    with zipfile.ZipFile(tmp_path / "saved.ods") as archive:
        settings = ElementTree.fromstring(archive.read("settings.xml"))
    name = "{urn:oasis:names:tc:opendocument:xmlns:config:1.0}name"
    for title, frozen in zip(OURS, (None, None, "4"), strict=True):
        (sheet,) = settings.iterfind(f".//*[@{name}='Tables']/*[@{name}='{title}']")
        found = {item.get(name): item.text for item in sheet}
        assert (found["ShowGrid"], found.get("VerticalSplitPosition")) == ("false", frozen), title


def test_the_next_runs_take_their_place_and_the_users_own_stay(
    office: Office, book: int, finished: Path, tmp_path: Path
) -> None:
    office.add_sheet(book, "Mistakes of mine")
    office.write(book, "Mistakes of mine.A1", 42.0)
    office.rename(book, "Layers", "Kept")
    newer = launch(office, finished / "seed-1", tmp_path / "backprop.xlsx")
    office.command(book, COMMAND + "newest")
    wait_for(lambda: office.read(book, "Classes.A1")[0][0].endswith(newer.name), timeout=30)
    assert office.sheets(book)[-3:] == OURS
    assert office.read(book, "Mistakes of mine.A1") == [[42.0]]
    assert "Kept" not in office.sheets(book)


def test_the_same_run_is_not_copied_in_again(office: Office, book: int) -> None:
    office.write(book, "Classes.A20", "my note")
    office.command(book, COMMAND + "newest")
    wait_for(lambda: office.read(book, "run_status")[0][0].startswith("finished"), timeout=30)
    assert office.read(book, "Classes.A20") == [["my note"]]
