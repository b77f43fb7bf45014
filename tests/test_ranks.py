"""One run in several processes, as torchrun starts them: the numbers, what a dead process does, stop and resume."""

import contextlib
import os
import signal
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch

pytest.importorskip("torch", reason="python start.py setup without --no-torch")

from safetensors.torch import load_file
from torch.nn import functional as F

from cnn import along, data, epochs, machine, ranks, recipe, runs, training
from cnn.runs import processes
from cnn.runs.log import parse
from cnn.runs.settings import check_settings
from cnn.session import Session, nothing_more
from cnn.stop import Stop
from tests.trainer import PROJECT, variables, wait_for_batch, wait_until

pytestmark = pytest.mark.skipif(os.name == "nt", reason="PyTorch for Windows has no gloo that torchrun can use")
MORE = 25  # epochs, of which some are left when a process is killed
UPDATES = {"dataset": "digits", "model": "tiny", "device": "cpu", "precision": "float32", "seed": 3}
UPDATES |= {"optimizer": "sgd", "learning_rate": 0.01, "average": 0.0, "augment": "none"}
UPDATES |= {"batch_size": 146, "epochs": 2}  # 20 updates; a last batch of 123 images
PLAIN = [f"--{name.replace('_', '-')}={value}" for name, value in UPDATES.items()]
LEARNING = ("--dataset=digits", "--model=tiny", "--device=cpu", "--batch-size=128", f"--epochs={MORE}")


def together(home: Path, processes: int, *options: object, **popen: object) -> subprocess.Popen:
    """Start the trainer by torchrun."""
    return by_torchrun(home, processes, "cnn.train", *options, **popen)


def by_torchrun(home: Path, processes: int, module: str, *options: object, **popen: object) -> subprocess.Popen:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", processes]
    return subprocess.Popen(
        [*map(str, command), "-m", module, *map(str, options)],
        env=variables(home, OMP_NUM_THREADS="1"),
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **popen,
    )


def finished(process: subprocess.Popen) -> str:
    """What it says on stderr, once it has ended well."""
    _, complaint = process.communicate(timeout=120)
    assert process.returncode == 0, complaint
    return complaint


def children(process: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def prepared(precision: torch.dtype) -> training.TrainingState:
    """The training of UPDATES. In float32 the last digits soon decide which ReLU lets through what."""
    made = training.prepare(check_settings(UPDATES), None, lambda text: None)
    made.network.to(precision)
    parts = {name: getattr(made.images, name) for name in ("train", "test")}
    exact = {name: data.Split(part.images.to(precision), part.labels) for name, part in parts.items()}
    made.images = replace(made.images, **exact)
    return made


def of_several_processes(out: str) -> None:
    """In each process that torchrun has started for `python -m tests.test_ranks`: train together, and save."""
    made = prepared(torch.float64)
    with ranks.joined():
        epochs.follow(made, lambda: None)
    if made.ranks.rank == 0:
        torch.save(made.network.state_dict(), out)
    processes.end_at_once(0)


def of_one_process(shards: int, precision: torch.dtype) -> dict[str, torch.Tensor]:
    """The weights after the updates, each by the mean of all shards' gradients, one shard after the other."""
    made = prepared(precision)
    images, updates = made.images.train, UPDATES["epochs"] * made.batches
    made.network.train()
    for epoch in range(1, UPDATES["epochs"] + 1):
        machine.seed_epoch(UPDATES["seed"], epoch)
        batches = images.batches(UPDATES["batch_size"], torch.randperm(len(images)))
        for update, (pixels, labels) in enumerate(batches, 1 + (epoch - 1) * made.batches):
            made.optimizer.zero_grad()
            bounds = [len(labels) * number // shards for number in range(shards + 1)]
            for first, end in pairwise(bounds):
                loss = F.cross_entropy(made.network(pixels[first:end]), labels[first:end])
                (loss * ((end - first) * shards / len(labels))).backward()
            for weight in made.network.parameters():
                weight.grad /= shards
            for group in made.optimizer.param_groups:
                group["lr"] = recipe.learning_rate(made.settings, update, updates)
            made.optimizer.step()
    return {name: value.detach() for name, value in made.network.named_parameters()}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def largest_difference(found: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]) -> float:
    return max(float((found[name] - value).abs().max()) for name, value in wanted.items())


@pytest.mark.parametrize("processes", [2, 3])  # whose shares of 146 images are not equal
def test_after_20_updates_the_weights_are_those_of_one_process_on_the_same_shards(
    home: Path, tmp_path: Path, processes: int
) -> None:
    finished(by_torchrun(home, processes, "tests.test_ranks", tmp_path / "weights.pt"))
    found = torch.load(tmp_path / "weights.pt")
    assert largest_difference(found, of_one_process(processes, torch.float64)) < 1e-12
    assert largest_difference(found, of_one_process(1, torch.float64)) > 1e-3


def test_the_command_trains_these_weights(home: Path, tmp_path: Path) -> None:
    finished(together(home, 2, *PLAIN, "--out", tmp_path / "run"))
    found = load_file(tmp_path / "run" / runs.WEIGHTS)
    assert largest_difference(found, of_one_process(2, torch.float32)) < 1e-6
    read = runs.read(tmp_path / "run")
    assert (read.started["processes"], read.started["batches"], read.is_finished) == (2, 10, True)
    assert "    torchrun --nproc-per-node 2 -m cnn.train --" in (tmp_path / "run" / "model-card.md").read_text("utf-8")


def shards(folder: Path) -> list[list[int]]:
    lines = map(parse, (folder / "log.jsonl").read_bytes().splitlines())
    return [line["images"] for line in lines if line["event"] == "shards"]


@pytest.fixture(scope="module")
def whole(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An uninterrupted run of two processes, by the recipe: elastic, with an average."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    finished(together(home, 2, *LEARNING, "--out", folder))
    return folder


def test_each_image_is_seen_once_an_epoch_and_the_figures_count_all(whole: Path) -> None:
    assert len(shards(whole)) == MORE
    assert all(sum(each) == 1437 and max(each) - min(each) <= 12 for each in shards(whole))
    for line in runs.read(whole).epochs:
        assert (line["train_accuracy"] * 1437) % 1 == pytest.approx(0, abs=1e-6)
        assert (line["test_accuracy"] * 360) % 1 == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("rank", [0, 1])
def test_where_one_process_dies_all_end_the_log_says_so_and_the_run_resumes(
    home: Path, whole: Path, tmp_path: Path, rank: int
) -> None:
    folder = tmp_path / "run"
    process = together(home, 2, *LEARNING, "--out", folder)
    wait_until(lambda: folder.exists() and runs.read(folder).epochs)
    wait_for_batch(folder, len(runs.read(folder).epochs) + 1)
    first = runs.read(folder).started["pid"]
    mates = children(process.pid)
    os.kill(first if rank == 0 else next(each for each in mates if each != first), signal.SIGKILL)
    process.communicate(timeout=40)
    assert process.returncode
    assert not any(Path(f"/proc/{each}").exists() for each in mates)
    read = runs.read(folder)
    assert read.end["event"] == "failed", read.end
    assert "Another of the run's processes has ended" in read.status
    assert 0 < len(read.epochs) < MORE
    finished(together(home, 2, "--resume", folder))
    assert len(runs.read(folder).epochs) == MORE
    assert (folder / runs.WEIGHTS).read_bytes() == (whole / runs.WEIGHTS).read_bytes()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_all_of_them_after_their_complete_epochs(
    home: Path, tmp_path: Path, number: signal.Signals
) -> None:
    folder = tmp_path / "run"
    process = together(home, 2, *LEARNING, "--out", folder, start_new_session=True)
    wait_until(lambda: folder.exists() and runs.read(folder).epochs)
    os.killpg(process.pid, number)
    said = process.communicate(timeout=40)[0]
    read = runs.read(folder)
    assert (read.end["event"], read.alive) == ("stopped", False), read.end
    assert f"to go on: torchrun --nproc-per-node 2 -m cnn.train --resume {folder}\n" in said
    assert 0 < len(read.epochs) < MORE


@pytest.mark.parametrize(
    ("processes", "options", "said"),
    [
        (2, ("--seeds", "0-1"), "a series is none"),
        (2, ("--find-rate",), "--find-rate is none"),
        (2, ("--batch-size", "3"), "Take at least 4, or fewer processes."),
    ],
)
def test_what_cannot_be_shared_is_refused_in_a_line(
    home: Path, tmp_path: Path, processes: int, options: tuple, said: str
) -> None:
    process = together(home, processes, "--dataset", "digits", "--out", tmp_path / "run", *options)
    _, complaint = process.communicate(timeout=60)
    assert process.returncode
    assert said in complaint


def test_an_error_that_should_not_happen_is_traced_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(ranks, "joined", contextlib.nullcontext)
    monkeypatch.setattr(ranks, "receive", lambda: {"folder": str(tmp_path)})  # and no settings
    monkeypatch.setattr(Stop, "end_at_once", lambda stop: None)  # it would be the tests' own process
    assert Session(Stop(), nothing_more).carry_out(lambda: along.follow(Stop())) == 1
    complaint = capsys.readouterr().err
    assert complaint.count("Traceback") == 1
    assert "train: An error that should not happen: KeyError: 'settings'. Please report it." in complaint
    assert runs.read(tmp_path).status.startswith("failed: An error that should not happen")


def test_a_run_goes_on_with_as_many_processes_as_it_was_begun_with(home: Path, whole: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cnn.train", "--resume", str(whole)],
        env=variables(home),
        cwd=PROJECT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "was begun with 2 processes, and this is 1. Go on with torchrun --nproc-per-node 2." in done.stderr


def test_world_size_alone_is_no_torchrun(home: Path, tmp_path: Path) -> None:
    """Slurm and others set it, too."""
    done = subprocess.run(
        [sys.executable, "-m", "cnn.train", *PLAIN, "--out", str(tmp_path / "run")],
        env=variables(home, WORLD_SIZE="4"),
        cwd=PROJECT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "processes" not in runs.read(tmp_path / "run").started


if __name__ == "__main__":
    of_several_processes(sys.argv[1])
