"""Runs that go on: from another run's weights (--more), and in a queue that starts the same job again."""

import json
import os
import shutil
from pathlib import Path

import pytest
import torch

pytest.importorskip("torch", reason="python start.py setup without --no-torch")

from safetensors.torch import load_file

from cnn import runs, session, train
from tests.interrupted import figures
from tests.trainer import DIGITS, start, wait_for_batch

pytestmark = pytest.mark.usefixtures("home")
posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parent") / "run"
    assert run(*DIGITS, "--epochs", 2, "--average", 0, "--out", folder) == 0
    return folder


def run(*options: object) -> int:
    return train.main([str(option) for option in options])


def config(folder: Path) -> dict:
    return json.loads((folder / "config.json").read_text())


# --- from another run's weights -----------------------------------------------------------------------------------


def test_a_run_begins_with_the_weights_of_another(parent: Path, tmp_path: Path) -> None:
    still = ("--learning-rate", 1e-12, "--weight-decay", 0, "--average", 0)  # so that the weights stay as they were
    assert run("--more", 1, parent, *still, "--out", tmp_path / "run") == 0
    before, after = load_file(parent / runs.WEIGHTS), load_file(tmp_path / "run" / runs.WEIGHTS)
    learnt = [name for name in before if "running" not in name and "tracked" not in name]
    assert len(learnt) > 5
    for name in learnt:
        torch.testing.assert_close(after[name], before[name], rtol=0, atol=1e-9)


def test_it_has_the_parents_settings_but_for_those_given_and_names_it(parent: Path, tmp_path: Path) -> None:
    assert run("--more", 3, parent, "--learning-rate", 0.005, "--out", tmp_path / "run") == 0
    own, old = config(tmp_path / "run"), config(parent)
    assert (own["epochs"], own["learning_rate"], own["parent"]) == (3, 0.005, str(parent))
    assert [own[name] for name in ("model", "dataset", "batch_size", "average")] == ["tiny", "digits", 128, 0]
    assert "parent" not in old
    rates = [epoch["learning_rate"] for epoch in runs.read(tmp_path / "run").epochs]
    assert rates[-1] < rates[0] <= 0.005  # its own schedule, from its own beginning to its own end


@posix
def test_it_finds_the_parents_images_where_they_are_of_the_same_set(parent: Path, tmp_path: Path) -> None:
    begun = {**config(parent), "dataset": "mnist", "data_dir": "/data/sets"}
    (tmp_path / "config.json").write_text(json.dumps(begun))
    assert session.images_of(tmp_path, "mnist") == "/data/sets"
    assert session.images_of(tmp_path, "fashionmnist") is None


def test_it_is_resumed_before_its_first_epoch_though_the_parent_is_gone(parent: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(parent, tmp_path / "copy")
    options = ("--more", 2, copy, "--augment", "none")
    trainer = start(tmp_path, *options, "--batch-size", 4, "--out", tmp_path / "run")
    wait_for_batch(tmp_path / "run", 1)
    trainer.kill()
    trainer.communicate()
    shutil.rmtree(copy)
    assert runs.read(tmp_path / "run").epochs == []
    assert run("--resume", tmp_path / "run") == 0
    assert figures(tmp_path / "run")[0]["train_loss"] < 1.0  # from random weights it is above 2


@posix
def test_a_killed_one_ends_as_if_it_had_not_been_killed(parent: Path, tmp_path: Path) -> None:
    options = ("--more", 3, parent)
    assert run(*options, "--out", tmp_path / "whole") == 0
    trainer = start(tmp_path, *options, "--out", tmp_path / "run")
    wait_for_batch(tmp_path / "run", 2)
    trainer.kill()
    trainer.communicate()
    assert run("--resume", tmp_path / "run") == 0
    assert figures(tmp_path / "run") == figures(tmp_path / "whole")


REFUSED = {
    "--model is tuned, but run is tiny": ("--model", "tuned"),
    "--epochs and --more both say how many epochs": ("--epochs", 3),
    "not allowed with argument --more": ("--seeds", "0-2"),
    "--validate holds out images, and run has learnt from all": ("--validate",),
}


@pytest.mark.parametrize("said", REFUSED)
def test_what_contradicts_it_is_refused(said: str, parent: Path, tmp_path: Path, capsys) -> None:
    assert run("--more", 2, parent, *REFUSED[said], "--out", tmp_path / "run") == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_parent_that_is_missing_unfinished_or_spoilt_is_named(parent: Path, tmp_path: Path, capsys) -> None:
    assert run("--more", 2, tmp_path / "none") == 2
    assert f"There is no run {tmp_path / 'none'}" in capsys.readouterr().err
    unfinished = shutil.copytree(parent, tmp_path / "unfinished")
    lines = (unfinished / "log.jsonl").read_bytes().splitlines(keepends=True)
    (unfinished / "log.jsonl").write_bytes(b"".join(lines[:-1]))
    assert run("--more", 2, unfinished) == 2
    assert "unfinished has not finished. Go on with it first: --resume." in capsys.readouterr().err
    spoilt = shutil.copytree(parent, tmp_path / "spoilt")
    (spoilt / runs.WEIGHTS).write_bytes((parent / runs.WEIGHTS).read_bytes()[:-9])
    assert run("--more", 2, spoilt) == 1
    assert "weights.safetensors is cut short or damaged" in capsys.readouterr().err
    assert not list((tmp_path / "home" / "runs").glob("*"))


# --- in a queue ---------------------------------------------------------------------------------------------------


@posix
def test_the_same_job_begins_goes_on_and_leaves_a_finished_run_alone(tmp_path: Path, capsys) -> None:
    job = (*DIGITS, "--epochs", 3, "--resume-or-begin", tmp_path / "run")
    trainer = start(tmp_path, *job)
    wait_for_batch(tmp_path / "run", 2)
    trainer.kill()
    trainer.communicate()
    complete = len(runs.read(tmp_path / "run").epochs)
    assert run(*job) == 0
    events = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [each["resumed_from"] for each in events if each["event"] == "started"] == [None, complete]
    assert run(*DIGITS, "--epochs", 3, "--out", tmp_path / "whole") == 0
    assert figures(tmp_path / "run") == figures(tmp_path / "whole")
    before = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    capsys.readouterr()
    assert run(*job) == 0
    assert "finished: 3 epochs" in capsys.readouterr().out
    assert before == {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    assert run(*job, "--target", 100) == 3
    assert run(*DIGITS, "--epochs", 4, "--resume-or-begin", tmp_path / "run") == 2
    assert "--epochs is 4, but run was started with 3" in capsys.readouterr().err


def test_a_series_and_a_run_with_a_parent_are_begun_so_too(parent: Path, tmp_path: Path, capsys) -> None:
    job = (*DIGITS, "--epochs", 1, "--seeds", "0-1", "--resume-or-begin", tmp_path / "series")
    assert [run(*job), run(*job), run("--resume-or-begin", tmp_path / "series")] == [0, 0, 0]
    assert [len(runs.read(tmp_path / "series" / f"seed-{seed}").epochs) for seed in (0, 1)] == [1, 1]
    gone = shutil.copytree(parent, tmp_path / "gone")
    job = ("--more", 1, gone, "--resume-or-begin", tmp_path / "run")
    assert run(*job) == 0
    shutil.rmtree(gone)
    assert run(*job) == 0  # it has finished: nothing is looked for
    for epochs, other in ((2, gone), (1, tmp_path / "another"), (1, tmp_path / "series/seed-0")):
        assert run("--more", epochs, other, "--resume-or-begin", tmp_path / "run") == 2
        said = "--epochs is 2, but run was started with 1" if epochs == 2 else f"but run began with {gone}"
        assert said in capsys.readouterr().err
    assert run("--more", 1, parent, "--resume-or-begin", tmp_path / "series/seed-0") == 2
    assert "but seed-0 began with no other run" in capsys.readouterr().err
    assert run("--find-rate", "--resume-or-begin", tmp_path / "rates") == 2
    assert "--resume-or-begin says nothing to --find-rate" in capsys.readouterr().err
