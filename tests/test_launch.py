"""Starting a run from a spreadsheet: detached, without a shell, stopped from its first moment, heard when it fails."""

import ast
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from addin import __version__, launch
from addin.calc.extension import IN_THE_OFFICE
from cnn import runs
from cnn.runs.settings import SETTINGS, SettingsError
from tests.trainer import PROJECT, wait_until

START = f"""
import os, sys
assert sys.argv[1] == "train", sys.argv
os.environ["PYTHONPATH"] = {str(PROJECT)!r}
os.execv(sys.executable, [sys.executable, "-m", "cnn.train", *sys.argv[2:]])
"""
ABOVE_0 = f"It must be a number above 0, such as {SETTINGS['learning_rate'].default}."
SHORT = {"dataset": "digits", "epochs": 2.0, "device": "cpu"}
LONG = {**SHORT, "epochs": 1000}
posix = pytest.mark.skipif(os.name == "nt", reason="the stand-in for start.py needs exec")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A user's folder and a project, both with names that a shell would stumble over."""
    folder, project = (
        tmp_path / "hôme & 'mine' $HOME",
        tmp_path / ("a 'project' ; é" if os.name == "nt" else 'a "project" ; é'),
    )
    project.mkdir()
    monkeypatch.setenv("BACKPROP_HOME", str(folder))
    for name in ("CNN_DATA_DIR", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    set_up(project, START)
    yield folder
    for run in runs.list_runs():  # a failed test leaves no trainer behind
        runs.request_stop(run)


def set_up(project: Path, start: str) -> None:
    """A project whose start.py is this text."""
    (project / "start.py").write_text(start)
    launch.write_environment(sys.executable, str(project))


def project() -> Path:
    return Path(launch.environment()["project"])


def launched_by_another_program(code: str) -> Path:
    """Start a run from a process of its own, in its own group, which then says where the run is."""
    code = f"import sys, time; from addin import launch; {code}"
    parent = subprocess.Popen(
        [sys.executable, "-c", code], cwd=PROJECT, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    folder = Path(parent.stdout.readline().strip())
    for end in (signal.SIGHUP, signal.SIGKILL):  # as when its terminal closes, and when it crashes
        os.killpg(parent.pid, end)
    parent.communicate()
    return folder


def finish(folder: Path) -> runs.Run:
    follower = runs.Follower(folder)
    wait_until(lambda: follower.poll().end and not runs.is_alive(folder))
    return follower.poll()


# --- a run -------------------------------------------------------------------------------------------------------


@posix
def test_a_started_run_trains_with_the_settings_of_the_sheet(home: Path) -> None:
    began = time.monotonic()
    folder = launch.start({**SHORT, "seed": 7.0, "learning_rate": 0.02}, "file:///a%20workbook.xlsx")
    assert time.monotonic() - began < 1
    assert folder.parent == home / "runs"
    assert launch.is_starting(folder)
    assert launch.outcome(folder) is None
    result = finish(folder)
    assert [line["epoch"] for line in result.epochs] == [1, 2]
    assert result.end["event"] == "finished"
    assert not launch.is_starting(folder)
    assert launch.outcome(folder) is None
    config = json.loads((folder / "config.json").read_text())
    assert (config["seed"], config["learning_rate"], config["epochs"]) == (7, 0.02, 2)
    note = json.loads((folder / "launch.json").read_text())
    assert set(note) == {"command", "workbook", "pid", "time"}
    assert note["workbook"] == "file:///a%20workbook.xlsx"
    assert note["pid"] == result.started["pid"]
    assert "finished: 2 epochs" in (folder / "output.txt").read_text("utf-8")


@posix
def test_a_run_outlives_the_program_that_started_it(home: Path) -> None:
    folder = launched_by_another_program(f"print(launch.start({SHORT}), flush=True); time.sleep(60)")
    assert finish(folder).end["event"] == "finished"


@posix
def test_a_stop_in_the_first_moment_is_obeyed_and_the_run_can_be_resumed(home: Path) -> None:
    folder = launch.start(SHORT, "a workbook")
    launch.stop(folder)
    assert finish(folder).status == "stopped before the first epoch was complete (digits)"
    runs.request_stop(folder)  # Stop was pressed once more, with nothing to stop
    launch.resume(folder)
    assert launch.is_starting(folder)
    follower = runs.Follower(folder)
    wait_until(lambda: follower.poll().end and follower.run.end["event"] == "finished")
    assert [line["epoch"] for line in follower.run.epochs] == [1, 2]
    assert json.loads((folder / "launch.json").read_text())["workbook"] == "a workbook"


@posix
def test_a_killed_run_is_resumed_and_a_living_one_is_not(home: Path) -> None:
    folder = launch.start(LONG)
    wait_until(lambda: len(runs.read(folder).epochs) >= 1)
    with pytest.raises(launch.LaunchError, match="is still training"):
        launch.resume(folder)
    os.kill(runs.read(folder).started["pid"], signal.SIGKILL)
    wait_until(lambda: not runs.is_alive(folder))
    complete = len(runs.read(folder).epochs)
    launch.resume(folder)
    wait_until(lambda: len(runs.read(folder).epochs) > complete)
    launch.stop(folder)
    numbers = [line["epoch"] for line in finish(folder).epochs]
    assert numbers == list(range(1, len(numbers) + 1))


# --- what comes to nothing ---------------------------------------------------------------------------------------


@posix
@pytest.mark.parametrize(
    ("start", "said"),
    [
        ("import sys; print('installing'); sys.exit('There is no network, and torch is missing.\\n')",
         "There is no network, and torch is missing."),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("import os; os.kill(os.getpid(), 9)", "The trainer ended without a word."),
    ],
)  # fmt: skip
def test_what_a_trainer_said_that_never_began_is_its_last_line(home: Path, start: str, said: str) -> None:
    set_up(project(), start)
    folder = launch.start(SHORT)
    wait_until(lambda: launch.outcome(folder))
    assert launch.outcome(folder) == said
    assert not launch.is_starting(folder)
    assert runs.read(folder).status == "nothing logged yet"


@posix
def test_what_a_start_says_while_it_installs_can_be_read(home: Path) -> None:
    set_up(project(), "import time; print('torch: 40 s', flush=True); time.sleep(60)")
    folder = launch.start(SHORT)
    wait_until(lambda: launch.said(folder) == "torch: 40 s")
    assert launch.is_starting(folder)
    os.kill(json.loads((folder / "launch.json").read_text())["pid"], signal.SIGKILL)
    assert launch.said(folder.parent / "missing") == ""


@posix
def test_a_resume_that_came_to_nothing_is_heard_although_there_is_an_old_log(home: Path) -> None:
    folder = runs.new_folder("reference")
    runs.Log(folder).write("stopped", epoch=0)
    set_up(project(), "import sys; sys.exit('torch is missing')")
    launch.resume(folder)
    wait_until(lambda: launch.outcome(folder))
    assert launch.outcome(folder) == "torch is missing"


@posix
def test_what_came_to_nothing_is_heard_in_another_program_too(home: Path) -> None:
    set_up(project(), "import sys; sys.exit('torch is missing')")
    folder = launched_by_another_program(f"print(launch.start({SHORT}), flush=True); time.sleep(60)")
    wait_until(lambda: launch.outcome(folder))
    assert launch.outcome(folder) == "torch is missing"


@posix
def test_a_failure_that_is_in_the_log_is_left_to_the_log(home: Path) -> None:
    log_it = "runs.Log(sys.argv[-1]).write('failed', error='No', advice='Yes'); sys.exit('No. Yes.')"
    set_up(project(), f"import sys; sys.path.insert(0, {str(PROJECT)!r}); from cnn import runs; {log_it}")
    folder = launch.start(SHORT)
    wait_until(lambda: "No. Yes." in (folder / "output.txt").read_text())
    time.sleep(0.2)  # until the process is gone
    assert runs.read(folder).status == "failed: No. Yes."
    assert launch.outcome(folder) is None


def test_a_folder_that_nobody_launched_has_no_outcome(tmp_path: Path) -> None:
    assert launch.outcome(tmp_path) is None
    assert not launch.is_starting(tmp_path / "missing")


# --- settings and environment ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"epochs": 1.5}, "epochs is 1.5. It must be a whole number from 1 to 1000."),
        ({"learning_rate": "10%"}, f"learning_rate is '10%'. {ABOVE_0}"),
        ({"learning_rate": ""}, f"learning_rate is blank. {ABOVE_0}"),
        (
            {"dataset": "MNIST; rm -rf /"},
            f"dataset is 'MNIST; rm -rf /'. It must be {SETTINGS['dataset'].allowed}.",
        ),
    ],
)
def test_a_wrong_setting_starts_nothing(home: Path, settings: dict, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        launch.start(settings)
    assert str(caught.value) == said
    assert runs.list_runs() == []


def test_the_environment_is_what_start_py_wrote(home: Path) -> None:
    assert launch.environment() == {
        "interpreter": sys.executable,
        "project": str(project()),
        "version": __version__,
    }


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"interpreter": 3}', '{"interpreter": "python"}'])
def test_without_an_environment_it_says_what_to_run(home: Path, content: str | None) -> None:
    (home / "environment.json").unlink()
    if content is not None:
        (home / "environment.json").write_text(content)
    assert launch.environment() is None
    with pytest.raises(launch.LaunchError) as caught:
        launch.start(SHORT)
    assert str(home / "environment.json") in str(caught.value)
    assert "python start.py setup" in str(caught.value)
    assert runs.list_runs() == []


def test_an_interpreter_or_project_that_is_gone_is_named(home: Path) -> None:
    gone = project()
    shutil.rmtree(gone)
    with pytest.raises(launch.LaunchError, match=r"start\.py is gone"):
        launch.start(SHORT)
    launch.write_environment(str(home / "no python"), str(gone))
    with pytest.raises(launch.LaunchError, match="no python is gone"):
        launch.start(SHORT)


@posix
def test_an_interpreter_that_is_no_program_is_named(home: Path) -> None:
    (home / "a text").write_text("not a program")
    launch.write_environment(str(home / "a text"), str(project()))
    with pytest.raises(launch.LaunchError, match="a text could not be started"):
        launch.start(SHORT)


def test_the_process_gets_none_of_the_offices_own_variables(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CNN_DATA_DIR", "a relative folder")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/cuda/lib64")
    monkeypatch.setenv("PYTHONHOME", "/opt/office/python")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    assert launch.variables()["LD_LIBRARY_PATH"] == "/opt/cuda/lib64"
    monkeypatch.setenv("URE_BOOTSTRAP", "vnd.sun.star.pathname:/opt/office/fundamentalrc")
    kept = launch.variables()
    assert not {"PYTHONHOME", "PYTHONDONTWRITEBYTECODE", "LD_LIBRARY_PATH", "URE_BOOTSTRAP"} & set(kept)
    assert kept["CNN_DATA_DIR"] == os.path.abspath("a relative folder")
    assert kept["BACKPROP_HOME"] == str(home)


def test_it_runs_in_an_office_python_which_is_old_and_bare(tmp_path: Path) -> None:
    for name in IN_THE_OFFICE:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / name, tmp_path / name)
        ast.parse((PROJECT / name).read_text(), feature_version=(3, 9))
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from addin import launch; print(launch.environment())"
    bare = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, env={"BACKPROP_HOME": str(tmp_path)}
    )
    assert (bare.stdout, bare.stderr) == ("None\n", "")
