"""The benchmarks' tables: no row is printed of runs that were trained otherwise."""

from pathlib import Path

import pytest

from benchmarks import cnn as benchmark
from benchmarks import record
from cnn import runs
from cnn.runs.config import write_config
from cnn.runs.settings import SettingsError, check_settings

ACCURACIES = (0.99, 0.992, 0.991, 0.993, 0.994)


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """RESULTS.md, still to be written, and five finished runs of the row "tiny"."""
    monkeypatch.setenv("BACKPROP_HOME", str(tmp_path))
    monkeypatch.setattr(record, "RESULTS", tmp_path / "RESULTS.md")
    for folder, accuracy in zip(benchmark.seed_folders("tiny"), ACCURACIES, strict=True):
        folder.mkdir(parents=True)
        seed = int(folder.name.removeprefix("seed-"))
        write_config(folder, check_settings({"model": "tiny", "epochs": 15, "seed": seed, "device": "cpu"}), {}, None)
        log = runs.Log(folder)
        log.write("started", dataset="mnist", epochs=1, batches=1, parameters=2440)
        log.write("epoch", epoch=1, test_accuracy=accuracy)
        log.write("finished", epoch=1)
    return tmp_path / "RESULTS.md"


def test_a_row_is_the_mean_and_the_deviation_of_its_five_seeds(results: Path) -> None:
    benchmark.table()
    (row,) = [line for line in results.read_text("utf-8").splitlines() if "tiny" in line]
    figures = "| 2,440 | 99.200 ± 0.158 | 99.00 | 99.40 | 99.00 99.20 99.10 99.30 99.40 | 99.20 | 99.40 |"
    assert row.endswith(figures)


def test_a_row_of_runs_with_other_settings_is_refused(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = benchmark.Row("--model tiny --epochs 15 --batch-size 64", 99.2, 99.4)
    monkeypatch.setitem(benchmark.ROWS, "tiny", other)
    with pytest.raises(SettingsError, match="--batch-size is 64, but seed-0 was started with 256"):
        benchmark.table()
    assert not results.exists()
