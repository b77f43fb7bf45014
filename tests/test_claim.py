"""Claiming a folder: what is the user's is not written over, no link in it is followed, what a kill left is cleared."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cnn import runs, train, weights
from cnn.runs import claim, lock
from cnn.runs.settings import SettingsError
from tests.trainer import DIGITS, PROJECT, variables
from xlsx import contract

pytestmark = pytest.mark.usefixtures("home")
posix = pytest.mark.skipif(os.name == "nt", reason="Windows has neither these links nor flock")
REFUSES = """
#define _GNU_SOURCE
#include <errno.h>
#include <sys/file.h>
int flock(int handle, int operation) { errno = ERROR; return -1; }
"""


def begin(folder: Path) -> int:
    return train.main([*DIGITS, "--epochs", "1", "--out", str(folder)])


# --- what is in it already ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*claim.WRITTEN, "lock", "stop"])
def test_a_folder_with_a_file_that_a_run_would_write_is_refused_and_stays_as_it_is(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture
) -> None:
    (tmp_path / name).write_text("the user's own")
    assert begin(tmp_path) == 2
    said = f"train: {tmp_path} holds a file {name} already. Take another folder: a run writes one there.\n"
    assert capsys.readouterr().err == said
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {name: "the user's own"}


def test_a_series_is_refused_there_too(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "log.jsonl").write_text("the user's own")
    assert train.main([*DIGITS, "--epochs", "1", "--seeds", "0,1", "--out", str(tmp_path)]) == 2
    assert "holds a file log.jsonl already" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["log.jsonl"]


def test_no_run_of_its_own_comes_into_a_series_folder(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "series.json").write_text("{}")
    assert begin(tmp_path) == 2
    assert f"{tmp_path} holds a series of runs. Take another folder" in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} - {"lock"} == {"series.json"}


def test_all_that_a_run_writes_is_known(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("the user's own, and in nobody's way")
    assert begin(tmp_path) == 0
    others = {contract.RESULTS_FILE, runs.PARENT, "tensorboard"}  # by start.py, --more and --tensorboard
    assert {path.name for path in tmp_path.iterdir()} == {*claim.WRITTEN, "lock", "notes.txt"} - others


def linked(tmp_path: Path) -> Path:
    """A folder that is reached through a link."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real", target_is_directory=True)
    return tmp_path / "link"


@posix
def test_the_folder_itself_may_be_reached_through_a_link(tmp_path: Path) -> None:
    assert begin(linked(tmp_path)) == 0
    assert runs.read(tmp_path / "real").is_finished


LINKS: dict[str, Callable[[Path], object]] = {
    "log.jsonl": lambda folder: runs.Log(folder).write("stopped", epoch=0),
    "lock": lambda folder: runs.Lock(folder).acquire(),
    "stop": runs.request_stop,
}


@posix
@pytest.mark.parametrize("name", LINKS)
def test_no_link_inside_it_is_followed(tmp_path: Path, name: str) -> None:
    folder, own = tmp_path / "run", tmp_path / "the user's own"
    folder.mkdir()
    own.write_text("precious")
    (folder / name).symlink_to(own)
    with pytest.raises(OSError, match=r"[Ll]ink"):
        LINKS[name](folder)
    assert own.read_text() == "precious"


@posix
def test_a_link_beside_a_file_that_is_written_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "own").write_text("precious")
    (tmp_path / f".config.json.{os.getpid()}").symlink_to(tmp_path / "own")
    runs.write_file(tmp_path / "config.json", b"{}")
    assert ((tmp_path / "own").read_text(), (tmp_path / "config.json").read_text()) == ("precious", "{}")


def test_the_next_holder_clears_what_a_kill_left_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    left = [".checkpoint.pt.123", ".weights.safetensors.7", ".series.json.1", "pictures/.mistake-3.png.99"]
    kept = [".checkpoint.pt.bak", ".my notes.123", "pictures/mistake-3.png", ".checkpoint.pt"]
    for name in (*left, *kept):
        (tmp_path / name).write_text("")
    claim.hold(tmp_path, []).lock.release()
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")}
    assert found == {*kept, "lock", "pictures"}


# --- a file system without locks ---------------------------------------------------------------------------------


@pytest.fixture(params=["ENOLCK", "ENOSYS", "EOPNOTSUPP"])
def without_locks(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """The environment of a process whose file systems have no locks."""
    if sys.platform != "linux":
        pytest.skip("LD_PRELOAD is Linux's")
    compiler = shutil.which("gcc") or shutil.which("cc") or pytest.skip("there is no C compiler")
    (tmp_path / "refuses.c").write_text(REFUSES.replace("ERROR", request.param))
    command = [compiler, "-shared", "-fPIC", "-o", str(tmp_path / "refuses.so"), str(tmp_path / "refuses.c")]
    subprocess.run(command, check=True)
    return variables(tmp_path / "home", LD_PRELOAD=str(tmp_path / "refuses.so"))


def python(environment: dict[str, str], code: str, folder: Path) -> subprocess.Popen:
    command = [
        sys.executable,
        "-c",
        f"import sys, time; from cnn import runs; folder = sys.argv[1]; {code}",
        str(folder),
    ]
    return subprocess.Popen(command, env=environment, cwd=PROJECT, text=True, stdout=subprocess.PIPE)


@pytest.fixture
def killed(without_locks: dict[str, str], tmp_path: Path) -> Path:
    """A run whose trainer on a file system without locks was seen alive, then killed."""
    folder = tmp_path / "run"
    folder.mkdir()
    runs.Log(folder).write("started", dataset="digits", epochs=2, batches=12, resumed_from=None)
    holder = python(without_locks, "print(runs.Lock(folder).acquire(), flush=True); time.sleep(60)", folder)
    assert holder.stdout.readline() == "True\n"
    assert python(without_locks, "print(runs.liveness(folder), runs.Lock(folder).acquire())", folder).communicate()[
        0
    ] == ("alive False\n")
    assert runs.is_alive(folder)
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    return folder


@posix
def test_without_locks_host_process_and_heartbeat_say_who_lives(killed: Path, without_locks: dict[str, str]) -> None:
    code = "print(runs.liveness(folder), (one := runs.Lock(folder)).acquire()); one.release()"
    assert python(without_locks, code, killed).communicate()[0] == "dead True\n"
    assert not (killed / "holder").exists()


NOBODY = 2**22 + 1  # no process of this host has such a number


@posix
def test_a_trainer_on_another_host_is_never_called_killed(
    killed: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (killed / "holder").write_text(json.dumps({"host": "node7 x", "pid": NOBODY}))
    assert runs.is_alive(killed)  # its last sign of life is fresh
    os.utime(killed / "holder", (time.time() - 3600,) * 2)
    assert runs.liveness(killed) == "unsure"
    assert runs.read(killed).status == (
        "no sign of life before the first epoch was complete (digits): it may still train on another machine"
    )
    with pytest.raises(SettingsError, match=f"still: process {NOBODY} on node7, whose last sign of life is 3600"):
        claim.hold(killed, [])
    claim.hold(killed, [], force=True).lock.release()
    assert runs.liveness(killed) == "dead"


@posix
def test_a_heart_beats_while_the_lock_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OSError(lock.errno.ENOLCK, "No locks available")

    monkeypatch.setattr(lock.fcntl, "flock", refused)
    monkeypatch.setattr(lock, "BEAT", 0.01)
    held = runs.Lock(tmp_path)
    assert held.acquire()
    os.utime(tmp_path / "holder", (0, 0))
    deadline = time.monotonic() + 30
    while (tmp_path / "holder").stat().st_mtime < 1:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    held.release()
    assert not (tmp_path / "holder").exists()


# --- the same seed, the same bytes -------------------------------------------------------------------------------


def test_weights_are_the_same_bytes_every_time() -> None:
    program = """
import hashlib, torch
from cnn import models, weights
torch.manual_seed(0)
facts = {"model": "tiny", "dataset": "digits", "mean": "0.1", "deviation": "0.3"}
print(hashlib.sha256(weights.write(models.build("tiny"), facts)).hexdigest())
"""
    said = {subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True).stdout for _ in range(4)}
    assert [len(each.split()) for each in said] == [1]


def test_weights_in_order_are_what_the_library_reads(tmp_path: Path) -> None:
    from safetensors import safe_open
    from safetensors.torch import save
    from torch import arange, equal

    tensors, facts = {"b": arange(3.0), "a": arange(4).reshape(2, 2)}, {"z": "1", "a": "ä"}
    (tmp_path / "file").write_bytes(weights.in_order(save(tensors, facts)))
    with safe_open(tmp_path / "file", "pt") as found:
        assert found.metadata() == facts
        assert all(equal(found.get_tensor(name), value) for name, value in tensors.items())


@posix
def test_who_waits_for_a_lock_that_is_removed_takes_a_new_one(tmp_path: Path) -> None:
    first, second = lock.Lock(tmp_path), lock.Lock(tmp_path)
    assert first.acquire()
    remover = threading.Timer(0.3, first.remove)
    remover.start()
    assert second.acquire()
    remover.join()
    assert runs.is_alive(tmp_path)
    second.release()
