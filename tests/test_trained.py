"""`start.py train` leaves each finished run's workbook beside it, whatever happens to the workbook."""

import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest

from addin import trained
from cnn import runs
from tests.trainer import DIGITS, variables
from xlsx.contract import RESULTS_FILE


def train(home: Path, *options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "addin.trained", "train", *DIGITS, "--epochs", "1", *map(str, options)]
    return subprocess.run(command, env=variables(home), capture_output=True, text=True, timeout=120)


def test_every_run_of_a_series_has_its_workbook(tmp_path: Path) -> None:
    done = train(tmp_path, "--seeds", "0,1", "--out", tmp_path / "series")
    assert done.returncode == 0, done.stderr
    for seed in (0, 1):
        book = openpyxl.load_workbook(tmp_path / "series" / f"seed-{seed}" / RESULTS_FILE)
        assert book.sheetnames == ["Summary", f"seed-{seed}", "Classes", "Mistakes", "Layers"]
        assert book["Summary"]["L5"].value.startswith("finished: 1 epoch")
        counts = [cell.value for row in book["Classes"].iter_rows(5, 14, 2, 11) for cell in row]
        assert sum(counts) == 360


def test_a_workbook_that_cannot_be_written_is_said_and_the_run_is_finished(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert train(tmp_path, "--out", run).returncode == 0
    (run / RESULTS_FILE).unlink()
    (run / RESULTS_FILE).mkdir()
    trained.write_results(run)
    assert str(run / RESULTS_FILE) in capsys.readouterr().err
    assert runs.read(run).is_finished
