"""What CNN_PREDICT's cells are given: a text at once, the worker's answer when it comes; real processes throughout."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from addin.calc import predictions
from addin.calc.bridge import Bridge, Rows

WORKER = """
import os, time
from addin.calc import worker
def answer(function, arguments):
    time.sleep(0.2)
    failed = os.path.exists("fail")
    return [["#run: failed"]] if failed else [[float(os.getpid()), float(arguments[0])]]
worker.serve(answer)
"""
PROJECT = Path(__file__).resolve().parents[1]


@pytest.fixture
def bridge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bridge]:
    """A bridge to a worker that is slow, and says its process id."""
    (tmp_path / "slow_worker.py").write_text(WORKER)
    monkeypatch.setenv("BACKPROP_HOME", str(tmp_path))
    monkeypatch.setattr(predictions, "RETRY", 0.2)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "addin.launch.variables", lambda: {**os.environ, "PYTHONPATH": f"{PROJECT}{os.pathsep}{tmp_path}"}
    )
    made = Bridge("slow_worker", 30.0, lambda: {"interpreter": sys.executable, "project": str(tmp_path)})
    yield made
    made.end()


def place() -> tuple[list[Rows], Callable[[Rows], None]]:
    shown: list[Rows] = []
    return shown, shown.append


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_each_is_asked_for_once_and_stays_the_same(bridge: Bridge) -> None:
    answers = predictions.Answers(bridge)
    first, rows = answers.shown(("F", (1.0,)), place)
    assert (first, rows) == ([], None)
    assert answers.shown(("F", (1.0,)), place)[0] is first
    second, _ = answers.shown(("F", (2.0,)), place)
    until(lambda: first and second)
    assert ([row[1:] for row in first[0]], [row[1:] for row in second[0]]) == ([[1.0]], [[2.0]])
    shown, rows = answers.shown(("F", (1.0,)), place)
    assert (shown is first, rows) == (True, first[0])
    assert len(first) == 1


def test_a_worker_that_is_there_and_free_has_answered_at_once(bridge: Bridge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predictions, "MOMENT", 10.0)
    answers = predictions.Answers(bridge)
    first, rows = answers.shown(("F", (1.0,)), place)
    assert rows is None  # it has to be started
    assert answers.shown(("F", (2.0,)), place)[1] is None  # it is busy
    until(lambda: len(first) == 1 and answers.shown(("F", (2.0,)), place)[1])
    assert [row[1:] for row in answers.shown(("F", (3.0,)), place)[1]] == [[3.0]]


def test_a_failure_is_asked_for_anew_after_a_while(bridge: Bridge, tmp_path: Path) -> None:
    answers = predictions.Answers(bridge)
    (tmp_path / "fail").touch()
    shown, _ = answers.shown(("F", (1.0,)), place)
    until(lambda: shown)
    assert answers.shown(("F", (1.0,)), place)[1] == [["#run: failed"]]
    (tmp_path / "fail").unlink()
    until(lambda: len(answers.shown(("F", (1.0,)), place)[0]) == 2)
    assert shown[0] == [["#run: failed"]]
    assert shown[1][0][1] == 1.0


def test_an_idle_worker_is_ended_and_the_next_request_starts_another(bridge: Bridge) -> None:
    answers = predictions.Answers(bridge, idle=0.3)
    first, _ = answers.shown(("F", (1.0,)), place)
    until(lambda: first)
    until(lambda: bridge._worker is None)
    second, _ = answers.shown(("F", (2.0,)), place)
    until(lambda: second)
    assert first[0][0][0] != second[0][0][0]


def test_the_run_that_is_left_out_is_the_chosen_one() -> None:
    for nothing in (None, "", 0.0, ((None,),)):
        assert predictions.filled(("pixels", nothing), lambda: "chosen") == ("pixels", "chosen")
    assert predictions.filled(("pixels", (("mine",),)), lambda: "chosen") == ("pixels", "mine")
