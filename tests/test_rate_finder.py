"""The learning-rate range test: its curve, its suggestion, and that it touches nothing else."""

import csv
import itertools
from pathlib import Path

import pytest
import torch

from cnn import rate_finder, runs, train
from tests.trainer import DIGITS


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BACKPROP_HOME", str(tmp_path))
    return tmp_path


def test_it_writes_the_curve_and_suggests_a_rate_before_its_lowest_point(home: Path, capsys) -> None:
    threads = torch.get_num_threads()
    assert train.main([*DIGITS[:-2], "--find-rate"]) == 0
    torch.set_num_threads(threads)
    (folder,) = (home / "rates").iterdir()
    assert runs.list_runs() == []
    lines = csv.DictReader((folder / "rates.csv").read_text().splitlines())
    found = [(float(line["learning_rate"]), float(line["train_loss"])) for line in lines]
    growth = [after[0] / before[0] for before, after in itertools.pairwise(found)]
    assert found[0][0] == rate_finder.LOWEST
    assert growth == pytest.approx([growth[0]] * len(growth))
    lowest = min(found, key=lambda pair: pair[1])
    assert 1e-3 < lowest[0] / 3 < 0.3
    assert f"suggested: --learning-rate {lowest[0] / 3:.2g};" in capsys.readouterr().out
    assert (folder / "rates.png").read_bytes().startswith(b"\x89PNG")


def test_it_gives_up_where_the_loss_only_grows() -> None:
    falling = [(1.0, 2.0), (2.0, 1.0), (3.0, 1.0), (4.0, 1.0)]
    assert len(list(rate_finder.smoothed(iter([*falling, *[(9.0, 1000.0)] * 50])))) == 4


def test_smoothing_is_without_bias_at_the_start() -> None:
    assert [loss for _, loss in rate_finder.smoothed(iter([(1.0, 2.5), (2.0, 2.5), (3.0, 2.5)]))] == pytest.approx(
        [2.5] * 3
    )


OTHERS = {("--seeds", "0-4"): "not allowed with", ("--resume",): "Leave --find-rate out"}


@pytest.mark.parametrize("options", OTHERS)
def test_it_goes_with_no_other_way_to_train(options: tuple, home: Path, capsys) -> None:
    assert train.main(["--find-rate", *options]) == 2
    assert OTHERS[options] in capsys.readouterr().err
