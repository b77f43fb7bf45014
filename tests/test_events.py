"""What TensorBoard shows of a run is what its log says, after a kill too; without the package nothing is begun."""

import os
import time
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="python start.py setup without --no-torch")
pytest.importorskip("tensorboard")

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from cnn import events, runs, train
from cnn.runs import command
from tests.trainer import DIGITS, start, wait_for_batch

pytestmark = pytest.mark.usefixtures("home")


def run(*options: object) -> int:
    return train.main([str(option) for option in (*DIGITS, "--tensorboard", *options)])


def shown(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Each curve that TensorBoard draws: its epochs and values."""
    found = EventAccumulator(str(folder / "tensorboard")).Reload()
    return {name: [(each.step, each.value) for each in found.Scalars(name)] for name in found.Tags()["scalars"]}


def logged(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """The same by the log."""
    epochs = runs.read(folder).epochs
    names = [name for name in runs.EPOCH_KEYS if name != "epoch"]
    return {events.tag(name): [(each["epoch"], pytest.approx(each[name])) for each in epochs] for name in names}


def test_every_figure_of_every_epoch_is_there(tmp_path: Path) -> None:
    assert run("--epochs", 2, "--out", tmp_path / "run") == 0
    assert shown(tmp_path / "run") == logged(tmp_path / "run")
    assert {"loss/train", "accuracy/test", "learning_rate"} <= {*shown(tmp_path / "run")}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_killed_run_has_each_epoch_once(tmp_path: Path) -> None:
    trainer = start(tmp_path, *DIGITS, "--tensorboard", "--epochs", 4, "--out", tmp_path / "run")
    wait_for_batch(tmp_path / "run", 3)
    trainer.kill()
    trainer.communicate()
    time.sleep(1)  # TensorBoard reads files in the order of their seconds, and a person takes longer, too
    assert train.main(["--resume", str(tmp_path / "run"), "--tensorboard"]) == 0
    assert [epoch for epoch, _ in shown(tmp_path / "run")["loss/test"]] == [1, 2, 3, 4]
    assert shown(tmp_path / "run") == logged(tmp_path / "run")


def test_the_runs_of_a_series_write_theirs(tmp_path: Path) -> None:
    assert run("--epochs", 1, "--seeds", "0-1", "--out", tmp_path / "series") == 0
    for name in ("seed-0", "seed-1"):
        assert shown(tmp_path / "series" / name) == logged(tmp_path / "series" / name)


def test_without_the_package_nothing_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(command, "find_spec", {}.get)  # as where it is not installed
    assert run("--out", tmp_path / "run") == 1
    assert "python -m pip install tensorboard" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
