"""What a button is answered, the same whichever host asks: the runs are folders with real locks, no trainer starts."""

import dataclasses
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from addin import launch, training
from addin.excel import command
from cnn import runs
from cnn.runs import series
from tests import engines, unfolded


@dataclasses.dataclass
class Sheet:
    """A Results sheet that shows a run."""

    folder: str = ""
    workbook: str = "/home/jo/backprop.xlsx"
    typed: tuple[tuple[str, object], ...] = ()

    def settings(self) -> dict[str, object]:
        return dict(self.typed)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BACKPROP_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def run() -> Path:
    """A run of which one epoch of two is done."""
    folder = runs.new_folder("tiny")
    log = runs.Log(folder)
    log.write("started", dataset="digits", epochs=2, batches=12, resumed_from=None)
    log.write("epoch", epoch=1, train_loss=0.5)
    return folder


@pytest.fixture
def alive(run: Path) -> Iterator[Path]:
    """The same while its trainer lives."""
    lock = runs.Lock(run)
    assert lock.acquire()
    yield run
    lock.release()


def asked_by_excel(home: Path, name: str, folder: str) -> dict[str, str]:
    """What the macros are answered by the process that they start."""
    path = home / "answer-1.txt"
    lines = {"command": name, "home": home, "workbook": "backprop.xlsm", "folder": folder, "answer": path}
    command.main([command.encoded("".join(f"{key}={text}\n" for key, text in lines.items()))])
    return command.parsed(command.decoded(path.read_text()))


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("stop", training.NOTHING_TO_STOP),
        ("resume", training.NOTHING_TO_RESUME),
        ("unfold", training.NOTHING_TO_UNFOLD),
    ],
)
def test_without_a_run_there_is_nothing_to_do_and_both_hosts_say_so(home: Path, name: str, status: str) -> None:
    assert training.answer(name, Sheet()) == training.Answer(status=status)
    assert asked_by_excel(home, name, "") == {"status": status}


@pytest.mark.parametrize("name", training.STARTS)
def test_a_run_that_is_under_way_is_told_in_a_box_and_nothing_starts(home: Path, alive: Path, name: str) -> None:
    assert training.answer(name, Sheet(str(alive))) == training.Answer(tell=training.UNDER_WAY)
    assert asked_by_excel(home, name, str(alive)) == {"tell": training.UNDER_WAY}
    assert runs.list_runs() == [alive]


def test_stop_asks_the_trainer_to_end(home: Path, alive: Path) -> None:
    assert training.answer("stop", Sheet(str(alive))) == training.Answer(status=training.STOPPING)
    assert runs.stop_requested(alive)


def test_a_look_says_how_the_run_stands_and_whether_more_will_come(home: Path, alive: Path, run: Path) -> None:
    assert training.answer("look", Sheet(str(run))) == training.Answer(status="epoch 2 of 2 (digits)")
    assert asked_by_excel(home, "look", str(run)) == {"status": "epoch 2 of 2 (digits)"}


@pytest.mark.parametrize(("count", "said"), [(6, False), (7, True)])
def test_a_series_of_more_runs_than_the_chart_draws_says_which_it_shows(home: Path, count: int, said: bool) -> None:
    folder = home / "runs/many"
    folder.mkdir(parents=True)
    series.write(series.Series(folder, series.varied("seed", range(count), {"dataset": "digits"})))
    status = training.look(Sheet(str(folder))).status
    assert status.startswith(f"0 of {count} runs finished")
    assert status.endswith("; the chart shows the first 6 of them") == said
    assert len(training.shown(training.look_at(folder)).curves[0]) == 7, "the epochs, and six runs"


def test_a_run_whose_trainer_is_gone_is_over(home: Path, run: Path) -> None:
    found = training.answer("look", Sheet(str(run)))
    assert found.over
    assert found.status.startswith("ended without a word")
    assert asked_by_excel(home, "look", str(run)) == {"status": found.status, "over": "1"}


def test_a_run_whose_folder_is_gone_is_said_to_be_so_and_not_resumed(home: Path, run: Path) -> None:
    sheet = Sheet(str(run))
    read = runs.read(run)
    shutil.rmtree(run)
    assert training.state(read) == training.Answer(status=training.GONE, over=True)
    assert training.answer("resume", sheet) == training.Answer(status=training.GONE)
    assert not run.exists()


def test_a_workbook_shows_the_run_that_it_names_where_none_was_started_from_it(home: Path, run: Path) -> None:
    assert training.answer("newest", Sheet(str(run))) == training.Answer(folder=str(run))
    assert asked_by_excel(home, "newest", str(run)) == {"folder": str(run)}
    assert training.answer("newest", Sheet()) == training.Answer()
    assert asked_by_excel(home, "newest", "") == {}


def test_what_cannot_be_started_is_a_status_that_says_what_to_do(home: Path) -> None:
    said = training.answer("train", Sheet(typed=(("epochs", 0),))).status
    assert said.startswith("epochs is 0")
    assert "python start.py setup" in training.answer("train", Sheet(typed=(("epochs", 2),))).status
    missing = asked_by_excel(home, "train", "")["status"]
    assert missing.startswith("Names are missing or broken in this workbook: run_model, ")


@pytest.fixture
def set_up(home: Path) -> None:
    """This project, as start.py tells the spreadsheet programs of it."""
    launch.write_environment(sys.executable, unfolded.FIXTURES.parents[2])


def ended(folder: Path) -> training.Answer:
    """How the run stands once the process that unfolds it has ended."""
    assert training.UNFOLDING in training.answer("look", Sheet(str(folder))).status
    end = time.monotonic() + 120
    while not (found := training.answer("look", Sheet(str(folder)))).over:
        assert time.monotonic() < end
        time.sleep(0.2)
    return found


@pytest.mark.usefixtures("set_up")
def test_unfold_has_a_finished_run_written_as_formulas_and_says_where(home: Path) -> None:
    folder = unfolded.run_of("tiny", unfolded.made_up("tiny"), home / "runs/finished")
    assert training.answer("unfold", Sheet(str(folder))) == training.Answer(str(folder), training.UNFOLDING)
    found = ended(folder)
    assert found.status.endswith(training.UNFOLDED.format(folder / "network.xlsx"))
    assert engines.opened(folder / "network.xlsx").sheetnames[:2] == ["Draw", "Overview"]


@pytest.mark.usefixtures("set_up")
def test_unfold_says_why_an_unfinished_run_cannot_be_written(home: Path, run: Path) -> None:
    (run / "config.json").write_bytes((unfolded.FIXTURES / "tiny/config.json").read_bytes())
    training.answer("unfold", Sheet(str(run)))
    assert "weights.safetensors. A run has it once it is finished" in ended(run).status


def test_a_run_that_is_under_way_is_not_unfolded(home: Path, alive: Path) -> None:
    assert training.answer("unfold", Sheet(str(alive))) == training.Answer(tell=training.UNDER_WAY)
