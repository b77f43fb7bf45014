"""The worker behind Calc's cells: killed at rest and in the middle of a computation, and ended with its office."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.calc.conftest import StartOffice
from tests.calc.office import Office, wait_for

LOSS = "=BACKPROP_LOSS({0.15;0.2;0.25;0.3;0.4;0.45;0.5;0.55};{0.05;0.1};{0.01;0.99})"
TRAIN = "=BACKPROP_TRAIN({0.15;0.2;0.25;0.3;0.4;0.45;0.5;0.55};{0.05;0.1};{0.01;0.99};0.5;60000)"
E_TOTAL = 0.24251985734837728


def worker(office: Office) -> int:
    """The process id of the office's worker."""
    (pid,) = [pid for pid in office.children() if b"addin.calc.worker" in command_line(pid)]
    return pid


def command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def loss(office: Office, key: int) -> float:
    office.array(key, "Sheet1.A1:C1", LOSS)
    return office.read(key, "Sheet1.C1")[0][0]


def test_a_killed_worker_is_replaced_and_the_numbers_stay_right(office: Office, sheet: int) -> None:
    assert loss(office, sheet) == pytest.approx(E_TOTAL, abs=1e-12)
    first = worker(office)
    os.kill(first, signal.SIGKILL)
    office.calculate(sheet)
    assert loss(office, sheet) == pytest.approx(E_TOTAL, abs=1e-12)
    assert worker(office) != first


def test_a_worker_killed_in_the_middle_is_asked_again(office: Office, sheet: int) -> None:
    loss(office, sheet)
    first = worker(office)
    with subprocess.Popen(["sh", "-c", f"sleep 0.7; kill -9 {first}"]):
        office.array(sheet, "Sheet1.A3:AE5", TRAIN)
        rows = office.read(sheet, "Sheet1.A3:AE5")
    assert not command_line(first), "the kill came too late to prove anything"
    assert rows[0][:4] == [0.01, 0.99, 0.05, 0.1]
    assert all(isinstance(cell, float) for row in rows for cell in row)


@pytest.mark.parametrize("end", ["quit", "SIGKILL"])
def test_the_worker_ends_with_its_office(start_office: StartOffice, end: str) -> None:
    office = start_office()
    loss(office, office.load(""))
    pid = worker(office)
    if end == "quit":
        office.end()
    else:
        for child in office.children():
            if b"soffice.bin" in command_line(child):
                os.kill(child, signal.SIGKILL)
    wait_for(lambda: not command_line(pid), timeout=10)
