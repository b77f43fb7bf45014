"""The macros of backprop.xlsm, pressed in a real LibreOffice: the shipped VBA, but for xlwings' own module.

Python's side is real: xlwings' CallUDF answers the cells, processes of their own start and follow real trainings.
"""

import contextlib
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import xlwings

from addin import training
from addin.excel import command, project
from cnn import predict, runs
from cnn.runs.settings import check_settings
from tests import unfolded
from tests.calc import series_curves
from tests.calc.conftest import TRUSTED, close_at_rest
from tests.calc.office import Office, OfficeError, wait_for
from tests.calc.training_log import buttons_add_updates_and_take_them_away, expected, numbers_of, press, rows
from tests.excel.macros import lines
from tests.excel.windows import arguments, by_cmd
from xlsx.build import build
from xlsx.contract import BUTTONS, LOADING, LOG_STALE, macro_name
from xlsx.sheets.results import NO_RUN

STOP_TICKING = "VBAProject.BackpropFollow.StopTicking"
CANONICAL = json.loads(Path(__file__).parents[1].joinpath("canonical.json").read_text())["course"]["first"]


@pytest.fixture
def name(folder: Path) -> str:
    """The name of a workbook that no run was started from."""
    number = len(list((folder / "home").glob("book *.xlsm")))
    return shutil.copy(folder / "home/backprop.xlsm", folder / f"home/book {number}.xlsm").name


def opened(office: Office, folder: Path, name: str) -> int:
    """Open a workbook, which asks for its newest run and says nothing when there is none; settings of a short run."""
    before = len(requests(folder))
    key = office.load(str(folder / "home" / name), **TRUSTED)
    for setting, value in {"model": "tiny", "dataset": "digits", "device": "cpu", "epochs": 2}.items():
        office.write(key, f"run_{setting}", value)
    asked = wait_for(lambda: [each for each in requests(folder)[before:] if each["command"] == "newest"], timeout=20)
    wait_for_answer(folder, asked[0])
    assert status(office, key) == NO_RUN
    return key


@pytest.fixture
def book(excel: Office, folder: Path, name: str) -> Iterator[int]:
    """A workbook for a run."""
    key = opened(excel, folder, name)
    yield key
    close_at_rest(excel, key, key)


@pytest.fixture(scope="module")
def one(excel: Office, folder: Path) -> Iterator[int]:
    """The workbook of the tests that leave it as it was and start no run."""
    key = opened(excel, folder, "backprop.xlsm")
    yield key
    close_at_rest(excel, key, key)


@pytest.fixture(autouse=True)
def nothing_else_is_said(excel: Office) -> Iterator[None]:
    yield
    assert excel.boxes() == []


def requests(folder: Path, kind: str = "lines") -> list[dict[str, str]]:
    """What the macros asked of Python; of the kind "ended", what has been answered."""
    return [command.parsed(command.decoded(arguments(line)[-1])) for line in lines(folder, kind)]


def wait_for_answer(folder: Path, asked: dict[str, str] | None = None) -> dict[str, str]:
    """Wait until the workbook has taken the answer to a request, or to its last one, which is given back."""
    asked = asked or requests(folder)[-1]
    wait_for(lambda: asked in requests(folder, "ended") and not Path(asked["answer"]).exists(), timeout=20)
    return asked


def table(office: Office, key: int) -> list[list]:
    sheet, column, row, last, _ = office.where(key, "run_table")
    name = office.sheets(key)[sheet]
    rows = office.read(key, f"{name}.{chr(65 + column)}{row + 2}:{chr(65 + last)}{row + 1001}")
    return [cells for cells in rows if any(cell is not None for cell in cells)]


def status(office: Office, key: int) -> str:
    return str(office.read(key, "run_status")[0][0])


def shown_run(office: Office, key: int) -> Path:
    return Path(str(office.read(key, "run_folder")[0][0]))


def rows_of(folder: Path) -> list[list]:
    """The epochs of a run as rows of the sheet, from Python's own reading of the log."""
    return [[epoch[key] for key in runs.EPOCH_KEYS] for epoch in runs.read(folder).epochs]


def test_a_macro_acts_on_the_workbook_in_front(excel: Office, one: int, folder: Path) -> None:
    own, asked = status(excel, one), len(requests(folder))
    other = excel.load(str(build(folder / "home/front.xlsx", epochs=10)))
    excel.look_at(other, "Results")
    excel.macro(one, "VBAProject.BackpropRibbon.RunOnBook", "Button_Stop")
    wait_for(lambda: status(excel, other) == training.NOTHING_TO_STOP, timeout=20)
    close_at_rest(excel, other, one)
    assert [each["workbook"] for each in requests(folder)[asked:]] == ["front.xlsx"]
    assert status(excel, one) == own


def test_a_workbook_that_has_the_macros_runs_its_own(excel: Office, one: int, book: int, name: str, folder: Path):
    asked, settings, home = len(requests(folder)), "xlwings.conf.A1:B20", f"{folder / 'home'}/."
    changed = [[key, home if key == "BACKPROP_HOME" else text] for key, text in excel.read(book, settings)]
    excel.write(book, settings, changed)
    excel.look_at(book, "Results")
    excel.macro(one, "VBAProject.BackpropRibbon.RunOnBook", "Button_Stop")
    wait_for(lambda: status(excel, book) == training.NOTHING_TO_STOP, timeout=20)
    assert [(each["workbook"], each["home"]) for each in requests(folder)[asked:]] == [(name, home)]


def test_a_workbook_without_results_gets_a_sentence(excel: Office, one: int, folder: Path) -> None:
    before = requests(folder)
    other = excel.load("")
    excel.look_at(other, "Sheet1")
    for macro in ("Button_TrainCNN", "Button_Stop", "Button_Resume"):
        excel.macro_with_box(one, "VBAProject.BackpropRibbon.RunOnBook", macro)
    excel.close(other)
    assert requests(folder) == before


OPENED = "VBAProject.xlwings.OpenedInFront"  # what Excel's event does, which LibreOffice has not


def test_of_a_workbook_that_is_opened_its_newest_run_is_asked_for(excel: Office, one: int, folder: Path) -> None:
    asked = len(requests(folder))
    other = excel.load(str(build(folder / "home/opened.xlsx", epochs=10)))
    excel.look_at(other, "Start")
    excel.macro(one, OPENED)
    wait_for(lambda: len(requests(folder)) > asked, timeout=20)
    assert [(each["command"], each["workbook"]) for each in requests(folder)[asked:]] == [("newest", "opened.xlsx")]
    close_at_rest(excel, other, one)


def test_an_opened_workbook_with_macros_of_its_own_or_without_results_is_left_alone(
    excel: Office, one: int, book: int, folder: Path
) -> None:
    asked, other = requests(folder), excel.load("")
    for key, sheet in ((book, "Start"), (other, "Sheet1")):
        excel.look_at(key, sheet)
        excel.macro(one, OPENED)
    time.sleep(1)
    assert requests(folder) == asked
    assert excel.boxes() == []
    close_at_rest(excel, other, one)


ANSWER = """#!{python}
import sys
sys.path.insert(0, {project!r})
from addin.excel import command
from pathlib import Path
request = command.parsed(command.decoded(sys.argv[-1]))
assert request["command"] == "new"
Path(request["answer"]).write_text(command.encoded("open={file}"))
"""


def test_a_workbook_that_python_names_is_opened(excel: Office, one: int, folder: Path) -> None:
    """Not one that Python has written anew: xlwings' own module in it would stop LibreOffice's VBA."""
    file, program, settings = build(folder / "home/fresh.xlsx", epochs=10), folder / "answer", "xlwings.conf.A1:B20"
    program.write_text(ANSWER.format(python=sys.executable, project=str(project.PROJECT), file=file))
    program.chmod(0o755)
    shipped = excel.read(one, settings)
    excel.write(one, settings, [[name, str(program) if name == "INTERPRETER_WIN" else text] for name, text in shipped])
    excel.macro(one, "VBAProject.BackpropRibbon.NewWorkbook")
    key = wait_for(lambda: excel.take(str(file)), timeout=30)
    assert "Results" in excel.sheets(key)
    close_at_rest(excel, key, one)
    excel.write(one, settings, shipped)


@pytest.mark.parametrize(
    ("path", "other"),
    [
        ("C:\\Users\\jo\\AppData\\Roaming\\Microsoft\\AddIns\\Backprop.xlsm", True),
        ("/Users/jo/Library/backprop.xlsm", True),
        ("C:\\Users\\jo\\my backprop.xlsm", False),
        ("backprop.xlsm", False),  # all that LibreOffice gives for the path of this one
    ],
)
def test_a_link_to_another_users_add_in_is_known(excel: Office, one: int, folder: Path, path: str, other: bool) -> None:
    path = path.format(home=folder / "home")
    assert bool(excel.macro(one, "VBAProject.BackpropRibbon.IsOtherCopy", path)) == other


def test_the_runs_are_listed_and_compared(excel: Office, folder: Path, book: int) -> None:
    for name, accuracy in (("=1+1", 0.5), ("usual", 0.75)):
        run = folder / "home/runs" / f"2026-11-20T10-00-00-{name}"
        run.mkdir(parents=True)
        (run / "config.json").write_text(json.dumps(check_settings({"dataset": "digits"})))
        log = runs.Log(run)
        log.write("started", dataset="digits", epochs=1, batches=1)
        log.write("epoch", epoch=1, test_accuracy=accuracy, seconds=2.5)
        log.write("finished")
    try:
        excel.write(book, "Runs.B20", "mine")
        excel.press(book, "Runs", "List runs")
        wait_for(lambda: excel.read(book, "runs_status")[0][0].startswith("2 runs"), timeout=20)
        listed = excel.read(book, "Runs.A6:I8")
        assert excel.read(book, "Runs.B20") == [["mine"]]
        usual = ["tuned", "digits", None, "1 of 19"]
        assert listed[0] == [None, "2026-11-20T10-00-00-usual", *usual, 0.75, 2.5, "finished"]
        assert listed[1] == [None, "2026-11-20T10-00-00-=1+1", *usual, 0.5, 2.5, "finished"]
        for row in (6, 7):
            excel.write(book, f"Runs.A{row}", "x")
        excel.press(book, "Runs", "Compare")
        wait_for(lambda: excel.read(book, "runs_status")[0][0] == "2 runs compared", timeout=20)
        assert excel.read(book, "Runs.S6:U6") == [[1, 0.75, 0.5]]
        assert excel.read(book, "Runs.K21:M21") == [["run", "usual", "=1+1"]]
    finally:
        shutil.rmtree(folder / "home/runs")


def test_the_progress_stands_beside_the_settings(excel: Office, book: int, folder: Path) -> None:
    excel.press(book, "Results", "Train CNN")
    wait_for(lambda: status(excel, book).startswith("finished: 2 epochs"), timeout=120)
    _, column, row, *_ = excel.where(book, "run_progress")
    shown = excel.read(book, f"Results.{chr(65 + column)}{row + 2}:{chr(70 + column)}{row + 2}")
    assert shown[0][:2] == [1, "2 of 2"]
    shutil.rmtree(folder / "home/runs")


def test_a_prediction_is_a_text_first_and_numbers_at_the_next_calculation(
    excel: Office, one: int, folder: Path
) -> None:
    run = unfolded.run_of("tiny", unfolded.made_up("tiny"), folder / "home/runs/chosen")
    excel.add_sheet(one, "Mine")
    excel.fill(one, "Mine.A1:AB28", [[float(row == column) * 255 for column in range(28)] for row in range(28)])
    excel.write(one, "predict_run", "chosen")
    excel.array(one, "Mine.A30:J30", "=CNN_PREDICT(A1:AB28)")
    assert excel.read(one, "Mine.A30:J30")[0][0] == LOADING
    excel.calculate(one)

    def numbers() -> list[float]:
        excel.calculate(one)
        (row,) = excel.read(one, "Mine.A30:J30")
        return row if isinstance(row[0], float) else []

    found = wait_for(numbers, timeout=60, every=1)
    expected = predict.load(run).probabilities_of(255 * np.eye(28))
    assert found == pytest.approx(expected, abs=1e-6)
    excel.remove_sheet(one, "Mine")
    excel.write(one, "predict_run", None)
    shutil.rmtree(run)


def test_every_button_of_the_workbook_names_a_macro_that_is_there() -> None:
    text = "".join(project.sources().values())
    for caption in (caption for captions in BUTTONS.values() for caption in captions):
        assert f"Public Sub {macro_name(caption)}()" in text


def test_the_cells_answer_through_xlwings_own_call(excel: Office, one: int) -> None:
    def agreed() -> list[str]:  # on a busy machine an answer may come with the next calculation
        excel.calculate(one)
        cells = [str(cell) for row in excel.read(one, excel.used(one, "Start")) for cell in row]
        return [cell for cell in cells if cell.startswith("all ") and cell.endswith("comparisons agree")]

    assert wait_for(agreed, timeout=60, every=1)
    assert excel.read(one, "python_ready") == [[1.0]]
    assert python_of(excel, one, "E_total") == pytest.approx(CANONICAL["E_total"], abs=1e-12)


@pytest.mark.parametrize(("name", "fault"), [("weights", 'is text ("o.2")'), ("your_weights", "is the error #N/A")])
def test_a_text_among_the_weights_is_named_and_gives_no_number(excel: Office, one: int, name: str, fault: str) -> None:
    sheet, column, row, *_ = excel.where(one, name)
    cell = f"{excel.sheets(one)[sheet]}.{chr(65 + column)}{row + 1}"
    ((before,),) = excel.formulas(one, cell)
    excel.write(one, cell, "o.2")
    said = [python_of(excel, one, name) for name in ("h1", "E_total", "dE/dw1", "new w1")]
    excel.write(one, cell, before)
    assert said == [f"#weights: row 1, column 1 {fault}"] * 4
    assert python_of(excel, one, "E_total") == pytest.approx(CANONICAL["E_total"], abs=1e-12)


def python_of(office: Office, key: int, quantity: str) -> object:
    """The Python cell of a quantity on Forward or Backward."""
    rows = [row for sheet in ("Forward", "Backward") for row in office.read(key, office.used(key, sheet))]
    titles = next(row for row in rows if "Python" in row)
    return next(row[titles.index("Python")] for row in rows if row[0] == quantity)


def test_a_torn_line_waits_and_a_run_is_there_again_when_the_workbook_opens(
    excel: Office, book: int, name: str, folder: Path
):
    run = folder / "home/runs/2099-01-01T00-00-00-reference"  # the newest
    run.mkdir(parents=True)
    lock, log = runs.Lock(run), runs.Log(run)
    assert lock.acquire()
    note = {"workbook": name, "pid": os.getpid(), "time": "2026-01-01T00:00:00+00:00", "command": []}
    (run / "launch.json").write_text(json.dumps(note))
    log.write("started", dataset="digits", epochs=2, batches=12, resumed_from=None)
    excel.macro(book, "VBAProject.Backprop.WorkbookOpened")
    wait_for(lambda: status(excel, book) == "epoch 1 of 2 (digits)")
    line = json.dumps({"event": "epoch", "time": "", "epoch": 1, "train_loss": 1234.5, "test_loss": None})
    with open(run / "log.jsonl", "a") as file:
        file.write(line[:60])
        file.flush()
        time.sleep(2.2)
        assert table(excel, book) == []
        excel.macro(book, STOP_TICKING)
        file.write(line[60:] + "\n")
        file.flush()
        time.sleep(2.2)
        assert table(excel, book) == [], "the appointment that Workbook_BeforeClose cancels was kept"
    excel.macro(book, "VBAProject.BackpropFollow.KeepTicking")
    wait_for(lambda: table(excel, book))
    assert table(excel, book) == [[1.0, 1234.5, "–", "–", "–", "–", "–", "–"]]
    log.write("progress", epoch=2, batch=7, train_loss=0.456)
    wait_for(lambda: status(excel, book) == runs.read(run).status == "epoch 2 of 2, batch 7 of 12, loss 0.46 (digits)")
    log.write("finished", epoch=1)
    lock.release()
    wait_for(lambda: status(excel, book) == runs.read(run).status)
    assert status(excel, book).startswith("finished")


def test_train_starts_a_process_twice_is_said_stop_resume_kill(excel: Office, book: int, folder: Path) -> None:
    excel.write(book, "run_epochs", 1000)
    before = len(lines(folder))
    excel.press(book, "Results", "Train CNN")
    wait_for(lambda: len(table(excel, book)) >= 2)
    run = shown_run(excel, book)
    assert_started(folder, before, run)
    excel.press(book, "Results", "Train CNN")
    excel.answer_box()
    assert shown_run(excel, book) == run
    excel.press(book, "Results", "Stop")
    wait_for(lambda: status(excel, book).startswith("stopped after epoch"))
    assert table(excel, book) == rows_of(run)
    assert series_curves.shown(excel, book) == series_curves.of_one(run)[:40]
    assert_no_longer_followed(excel, book, run)
    excel.press(book, "Results", "Resume")
    before = len(runs.read(run).epochs)
    wait_for(lambda: len(table(excel, book)) > before and runs.is_alive(run))
    started = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines() if '"started"' in line]
    os.kill(started[-1]["pid"], signal.SIGKILL)
    wait_for(lambda: status(excel, book).startswith("ended without a word"))
    assert table(excel, book) == rows_of(run)
    assert [row[0] for row in table(excel, book)] == list(range(1, len(table(excel, book)) + 1))


def assert_started(folder: Path, before: int, run: Path) -> None:
    """The macro started Python with the request to train, which started the trainer with the sheet's settings."""
    program = sys.executable, "-E", str(project.PROJECT / "addin/excel/command.py")
    assert {tuple(arguments(line)[:-1]) for line in lines(folder)[before:]} == {program}
    first, *others = requests(folder)[before:]
    assert (first["command"], first["epochs"], first["model"]) == ("train", "1000", "tiny")
    assert {each["command"] for each in others} <= {"look"}
    started = json.loads((run / "launch.json").read_text())["command"]
    assert started[-2:] == ["--out", str(run)]
    assert started[started.index("--dataset") + 1] == "digits"


def assert_no_longer_followed(office: Office, key: int, run: Path) -> None:
    """What is written to the log of a run that has ended is not shown. (Resuming cuts it off.)"""
    shown = table(office, key)
    with open(run / "log.jsonl", "a") as log:
        log.write(json.dumps({"event": "epoch", "epoch": len(shown) + 1, "train_loss": 9.9}) + "\n")
    time.sleep(2.2)
    assert table(office, key) == shown


def test_several_rates_are_a_series_whose_curves_grow_side_by_side(excel: Office, book: int, folder: Path) -> None:
    excel.write(book, "run_learning_rate", "0.02, 0.05")
    excel.press(book, "Results", "Train CNN")
    wait_for(lambda: status(excel, book).startswith("2 of 2 runs finished"), timeout=120)
    run = shown_run(excel, book)
    assert series_curves.shown(excel, book) == series_curves.expected(run, ["rate-0.02", "rate-0.05"])
    assert table(excel, book) == rows_of(run / "rate-0.05")
    wait_for(lambda: excel.sheets(book)[-3:] == ["Classes", "Mistakes", "Layers"], timeout=30)
    assert excel.read(book, "Classes.A1") == [["Confusion matrix of rate-0.05"]]
    shutil.rmtree(folder / "home/runs")


def test_the_sheets_of_a_finished_run_give_way_to_the_next_ones(excel: Office, book: int, folder: Path) -> None:
    excel.add_sheet(book, "Layers of mine")
    excel.write(book, "Layers of mine.A1", 42.0)
    for seed in (0, 1):
        excel.write(book, "run_seed", seed)
        excel.press(book, "Results", "Train CNN")
        wait_for(lambda: status(excel, book).startswith("finished"), timeout=120)
        run = shown_run(excel, book)
        wait_for(lambda: excel.sheets(book)[-3:] == ["Classes", "Mistakes", "Layers"], timeout=60)
        wait_for(lambda run=run: title(excel, book).endswith(run.name), timeout=60)
        assert [sheet for sheet in excel.sheets(book) if sheet.startswith("Classes")] == ["Classes"]
        wrong = 360 - round(360 * runs.read(run).epochs[-1]["test_accuracy"])
        counts = excel.read(book, "Classes.B5:K14")
        assert sum(counts[digit][digit] for digit in range(10)) == 360 - wrong
        assert len(excel.pictures(book, "Mistakes")) == min(40, wrong)
    assert excel.read(book, "Layers of mine.A1") == [[42.0]]
    excel.write(book, "Classes.A20", "my note")
    excel.macro(book, "VBAProject.Backprop.WorkbookOpened")
    wait_for_answer(folder)
    wait_for(lambda: status(excel, book).startswith("finished"), timeout=20)
    assert excel.read(book, "Classes.A20") == [["my note"]], "the same run's sheets were copied in again"
    shutil.rmtree(folder / "home/runs")


def test_a_run_s_workbook_that_is_damaged_is_said_and_the_run_is_shown(
    excel: Office, book: int, name: str, folder: Path
) -> None:
    run = folder / "home/runs/2099-01-01T00-00-00-tiny"  # the newest
    run.mkdir(parents=True)
    note = {"workbook": name, "pid": os.getpid(), "time": "2026-01-01T00:00:00+00:00", "command": []}
    (run / "launch.json").write_text(json.dumps(note))
    log = runs.Log(run)
    log.write("started", dataset="digits", epochs=1, batches=12)
    log.write("epoch", **{**dict.fromkeys(runs.EPOCH_KEYS, 0.5), "epoch": 1})
    log.write("finished", epoch=1)
    (run / "results.xlsx").write_text("no workbook")
    excel.macro(book, "VBAProject.Backprop.WorkbookOpened")
    excel.answer_box()
    wait_for(lambda: status(excel, book) == runs.read(run).status)
    assert table(excel, book) == rows_of(run)
    assert "Classes" not in excel.sheets(book)
    shutil.rmtree(folder / "home/runs")


def title(office: Office, key: int) -> str:
    """What stands over the run's classes; nothing while the sheets give way to others."""
    with contextlib.suppress(OfficeError):
        return str(office.read(key, "Classes.A1")[0][0])
    return ""


def test_stop_without_a_run_and_a_wrong_setting_say_so_and_start_nothing(excel: Office, one: int, folder: Path):
    before = runs.list_runs(folder / "home")
    excel.press(one, "Results", "Stop")
    wait_for(lambda: status(excel, one) == "nothing to stop: no run is under way")
    for name, value in {"epochs": 0, "dataset": "=cats", "device": None}.items():
        good = excel.read(one, f"run_{name}")[0][0]
        excel.write(one, f"run_{name}", value)
        excel.press(one, "Results", "Train CNN")
        wait_for(lambda name=name: status(excel, one).startswith(f"{name} is "))
        excel.write(one, f"run_{name}", good)
    assert runs.list_runs(folder / "home") == before


def test_a_protected_sheet_is_named_in_a_box_and_nothing_starts(excel: Office, one: int, folder: Path) -> None:
    before = requests(folder)
    excel.protect(one, "Results")
    excel.press(one, "Results", "Train CNN")
    excel.answer_box()
    excel.unprotect(one, "Results")
    assert requests(folder) == before


def test_recalculate_computes_every_cell_anew_and_gives_the_same_numbers(excel: Office, one: int, folder: Path) -> None:
    def calls() -> list[str]:
        return lines(folder, "calls")

    def numbers() -> list:
        return [excel.read(one, excel.used(one, sheet)) for sheet in ("Forward", "Backward")]

    start = len(calls())
    excel.calculate(one)
    before, asked, middle = numbers(), len(requests(folder)), len(calls())
    functions = set(calls()[start:])  # the office may ask for one cell twice
    assert len(functions) > 5
    excel.press(one, "Results", "Recalculate")
    wait_for(lambda: set(calls()[middle:]) == functions, timeout=20)
    wait_for(lambda: numbers() == before, timeout=20)  # the last call is not the end of the calculation
    assert len(requests(folder)) == asked, "only on macOS is Python asked by a process"


WINDOWS_PLACES = ["C:\\Backprop", "C:\\Jo O'Brien & Co\\my project", "\\\\server\\a & b's (c)\\p"]


def test_the_command_line_of_xlwings_on_windows_survives_any_folder(excel: Office, one: int, monkeypatch) -> None:
    served, settings = [], "xlwings.conf.A1:B20"
    shipped = excel.read(one, settings)
    monkeypatch.setattr(xlwings, "serve", served.append)
    for place in WINDOWS_PLACES:
        python = f"{place}\\.venv\\Scripts\\python.exe"
        changed = {"INTERPRETER_WIN": python, "PYTHONPATH": place}
        excel.write(one, settings, [[name, changed.get(name, value)] for name, value in shipped])
        line = excel.macro(one, "VBAProject.CommandLine.XLPyCommand")
        assert len(line) < 2048  # of xlwings' DLL
        (command_line,) = by_cmd(line.partition("/K")[2].replace("$(CLSID)", "{506e67c3}"))
        program, *options, code = arguments(command_line)
        assert (program, options) == (python, ["-B", "-c"])
        monkeypatch.setattr(sys, "path", [*sys.path])
        exec(compile(code, "-c", "exec"), {})
        assert place in sys.path
    excel.write(one, settings, shipped)
    assert served == ["{506e67c3}"] * len(WINDOWS_PLACES)


def test_the_logs_buttons_do_what_they_do_in_calc_calculating_by_itself_or_not(excel: Office, one: int) -> None:
    buttons_add_updates_and_take_them_away(excel, one)
    excel.automatic_calculation(one, False)
    log = press(excel, one, "Run n", 3)
    np.testing.assert_allclose(numbers_of(log), expected(2), rtol=0, atol=1e-10)
    press(excel, one, "Undo", 1)
    excel.automatic_calculation(one, True)


def test_rows_that_come_later_are_printed_too(excel: Office, one: int) -> None:
    at_first = excel.printed_down_to(one, "Training log")
    excel.write(one, "log_steps", 60)
    press(excel, one, "Run n", 61)
    wait_for(lambda: excel.printed_down_to(one, "Training log") == 9 + 60, timeout=20)
    press(excel, one, "Undo", 1)
    wait_for(lambda: excel.printed_down_to(one, "Training log") == at_first, timeout=20)


@pytest.mark.parametrize(
    ("name", "content"), [("log_steps", 1.5), ("log_steps", "ten"), ("your_learning_rate", "fast")]
)
def test_what_cannot_be_computed_adds_no_row_and_is_said(excel: Office, one: int, name: str, content) -> None:
    before, good = rows(excel, one), excel.read(one, name)
    excel.write(one, name, content)
    excel.press(one, "Training log", "Run n")
    excel.answer_box()
    excel.write(one, name, good)
    assert rows(excel, one) == before


def test_rows_of_another_start_are_called_so_and_reset_is_offered(excel: Office, one: int) -> None:
    """As in Calc: no row of a second start; the box and the line say what to press."""
    press(excel, one, "Step", 2)
    excel.write(one, "preset", "seed")
    assert excel.read(one, "log_stale") == [[LOG_STALE]]
    before = rows(excel, one)
    for caption in ("Step", "Run n"):
        excel.press(one, "Training log", caption)
        excel.answer_box()
        assert rows(excel, one)[1:] == before[1:]
    press(excel, one, "Reset", 1)
    assert len(press(excel, one, "Step", 2)) == 2
    press(excel, one, "Reset", 1)
    excel.write(one, "preset", "course")


def test_the_pictures_buttons_step_the_epoch_within_what_there_is(excel: Office, one: int) -> None:
    seen = {"Back": 0, "Next": 1, "Next 10": 10, "First epoch": 0, "Last epoch": 10}
    for caption, epoch in seen.items():
        excel.macro(one, f"VBAProject.BackpropPicture.{macro_name(caption)}")
        assert excel.read(one, "epoch") == [[epoch]], caption
    excel.write(one, "epoch", 0)
