"""`start.py train` leaves each finished run's workbook beside it, whatever happens to the workbook."""

import subprocess
import sys
from pathlib import Path

import openpyxl

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


def test_a_workbook_that_cannot_be_written_is_said_and_the_run_is_finished(tmp_path: Path) -> None:
    (tmp_path / "run" / RESULTS_FILE).mkdir(parents=True)
    done = train(tmp_path, "--out", tmp_path / "run")
    assert done.returncode == 0
    assert str(tmp_path / "run" / RESULTS_FILE) in done.stderr
    assert runs.read(tmp_path / "run").is_finished
