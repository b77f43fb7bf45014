"""The benchmarks: no row is printed of runs that were trained otherwise, and nothing is claimed that was not seen."""

from pathlib import Path

import pytest

from benchmarks import cnn as benchmark
from benchmarks import gpu, record
from cnn import runs
from cnn.runs.config import write_config
from cnn.runs.settings import SettingsError, check_settings, words

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
    figures = "| 2,440 | 99.200 ± 0.158 | 99.00 | 99.40 | 99.00 99.20 99.10 99.30 99.40 | 99.33 | 99.45 |"
    assert row.endswith(f"{figures} {benchmark.ROWS['tiny'].looks} |")


def test_a_row_of_runs_with_other_settings_is_refused(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = benchmark.Row("--model tiny --epochs 15 --batch-size 64", 99.2, 99.4, 0)
    monkeypatch.setitem(benchmark.ROWS, "tiny", other)
    with pytest.raises(SettingsError, match="--batch-size is 64, but seed-0 was started with 256"):
        benchmark.table()
    assert not results.exists()


def test_t_is_students_own_of_his_ten_patients() -> None:
    """Hours of sleep gained (Student, Biometrika 6, 1908, page 20): t = 4.06 by today's definition."""
    assert benchmark.t_value([1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4]) == pytest.approx(4.06, abs=0.005)


def test_without_a_card_nothing_is_claimed_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(record, "RESULTS", tmp_path / "RESULTS.md")
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert gpu.main() == 0
    (row,) = [line for line in record.RESULTS.read_text("utf-8").splitlines() if line.startswith("| everything")]
    assert row == "| everything | unseen: there was none |"
    record.RESULTS.write_text(record.RESULTS.read_text("utf-8").replace("unseen: there was none", "0.3 s"))
    assert gpu.main() == 0
    assert "0.3 s" in record.RESULTS.read_text("utf-8")  # what a card has shown is kept
    assert capsys.readouterr().out.count("There is no card here.") == 2


def test_what_a_card_is_asked_can_be_tried_without_one() -> None:
    options = words({"model": "tiny", "dataset": "digits", "epochs": 2, "batch_size": 64, "learning_rate": 0.01})
    found = {question: answer for question, answer, _ in gpu.measured("cpu", options)}
    assert found["the same weights from the same seed twice"] == "yes"
    assert found["test images in the same class as on the CPU"] == "360 of 360"
    assert found["largest difference of a gradient, of its largest"] == "0.0e+00"
    assert found["largest copy to the card in an epoch"] == "0 bytes of 0 copies"


def test_only_copies_to_the_card_count() -> None:
    events = [
        {"name": "Memcpy HtoD (Pageable -> Device)", "args": {"bytes": 2048}},
        {"name": "Memcpy DtoH (Device -> Pageable)", "args": {"bytes": 8}},
        {"name": "aten::copy_", "args": {}},
        {"ph": "M"},
    ]
    assert gpu.copies({"traceEvents": events}) == [2048]


def test_what_is_no_device_gets_the_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert gpu.main("--help") == 2
    assert "python -m benchmarks.gpu [DEVICE]" in capsys.readouterr().out
