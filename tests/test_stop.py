"""What asks a trainer to end is heard: real signals, sent to real trainers at the moments at which they were lost."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest

from cnn import runs
from cnn.session import Session, nothing_more
from cnn.stop import Stop, Stopped
from tests.interrupted import OPTIONS, ending, kill_until_finished, same, trainers, whole
from tests.trainer import DIGITS, PROJECT, start, variables, wait_for_batch, wait_until

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has not these signals")
KILLS, SIGNALS = 100, 30
EATEN = """
import os, signal, sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "{module}":
            try:
                os.kill(os.getpid(), signal.{name})
                sum(range(1000))  # Python runs the handler here
            except BaseException:  # numpy's and torch's C takes whatever ends it for its own failure
                raise ImportError("{module} cannot be loaded")

sys.meta_path.insert(0, Finder())
"""


def ended(trainer: subprocess.Popen) -> tuple[int, str]:
    """The exit code, and what was said to stderr."""
    _, complaint = trainer.communicate(timeout=120)
    return trainer.returncode, complaint


def ended_by_ctrl_c(trainer: subprocess.Popen) -> tuple[int, str]:
    """The same after Ctrl-C until it has ended: two at once would reach it as one."""
    while trainer.poll() is None:
        trainer.send_signal(signal.SIGINT)
        time.sleep(0.005)
    return ended(trainer)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
@pytest.mark.parametrize("module", ["torch.nn", "matplotlib.backends.backend_agg"])
def test_a_signal_in_an_import_that_would_eat_it_is_heard(tmp_path: Path, name: str, module: str) -> None:
    """PyTorch is imported before a run's first line, the drawing part of matplotlib after its last epoch."""
    (tmp_path / "sitecustomize.py").write_text(EATEN.format(module=module, name=name))
    environment = variables(tmp_path, PYTHONPATH=f"{tmp_path}{os.pathsep}{PROJECT}")
    trainer = start(tmp_path, *DIGITS, "--epochs", 1, "--out", tmp_path / "run", env=environment)
    assert ended(trainer) == (130 if name == "SIGINT" else 143, "")
    if module == "torch.nn":
        assert not (tmp_path / "run").exists()
    else:
        assert runs.read(tmp_path / "run").end["event"] == "stopped"
    assert not runs.is_alive(tmp_path / "run")


IMPORTING = {  # a command's module and its first arguments, and what it takes long to import
    ("cnn.search", "small"): "optuna",
    ("cnn.train", "--dataset", "digits"): "torch.nn",
    ("addin.trained", "classify"): "torch.nn",
    ("addin.unfold", "."): "torch.nn",
    ("cnn.evaluate",): "torch.nn",
    ("cnn.export",): "torch.nn",
    ("cnn.models",): "torch.nn",
    ("xlsx.results",): "pandas",
}


@pytest.mark.parametrize("words", IMPORTING, ids=" ".join)
def test_ctrl_c_while_a_command_imports_what_it_needs_shows_no_traceback(tmp_path: Path, words: tuple[str]) -> None:
    (tmp_path / "sitecustomize.py").write_text(EATEN.format(module=IMPORTING[words], name="SIGINT"))
    environment = variables(tmp_path / "home", PYTHONPATH=f"{tmp_path}{os.pathsep}{PROJECT}")
    pipes = {"capture_output": True, "text": True, "cwd": tmp_path}
    done = subprocess.run([sys.executable, "-m", *words], env=environment, **pipes)
    assert done.stderr == ""
    assert done.returncode in (-signal.SIGINT, 130)
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("name", ["SIGHUP", "SIGUSR1"])
def test_a_closed_terminal_and_slurms_warning_end_it_like_sigterm(tmp_path: Path, name: str) -> None:
    trainer = start(tmp_path, *DIGITS, "--epochs", 1000, "--out", tmp_path / "run")
    wait_for_batch(tmp_path / "run", 1)
    trainer.send_signal(getattr(signal, name))
    assert ended(trainer) == (143, "")
    assert runs.read(tmp_path / "run").end["event"] == "stopped"


def deaf_to_a_closed_terminal() -> None:
    """In a process about to start, what nohup does."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def test_what_was_ignored_at_the_start_stays_ignored(tmp_path: Path) -> None:
    options = (*DIGITS, "--epochs", 1000, "--out", tmp_path / "run")
    trainer = start(tmp_path, *options, preexec_fn=deaf_to_a_closed_terminal)
    wait_for_batch(tmp_path / "run", 1)
    trainer.send_signal(signal.SIGHUP)
    wait_for_batch(tmp_path / "run", len(runs.read(tmp_path / "run").epochs) + 2)
    trainer.send_signal(signal.SIGTERM)
    assert ended(trainer) == (143, "")


def as_start_py_hands_over() -> None:
    """In a process about to start: signals wait until the trainer hears them."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])


@pytest.mark.parametrize("seconds", [0.0, 0.1, 0.5, 1.5])
def test_ctrl_c_again_and_again_while_it_starts_leaves_no_traceback(tmp_path: Path, seconds: float) -> None:
    options = (*DIGITS, "--epochs", 1000, "--out", tmp_path / "run")
    trainer = start(tmp_path, *options, preexec_fn=as_start_py_hands_over)
    time.sleep(seconds)
    assert ended_by_ctrl_c(trainer) == (130, "")


def test_ctrl_c_again_and_again_in_an_epoch_leaves_no_traceback(tmp_path: Path) -> None:
    trainer = start(tmp_path, *DIGITS, "--epochs", 1000, "--out", tmp_path / "run")
    wait_for_batch(tmp_path / "run", 1)
    assert ended_by_ctrl_c(trainer) == (130, "")
    assert runs.read(tmp_path / "run").end["event"] == "stopped"


def test_a_signal_after_the_last_line_changes_nothing(tmp_path: Path) -> None:
    trainer = start(tmp_path, *DIGITS, "--epochs", 1, "--out", tmp_path / "run")
    wait_until(lambda: runs.read(tmp_path / "run").is_finished)
    while trainer.poll() is None:
        trainer.send_signal(signal.SIGTERM)
    assert ended(trainer) == (0, "")


def test_a_stop_of_which_a_package_makes_an_error_is_a_stop(capsys: pytest.CaptureFixture) -> None:
    stop = Stop()

    def draw() -> int:
        try:
            stop.end()  # as a signal does, in the middle of it
        except Stopped:
            raise ValueError("Invalid affine transformation matrix") from None

    assert Session(stop, nothing_more).carry_out(draw) == 143
    assert capsys.readouterr() == ("stopped before the run began\n", "")


def test_a_hundred_kills_leave_the_files_of_a_run_that_was_left_alone(tmp_path: Path) -> None:
    with trainers(tmp_path) as trained:
        seconds, chance, kills = whole(trained, tmp_path / "uninterrupted"), Random(0), 0
        folder = tmp_path / "run"
        while kills < KILLS:
            kills += kill_until_finished(trained, folder, chance, seconds)
            assert same(folder, tmp_path / "uninterrupted"), folder
            shutil.rmtree(folder)  # also of a run that finished before any kill: the next one begins anew


def test_signals_at_random_moments_are_all_heard(tmp_path: Path) -> None:
    with trainers(tmp_path) as trained:
        seconds, chance, found = whole(trained, tmp_path / "uninterrupted"), Random(0), []
        for number in range(SIGNALS):
            sent = [signal.SIGTERM] if number % 2 else [signal.SIGINT] * (1 + number % 4 // 2)
            code = trained.forked([*OPTIONS, "--out", tmp_path / str(number)], chance.uniform(0, seconds), sent)
            found.append(ending(trained, tmp_path / str(number), code, sent))
            seconds *= 0.9 if found[-1] == "finished" else 1  # the first run may have been the slowest
    assert set(found) <= {"stopped", "finished"}
    assert found.count("stopped") > SIGNALS / 4


def closing(*numbers: int):
    """Close these streams in a process about to start."""
    return lambda: [os.close(number) for number in numbers]


@pytest.mark.parametrize("numbers", [(2,), (0, 1, 2)])
def test_a_closed_stderr_ends_nothing_and_no_file_takes_its_number(tmp_path: Path, numbers: tuple[int, ...]) -> None:
    options, before = (*DIGITS, "--epochs", 1, "--out", tmp_path / "run"), closing(*numbers)
    streams = {"stdin": None, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    assert start(tmp_path, *options, preexec_fn=before, **streams).wait(120) == 0
    wrong = start(tmp_path, "--epochs", 0, "--out", tmp_path / "no", preexec_fn=before, **streams)
    assert wrong.wait(60) == 2
    assert runs.read(tmp_path / "run").is_finished


def test_a_stderr_that_nobody_reads_any_more_ends_nothing(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    assert start(tmp_path, "--epochs", 0, stderr=writer, stdout=writer).wait(60) == 2
    options = (*DIGITS, "--epochs", 1, "--out", tmp_path / "run")
    assert start(tmp_path, *options, stderr=writer, stdout=writer).wait(120) == 0
    os.close(writer)


def test_a_closed_stdout_ends_nothing(tmp_path: Path) -> None:
    options = [*DIGITS, "--epochs", "1", "--out", str(tmp_path / "run")]
    line = ["sh", "-c", 'exec "$@" >&-', "sh", sys.executable, "start.py", "train", *options]
    assert subprocess.run(line, cwd=PROJECT, env=variables(tmp_path / "home")).returncode == 0
    assert runs.read(tmp_path / "run").is_finished


@pytest.mark.parametrize("threads", ["0", "two", "-1", "1.5"])
def test_threads_that_are_no_number_are_told(tmp_path: Path, threads: str) -> None:
    environment = variables(tmp_path, OMP_NUM_THREADS=threads)
    code, complaint = ended(start(tmp_path, *DIGITS, "--epochs", 1, "--out", tmp_path / "run", env=environment))
    assert (code, complaint) == (
        2,
        f"train: OMP_NUM_THREADS is '{threads}'. Let it be a whole number from 1, or unset it.\n",
    )
