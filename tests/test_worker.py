"""The worker process behind Calc's cells, with real processes and real signals; the office's side is bridge.py."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from addin import __version__
from addin.calc import bridge as bridge_module
from addin.calc.bridge import Bridge
from addin.calc.pipe import PolledPipe, ThreadedPipe, packed, receive

PROJECT = Path(__file__).resolve().parents[1]
LOSS = (((0.15, 0.2, 0.25, 0.3, 0.4, 0.45, 0.5, 0.55),), ((0.05, 0.1),), ((0.01, 0.99),), None)
E_TOTAL = 0.24251985734837728

pytestmark = pytest.mark.skipif(os.name == "nt", reason="real signals are POSIX")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BACKPROP_HOME", str(tmp_path))
    write_environment(tmp_path)
    return tmp_path


def write_environment(home: Path, **changed: str) -> None:
    found = {"interpreter": sys.executable, "project": str(PROJECT), "version": __version__, **changed}
    (home / "environment.json").write_text(json.dumps(found))


@pytest.fixture(params=[PolledPipe, ThreadedPipe])
def bridge(request: pytest.FixtureRequest, home: Path, monkeypatch: pytest.MonkeyPatch):
    """A bridge over each kind of pipe: the one of this system, and that of Windows."""
    monkeypatch.setattr(bridge_module, "Pipe", request.param)
    monkeypatch.setattr(bridge_module, "PAUSE", 0.0)
    bridge = Bridge()
    yield bridge
    bridge.end()


def loss(bridge: Bridge) -> object:
    return bridge.call("BACKPROP_LOSS", LOSS)[0][-1]


def pid(bridge: Bridge) -> int:
    return bridge._worker.process.pid


def test_one_worker_answers_every_call(bridge: Bridge) -> None:
    assert loss(bridge) == pytest.approx(E_TOTAL, abs=1e-15)
    first = pid(bridge)
    assert loss(bridge) == pytest.approx(E_TOTAL, abs=1e-15)
    assert pid(bridge) == first


def test_a_killed_worker_is_replaced_within_the_next_call(bridge: Bridge) -> None:
    loss(bridge)
    first = pid(bridge)
    os.kill(first, signal.SIGKILL)
    assert loss(bridge) == pytest.approx(E_TOTAL, abs=1e-15)
    assert pid(bridge) != first


def test_a_worker_killed_within_a_call_is_asked_again(bridge: Bridge) -> None:
    loss(bridge)
    first = pid(bridge)
    killer = subprocess.Popen(["sh", "-c", f"sleep 0.3; kill -9 {first}"])
    many = bridge.call("BACKPROP_TRAIN", (*LOSS[:3], 0.5, 40_000.0, None, None))
    killer.wait()
    assert len(many) == 40_001
    assert pid(bridge) != first


def test_a_hung_worker_is_ended_said_and_replaced(bridge: Bridge) -> None:
    loss(bridge)
    first = pid(bridge)
    os.kill(first, signal.SIGSTOP)
    bridge.timeout = 0.5
    assert "#python: no answer in" in loss(bridge)
    bridge.timeout = 20.0
    assert loss(bridge) == pytest.approx(E_TOTAL, abs=1e-15)
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)


def test_a_hung_worker_that_takes_no_more_is_ended_too(bridge: Bridge) -> None:
    loss(bridge)
    os.kill(pid(bridge), signal.SIGSTOP)
    bridge.timeout = 0.5
    samples = tuple((0.05, 0.1) for _ in range(100_000))  # more than a pipe holds
    assert "#python: no answer in" in bridge.call("BACKPROP_PREDICT", (LOSS[0], samples, None))[0][0]


def test_the_worker_ends_with_the_office_even_when_that_is_killed(home: Path) -> None:
    code = (
        "from addin.calc.bridge import Bridge; b = Bridge(); b.call('BACKPROP_VERSION', ());"
        "print(b._worker.process.pid, flush=True); import time; time.sleep(60)"
    )
    office = subprocess.Popen([sys.executable, "-c", code], cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    worker = int(office.stdout.readline())
    office.kill()
    office.wait()
    office.stdout.close()
    end = time.monotonic() + 5
    while Path(f"/proc/{worker}/cmdline").exists() and Path(f"/proc/{worker}/cmdline").read_bytes():
        assert time.monotonic() < end, "the worker outlives its office"
        time.sleep(0.02)


def test_what_the_mathematics_prints_does_not_reach_the_pipe(home: Path) -> None:
    code = (
        "import addin.calc.worker as w; w.functions.FUNCTIONS['BACKPROP_VERSION'] = type('F', (), "
        "{'compute': staticmethod(lambda: (print('noise'), [['quiet']])[1])}); w.serve(w.answer)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdin.write(packed(("BACKPROP_VERSION", ())))
    process.stdin.flush()
    assert receive(process.stdout.read) == [["quiet"]]
    assert b"noise" in process.communicate()[1]


def test_a_fault_of_our_own_is_one_text_and_its_traceback_is_logged(bridge: Bridge, home: Path) -> None:
    answer = bridge.call("BACKPROP_LOSS", ("too", "few"))
    assert answer[0][0].startswith("#BACKPROP_LOSS: TypeError")
    assert "Traceback" in (home / "worker.log").read_text()
    assert loss(bridge) == pytest.approx(E_TOTAL, abs=1e-15)


def test_without_an_environment_the_cell_says_what_to_run(bridge: Bridge, home: Path) -> None:
    (home / "environment.json").unlink()
    assert "#python: no environment" in loss(bridge)
    assert "python start.py" in loss(bridge)


def test_a_missing_interpreter_is_named(bridge: Bridge, home: Path) -> None:
    write_environment(home, interpreter="/nowhere/python")
    assert "#python: /nowhere/python is gone" in loss(bridge)


def test_a_project_of_another_version_is_refused(bridge: Bridge, home: Path) -> None:
    write_environment(home, version="0.0.1")
    assert f"the extension is {__version__}, the project 0.0.1" in loss(bridge)


def test_a_worker_that_ends_at_once_is_said_and_its_log_named(bridge: Bridge, home: Path) -> None:
    write_environment(home, project=str(home))
    assert "#python: the worker ended" in loss(bridge)
    assert str(home / "worker.log") in loss(bridge)


def test_after_a_failure_the_other_cells_do_not_wait(
    bridge: Bridge, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge_module, "PAUSE", 30.0)
    write_environment(home, interpreter="/nowhere/python")
    first = loss(bridge)
    write_environment(home)
    assert loss(bridge) == first
    monkeypatch.setattr(bridge, "_until", 0.0)
    assert loss(bridge) == pytest.approx(E_TOTAL, abs=1e-15)


def test_the_office_s_own_python_variables_do_not_reach_the_worker(bridge: Bridge, monkeypatch) -> None:
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    monkeypatch.setenv("PYTHONSAFEPATH", "1")
    monkeypatch.setenv("URE_BOOTSTRAP", "x")
    assert loss(bridge) == pytest.approx(E_TOTAL, abs=1e-15)
