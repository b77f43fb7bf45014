"""The run folder: locked by one trainer, logged line by line, followed while it grows, cut back by a resume."""

import ast
import builtins
import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cnn import runs
from cnn.runs import follower as following
from cnn.runs import lock as locking
from cnn.runs import series
from cnn.runs.settings import check_settings

PROJECT = Path(__file__).resolve().parents[1]
STARTED = {"pid": 1, "dataset": "digits", "model": "reference", "epochs": 19, "batches": 469, "resumed_from": None}
HOLD_LOCK = (
    "import sys, time; from cnn import runs; print(runs.Lock(sys.argv[1]).acquire(), flush=True); time.sleep(60)"
)


def epoch(number: int) -> dict:
    return {**dict.fromkeys(runs.EPOCH_KEYS, 0.5), "epoch": number}


def write_epochs(folder: Path, *numbers: int) -> None:
    log = runs.Log(folder)
    log.write("started", **STARTED)
    for number in numbers:
        log.write("progress", epoch=number, batch=120, train_loss=0.2149)
        log.write("epoch", **epoch(number))


def known(run: runs.Run) -> tuple:
    """What a reader knows of a run, to compare two readers."""
    return run.started, run.epochs, run.progress, run.end, run.alive, run.skipped


# --- the log -----------------------------------------------------------------------------------------------------


def test_a_line_is_flat_json_that_begins_with_event_and_time(tmp_path: Path) -> None:
    runs.Log(tmp_path).write("epoch", **epoch(1))
    (line,) = (tmp_path / "log.jsonl").read_text().splitlines()
    assert list(json.loads(line)) == ["event", "time", *runs.EPOCH_KEYS]
    assert json.loads(line)["time"].endswith("+00:00")


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_is_null_in_the_log(tmp_path: Path, number: float) -> None:
    runs.Log(tmp_path).write("progress", epoch=1, batch=2, train_loss=number)
    assert '"train_loss": null' in (tmp_path / "log.jsonl").read_text()
    assert runs.read(tmp_path).progress["train_loss"] is None


def test_a_torn_last_line_waits_for_the_next_look(tmp_path: Path) -> None:
    write_epochs(tmp_path, 1, 2)
    whole = (tmp_path / "log.jsonl").read_bytes()
    follower = runs.Follower(tmp_path)
    for length in range(len(whole) - 40, len(whole)):
        (tmp_path / "log.jsonl").write_bytes(whole[:length])
        assert [line["epoch"] for line in follower.poll().epochs] == [1]
    (tmp_path / "log.jsonl").write_bytes(whole)
    assert [line["epoch"] for line in follower.poll().epochs] == [1, 2]
    assert follower.poll().skipped == 0


def test_what_is_written_after_a_killed_trainers_half_line_is_read(tmp_path: Path) -> None:
    write_epochs(tmp_path, 1)
    with open(tmp_path / "log.jsonl", "ab") as log:
        log.write(b'{"event": "epoch", "ti')
    runs.Log(tmp_path).write("failed", error="The checkpoint is empty", advice="Start anew")
    run = runs.read(tmp_path)
    assert (run.end["error"], run.skipped) == ("The checkpoint is empty", 1)


@pytest.mark.parametrize(
    "line",
    [b"not json", b"[1, 2]", b"null", b"{}", b'{"event": 3}', b'{"event": "epoch", "epoch": "2"}', b"\xff\xfe", b"",
     b'{"event": "epoch"}', b'{"event": "started"}', b'{"event": "a later version\'s"}'],
)  # fmt: skip
def test_a_line_that_is_no_event_is_skipped_and_counted(tmp_path: Path, line: bytes) -> None:
    write_epochs(tmp_path, 1)
    with open(tmp_path / "log.jsonl", "ab") as log:
        log.write(line + b"\n")
    runs.Log(tmp_path).write("epoch", **epoch(2))
    run = runs.read(tmp_path)
    assert ([line["epoch"] for line in run.epochs], run.skipped) == ([1, 2], 1)


# --- following it ------------------------------------------------------------------------------------------------


def test_a_follower_needs_neither_folder_nor_log_to_begin(tmp_path: Path) -> None:
    folder = tmp_path / "later"
    follower = runs.Follower(folder)
    assert follower.poll().status == "nothing logged yet"
    folder.mkdir()
    follower.poll()
    write_epochs(folder, 1)
    assert len(follower.poll().epochs) == 1
    assert [path.name for path in folder.iterdir()] == ["log.jsonl"]


def test_an_idle_poll_is_one_stat_and_gives_the_same_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_epochs(tmp_path, 1)
    follower = runs.Follower(tmp_path)
    before, calls = follower.poll(), []
    follower.poll()
    follower._next_probe = time.monotonic() + 1000
    real_stat, real_open = os.stat, builtins.open
    monkeypatch.setattr(os, "stat", lambda *a, **k: calls.append("stat") or real_stat(*a, **k))
    monkeypatch.setattr(builtins, "open", lambda *a, **k: calls.append("open") or real_open(*a, **k))
    assert all(follower.poll() is before for _ in range(50))
    assert calls == ["stat"] * 50


LOG_ACTIONS = st.one_of(
    st.tuples(st.just("write"), st.sampled_from(["progress", "epoch", "started", "stopped", "failed"])),
    st.tuples(st.just("cut"), st.integers(0, 4)),
    st.tuples(st.just("garbage"), st.sampled_from([b"x\n", b"half a l", b"\n"])),
    st.tuples(st.just("poll"), st.none()),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=st.lists(LOG_ACTIONS, max_size=25))
@example([("write", "failed"), ("garbage", b"\n"), ("poll", None), ("cut", 0), ("write", "started")])
def test_a_follower_knows_what_a_fresh_reader_knows(tmp_path_factory: pytest.TempPathFactory, actions: list) -> None:
    folder = tmp_path_factory.mktemp("run")
    follower = runs.Follower(folder)
    for action, what in actions:
        if action == "write":
            facts = {**STARTED, **epoch(len(runs.read(folder).epochs) + 1), "epochs": 3, "batch": 1}
            runs.Log(folder).write(what, error="e", advice="a", **facts)
        elif action == "cut":
            runs.cut_log(folder, what)
        elif action == "garbage":
            with open(folder / "log.jsonl", "ab") as log:
                log.write(what)
        else:
            follower.poll()
    assert known(follower.poll()) == known(runs.read(folder))


def test_a_log_cut_and_grown_past_its_old_length_between_two_polls_is_read_anew(tmp_path: Path) -> None:
    write_epochs(tmp_path, 1, 2)
    runs.Log(tmp_path).write("progress", epoch=3, batch=1, train_loss=0.1)
    follower = runs.Follower(tmp_path)
    follower.poll()
    runs.cut_log(tmp_path, 2)
    runs.Log(tmp_path).write("started", **{**STARTED, "resumed_from": 2})
    runs.Log(tmp_path).write("epoch", **epoch(3))
    run = follower.poll()
    assert ([line["epoch"] for line in run.epochs], run.skipped) == ([1, 2, 3], 0)
    assert run.started["resumed_from"] == 2


@pytest.mark.parametrize(("kept", "left"), [(0, []), (1, [1]), (2, [1, 2]), (9, [1, 2, 3])])
def test_a_cut_log_ends_with_the_line_of_that_epoch(tmp_path: Path, kept: int, left: list[int]) -> None:
    write_epochs(tmp_path, 1, 2, 3)
    runs.Log(tmp_path).write("stopped", epoch=3)
    runs.cut_log(tmp_path, kept)
    run = runs.read(tmp_path)
    assert ([line["epoch"] for line in run.epochs], run.progress, run.end) == (left, None, None)
    assert (tmp_path / "log.jsonl").read_bytes()[-1:] in (b"\n", b"")


# --- the lock ----------------------------------------------------------------------------------------------------


def test_a_second_trainer_does_not_get_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locking, "PATIENCE", 0.1)
    first, second = runs.Lock(tmp_path), runs.Lock(tmp_path)
    assert first.acquire()
    assert not second.acquire()
    first.release()
    assert second.acquire()
    second.release()


def test_a_run_is_alive_until_its_trainer_is_killed(tmp_path: Path) -> None:
    write_epochs(tmp_path, 1, 2)
    follower = runs.Follower(tmp_path)
    trainer = subprocess.Popen([sys.executable, "-c", HOLD_LOCK, tmp_path], cwd=PROJECT, stdout=subprocess.PIPE)
    assert trainer.stdout.readline().strip() == b"True"
    assert runs.is_alive(tmp_path)
    assert runs.read(tmp_path).alive
    assert follower.poll().alive
    trainer.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
    trainer.communicate()
    assert not runs.is_alive(tmp_path)
    time.sleep(following.PROBE_SECONDS)
    assert follower.poll().status == (
        "ended without a word after epoch 2 (digits): killed, or the machine went down. Resume goes on from there"
    )


def test_a_reader_that_looks_at_that_moment_keeps_no_trainer_from_starting(tmp_path: Path) -> None:
    lock, reader = runs.Lock(tmp_path), os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    assert locking._try_lock(reader, shared=True)
    threading.Timer(0.3, os.close, [reader]).start()
    assert lock.acquire()
    lock.release()


def test_two_readers_that_look_at_once_do_not_take_each_other_for_a_trainer(tmp_path: Path) -> None:
    reader = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    assert locking._try_lock(reader, shared=True)
    if os.name != "nt":
        assert not runs.is_alive(tmp_path)
    os.close(reader)


def test_looking_whether_a_run_is_alive_creates_nothing(tmp_path: Path) -> None:
    assert not runs.is_alive(tmp_path)
    assert not runs.is_alive(tmp_path / "missing")
    assert list(tmp_path.iterdir()) == []


def test_a_trainers_last_words_are_read_before_it_is_called_dead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_epochs(tmp_path, 1)
    lock, follower = runs.Lock(tmp_path), runs.Follower(tmp_path)
    lock.acquire()
    assert follower.poll().alive

    def die_meanwhile(folder: Path) -> str:
        runs.Log(folder).write("finished", epoch=1)
        return "dead"

    monkeypatch.setattr(following, "liveness", die_meanwhile)
    follower._next_probe = 0
    assert follower.poll().end["event"] == "finished"
    lock.release()


# --- what a person reads -----------------------------------------------------------------------------------------

PROGRESS = {"epoch": 2, "batch": 120, "train_loss": 0.2149}
STATUS = {
    "nothing logged yet": {},
    "starting": {"alive": True},
    "epoch 1 of 19 (mnist)": {"epochs": [], "alive": True},
    "epoch 2 of 19, batch 120 of 469, loss 0.21 (mnist)": {"epochs": [1], "progress": PROGRESS, "alive": True},
    "epoch 2 of 19, batch 120 of 469, loss not finite (mnist)": {
        "epochs": [1],
        "progress": {**PROGRESS, "train_loss": None},
        "alive": True,
    },
    "finished: 2 epochs, test accuracy 99.14 % (mnist)": {"epochs": [1, 2], "end": {"event": "finished"}},
    "finished: 1 epoch, test accuracy 99.14 % (mnist)": {"epochs": [1], "end": {"event": "finished"}},
    "stopped after epoch 3 (mnist)": {"epochs": [1, 2, 3], "end": {"event": "stopped", "epoch": 3}},
    "stopped before the first epoch was complete (mnist)": {"epochs": [], "end": {"event": "stopped", "epoch": 0}},
    "failed: The disk is full. Make room.": {
        "epochs": [1],
        "end": {"event": "failed", "error": "The disk is full", "advice": "Make room"},
    },
    "ended without a word before the first epoch was complete (mnist): killed, or the machine went down. "
    "Resume goes on from there": {"epochs": []},
}


@pytest.mark.parametrize("status", STATUS)
def test_the_status_is_one_plain_line(status: str) -> None:
    facts = dict(STATUS[status])
    if "epochs" in facts:
        facts["started"] = {"dataset": "mnist", "epochs": 19, "batches": 469}
        facts["epochs"] = [{"epoch": number, "test_accuracy": 0.9914} for number in facts["epochs"]]
    assert runs.Run(Path(), **facts).status == status


# --- folders and files -------------------------------------------------------------------------------------------


def test_run_folders_of_one_second_are_different_and_listed_newest_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKPROP_HOME", str(tmp_path / "a home"))
    assert runs.list_runs() == []
    made = [runs.new_folder("reference") for _ in range(12)]
    assert len(set(made)) == 12
    assert made[0].parent == tmp_path / "a home" / "runs"
    assert runs.list_runs() == made[::-1]
    assert runs.list_runs(tmp_path / "a home") == made[::-1]


@pytest.mark.parametrize("sign", ["config.json", "log.jsonl", "launch.json", "series.json"])
def test_a_folder_of_a_runs_name_that_holds_none_does_not_hide_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sign: str
) -> None:
    monkeypatch.setenv("BACKPROP_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    run = tmp_path / "home/runs/mine"
    for folder in (tmp_path / "mine", run):
        folder.mkdir(parents=True)
    assert runs.find(Path("mine")) == tmp_path / "mine"
    (run / sign).write_text("")
    assert runs.find(Path("mine")) == run


def test_the_runs_of_a_series_are_listed_as_they_are_trained_the_last_first(tmp_path: Path) -> None:
    rates = ["rate-0.01", "rate-0.5", "rate-0.05", "rate-1e-05"]
    for name in rates:
        (tmp_path / name).mkdir()
        runs.Log(tmp_path / name).write("stopped", epoch=0)
    series.write(runs.Series(tmp_path, {name: check_settings({}) for name in rates}))
    assert [run.name for run in runs.runs_in(tmp_path)] == rates[::-1]
    (tmp_path / "series.json").write_text("{ half")
    assert sorted(run.name for run in runs.runs_in(tmp_path)) == sorted(rates)


def test_home_is_a_folder_of_the_users_unless_the_variable_names_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKPROP_HOME", "")
    assert runs.home() == Path.home() / "Backprop"
    monkeypatch.setenv("BACKPROP_HOME", "~/elsewhere")
    assert runs.home() == Path.home() / "elsewhere"


def test_a_file_that_cannot_be_written_whole_stays_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs.write_file(tmp_path / "file", b"old")

    def full(_handle: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        runs.write_file(tmp_path / "file", b"new")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def test_a_stop_is_asked_for_seen_and_cleared(tmp_path: Path) -> None:
    assert not runs.stop_requested(tmp_path)
    runs.clear_stop(tmp_path)
    runs.request_stop(tmp_path)
    assert runs.stop_requested(tmp_path)
    runs.clear_stop(tmp_path)
    assert not runs.stop_requested(tmp_path)


@pytest.mark.parametrize("module", sorted((PROJECT / "cnn/runs").glob("*.py")), ids=lambda path: path.stem)
def test_it_runs_in_an_office_python_which_is_old_and_bare(module: Path) -> None:
    ast.parse(module.read_text(), feature_version=(3, 9))
    code = f"import sys; sys.path.insert(0, {str(PROJECT)!r}); import cnn.runs.{module.stem}"
    subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True)
