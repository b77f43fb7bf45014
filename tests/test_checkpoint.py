"""The checkpoint: whole or not written, equal after loading, and refused with a message when it is not ours."""

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from cnn import checkpoint, recipe
from cnn.checkpoint import CheckpointError
from cnn.runs.settings import check_settings

PROJECT = Path(__file__).resolve().parents[1]
RUN = {"model": "reference", "seed": 3}
EPOCHS = [{"epoch": 1, "test_loss": 0.25}, {"epoch": 2, "test_loss": 0.125}]
SAVE_FOR_EVER = """
import sys, pathlib, torch
from cnn import checkpoint
network = torch.nn.Linear(300, 300)
optimizer = torch.optim.SGD(network.parameters(), 0.01, 0.9)
for epoch in range(1, 100_000):
    parts = {"network": network, "optimizer": optimizer}
    checkpoint.save(pathlib.Path(sys.argv[1]), {"model": "reference"}, parts, [{"epoch": epoch}])
    print(epoch, flush=True)
"""


class Small:
    """A network of a few weights, and what it learns from."""

    def __init__(self, seed: int, outputs: int = 2):
        torch.manual_seed(seed)
        self.network = nn.Sequential(nn.Linear(3, outputs), nn.BatchNorm1d(outputs))
        self.optimizer = torch.optim.AdamW(self.network.parameters(), 0.1)
        self.average = recipe.make_average(self.network, 0.5)
        self.parts = {"network": self.network, "optimizer": self.optimizer, "average": self.average}

    def step(self) -> None:
        recipe.update(self.optimizer, self.network(torch.eye(4, 3)).square().sum(), 0.1)
        self.average.update_parameters(self.network)

    @property
    def state(self) -> list[float]:
        states = [*self.network.state_dict().values(), *self.average.state_dict().values()]
        return torch.cat([value.flatten().double() for value in states]).tolist()

    def save(self, path: Path, **other: object) -> None:
        checkpoint.save(path, {**RUN, **other}, self.parts, EPOCHS)

    def load(self, path: Path) -> list[dict]:
        return checkpoint.load(path, RUN, self.parts)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "checkpoint.pt"


@pytest.fixture
def trained(path: Path) -> Small:
    small = Small(seed=1)
    small.step()
    small.step()
    small.save(path)
    return small


def refused(path: Path) -> str:
    """What is said when the checkpoint is loaded; network and message alone know of it."""
    with pytest.raises(CheckpointError) as caught:
        Small(seed=2).load(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_loaded_checkpoint_goes_on_exactly_as_the_network_that_was_saved(trained: Small, path: Path) -> None:
    loaded = Small(seed=2)
    assert loaded.load(path) == EPOCHS
    assert loaded.state == trained.state
    for small in (trained, loaded):
        small.step()
    assert loaded.state == trained.state


@pytest.mark.parametrize("part", [0, 1, 100, 2000, -100, -1])
def test_a_checkpoint_cut_short_is_refused(trained: Small, path: Path, part: int) -> None:
    path.write_bytes(path.read_bytes()[:part])
    assert refused(path).startswith(f"{path} is ")
    assert checkpoint.ADVICE in refused(path)


@pytest.mark.parametrize("content", [b"not a checkpoint\n", b"<html>", bytes(500), b"\x80\x04N."])
def test_a_file_of_something_else_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert refused(path).startswith(f"{path} is ")


class Poison:
    """Makes a folder when it is unpickled the careless way."""

    def __init__(self, folder: Path):
        self.folder = folder

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize("write", [torch.save, lambda content, path: path.write_bytes(pickle.dumps(content))])
def test_a_poisoned_checkpoint_is_refused_and_runs_nothing(path: Path, tmp_path: Path, write: Callable) -> None:
    write({"run": RUN, "epochs": [], "network": Poison(tmp_path / "harm"), "optimizer": {}}, path)
    assert refused(path).startswith(f"{path} is no checkpoint: it holds more than numbers")
    assert not (tmp_path / "harm").exists()


def test_a_checkpoint_of_another_network_or_run_is_refused(path: Path) -> None:
    Small(seed=1).save(path, model="tuned")
    assert refused(path).startswith(f"{path} is of the network tuned, not reference")
    Small(seed=1).save(path, seed=4)
    assert refused(path).startswith(f"{path} is of a run with seed 4, not 3")
    other = Small(seed=1, outputs=5)
    other.step()
    other.save(path)
    assert refused(path).startswith(f"{path} does not fit the network reference")


@pytest.mark.parametrize(
    "content",
    [[1, 2], {}, {"run": 3}, {"run": RUN}, {"run": RUN, "epochs": 3, "network": {}, "optimizer": {}, "average": {}}],
)
def test_numbers_that_are_no_checkpoint_of_ours_are_refused(path: Path, content: object) -> None:
    torch.save(content, path)
    assert refused(path).startswith(f"{path} ")


@pytest.mark.parametrize("part", ["network", "optimizer", "average"])
def test_a_checkpoint_with_numbers_that_are_not_finite_is_refused(path: Path, part: str) -> None:
    small = Small(seed=1)
    small.step()
    state = small.optimizer.state if part == "optimizer" else small.parts[part].state_dict()
    tensors = [value for each in state.values() for value in (each.values() if isinstance(each, dict) else [each])]
    max(tensors, key=torch.numel).flatten()[0] = torch.nan
    small.save(path)
    assert refused(path).startswith(f"{path} holds numbers that are not finite")


def test_a_checkpoint_with_other_epochs_is_refused(trained: Small, path: Path) -> None:
    trained.step()
    for epochs in (EPOCHS[1:], [{**EPOCHS[0], "test_loss": "low"}], [7], {}):
        checkpoint.save(path, RUN, trained.parts, epochs)
        assert refused(path).startswith(f"{path} holds other epochs than the first ones")


def first_state(found: dict) -> dict:
    """The optimizer's state of the first weight, (2, 3)."""
    return found["optimizer"]["state"][0]


FOREIGN = {  # what is changed in a checkpoint, and what is said of it
    "optimizer.state.0.exp_avg is 1 of float32, not 2×3 of float32": lambda found: first_state(found).update(
        exp_avg=torch.zeros(1)
    ),
    "optimizer.state.0.exp_avg_sq is 2×3 of float64, not 2×3 of float32": lambda found: first_state(found).update(
        exp_avg_sq=torch.zeros(2, 3, dtype=torch.float64)
    ),
    "optimizer.state.0 lacks its part exp_avg": lambda found: first_state(found).pop("exp_avg"),
    "optimizer.state.0 has a part surprise": lambda found: first_state(found).update(surprise=torch.zeros(1)),
    "optimizer.state lacks its part 3": lambda found: found["optimizer"]["state"].pop(3),
    "optimizer.param_groups.0": lambda found: found["optimizer"]["param_groups"][0].update(params=[0, 1]),
    "optimizer.param_groups is of the type str": lambda found: found["optimizer"].update(param_groups="none"),
    "optimizer is missing": lambda found: found.pop("optimizer"),
    "network lacks its part 0.bias": lambda found: found["network"].pop("0.bias"),
    "network has a part 7": lambda found: found["network"].update({"7": torch.zeros(1)}),
    "network.0.weight is of the type list": lambda found: found["network"].update({"0.weight": [1.0]}),
    "average.n_averaged is 2 of int64": lambda found: found["average"].update(n_averaged=torch.zeros(2).long()),
}


@pytest.mark.parametrize("flaw", FOREIGN)
def test_a_checkpoint_with_one_part_that_does_not_fit_is_refused_and_nothing_of_it_is_loaded(
    trained: Small, path: Path, flaw: str
) -> None:
    found = torch.load(path, weights_only=True)
    FOREIGN[flaw](found)
    torch.save(found, path)
    other = Small(seed=2)
    before = other.state
    with pytest.raises(CheckpointError) as refusal:
        other.load(path)
    assert str(refusal.value).startswith(f"{path} does not fit the network reference: {flaw}")
    assert (other.state, len(other.optimizer.state)) == (before, 0)


def test_momentum_of_another_shape_is_refused_too(path: Path) -> None:
    network = nn.Linear(3, 2)
    optimizer = recipe.make_optimizer(network, check_settings({"recipe": "reference"}))
    recipe.update(optimizer, network(torch.eye(3)).sum(), 0.1)
    checkpoint.save(path, RUN, {"optimizer": optimizer}, EPOCHS)
    assert checkpoint.load(path, RUN, {"optimizer": optimizer}) == EPOCHS
    next(iter(optimizer.state.values()))["momentum_buffer"] = torch.zeros(7)
    checkpoint.save(path, RUN, {"optimizer": optimizer}, EPOCHS)
    fresh = recipe.make_optimizer(network, check_settings({"recipe": "reference"}))
    with pytest.raises(CheckpointError, match="momentum_buffer is 7 of float32, not 2×3 of float32"):
        checkpoint.load(path, RUN, {"optimizer": fresh})


def test_what_the_settings_say_of_an_optimizer_is_not_taken_from_a_checkpoint(trained: Small, path: Path) -> None:
    trained.optimizer.param_groups[0]["weight_decay"] = 0.5
    trained.save(path)
    loaded = Small(seed=2)
    loaded.load(path)
    assert loaded.optimizer.param_groups[0]["weight_decay"] == 0.01


def test_the_old_checkpoint_stays_when_the_new_one_cannot_be_written(
    trained: Small, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = trained.state

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    trained.step()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        trained.save(path)
    loaded = Small(seed=2)
    loaded.load(path)
    assert loaded.state == saved
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX")
def test_a_kill_while_checkpoints_are_written_leaves_one_that_loads(path: Path) -> None:
    saver = subprocess.Popen([sys.executable, "-c", SAVE_FOR_EVER, path], cwd=PROJECT, stdout=subprocess.PIPE)
    saver.stdout.readline()
    for moment in range(15):  # a stopped process has written as much as a killed one
        time.sleep(0.01 + 0.0013 * moment)
        saver.send_signal(signal.SIGSTOP)
        assert torch.load(path, weights_only=True)["epochs"][0]["epoch"] >= 1
        saver.send_signal(signal.SIGCONT)
    saver.kill()
    said, _ = saver.communicate()
    last = int(said.split()[-1])
    assert torch.load(path, weights_only=True)["epochs"][0]["epoch"] in (last, last + 1)
