"""Training from the command line: what it logs, how it stops, how it goes on after a kill, what it says of trouble."""

import contextlib
import copy
import ctypes
import gc
import itertools
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from torchvision.datasets import MNIST

from cnn import data, epochs, machine, measure, models, runs, train, training, weights
from cnn.runs import series
from cnn.runs.settings import SETTINGS
from cnn.stop import Stop, Stopped
from tests.needs import require
from tests.trainer import DIGITS, PROJECT, start, variables, wait_for_batch, wait_until

EPOCHS = 3
RATE = SETTINGS["learning_rate"].default
MNIST_FOLDER = os.environ.get("CNN_DATA_DIR")
TIMES = {"time", "seconds", "images_per_second", "pid"}
posix = pytest.mark.skipif(os.name == "nt", reason="Windows has not these signals and limits")


@pytest.fixture(autouse=True)
def put_back(home: Path, tmp_path: Path) -> Iterator[None]:
    """In an empty user's folder; torch's threads are put back for other tests, and no trainer is left behind."""
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)
    if runs.is_alive(tmp_path / "run"):
        runs.request_stop(tmp_path / "run")


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, list[runs.Run]]:
    """A whole run on digits in its own process: its folder, what it said, and all that a follower saw meanwhile."""
    folder = tmp_path_factory.mktemp("uninterrupted") / "a run, näîve & 'quoted'"
    trainer = start(folder.parent, *DIGITS, "--epochs", EPOCHS, "--out", folder)
    follower, seen = runs.Follower(folder), []
    while trainer.poll() is None:
        if not seen or follower.poll() is not seen[-1]:
            seen.append(follower.poll())
    said, complaints = trainer.communicate()
    assert (trainer.returncode, complaints) == (0, "")
    return folder, said, [*seen, follower.poll()]


def log(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def figures(folder: Path) -> list[dict]:
    """The epochs of a run's log without what differs between two runs of the same seed."""
    return [{name: value for name, value in line.items() if name not in TIMES} for line in runs.read(folder).epochs]


def all_weights(folder: Path) -> list[float]:
    network = torch.load(folder / "checkpoint.pt", weights_only=True)["network"]
    return torch.cat([value.flatten().double() for value in network.values()]).tolist()


def run(*options: object) -> int:
    """The trainer in this process; its exit code."""
    return train.main([str(option) for option in options])


# --- a run -------------------------------------------------------------------------------------------------------


def test_a_run_logs_that_it_started_each_epoch_and_that_it_finished(uninterrupted: tuple) -> None:
    folder = uninterrupted[0]
    lines = [line for line in log(folder) if line["event"] != "progress"]
    assert [line["event"] for line in lines] == ["started", *["epoch"] * EPOCHS, "finished"]
    started, *epoch_lines, finished = lines
    assert list(started)[2:] == [
        *("pid", "dataset", "model", "device", "epochs", "parameters", "batches"),
        *("train_images", "test_images", "threads", "resumed_from"),
    ]
    assert (started["dataset"], started["model"], started["batches"]) == ("digits", "tiny", 12)
    assert started["parameters"] == models.parameter_count(models.build("tiny"))
    assert started["resumed_from"] is None
    assert [tuple(line)[2:] for line in epoch_lines] == [runs.EPOCH_KEYS] * EPOCHS
    assert [line["epoch"] for line in epoch_lines] == [1, 2, 3]
    assert finished["test_accuracy"] == epoch_lines[-1]["test_accuracy"]


def test_the_figures_of_an_epoch_are_plausible_and_improve(uninterrupted: tuple) -> None:
    epoch_lines = runs.read(uninterrupted[0]).epochs
    for line in epoch_lines:
        assert 0 < line["train_accuracy"] < 1
        assert line["test_accuracy"] * 360 == pytest.approx(round(line["test_accuracy"] * 360))
        assert line["images_per_second"] > 1437 / line["seconds"]
    assert [line["learning_rate"] for line in epoch_lines] == pytest.approx(
        [0.02 * left / 28.8 for left in (25, 13, 1)]
    )
    for loss in ("train_loss", "test_loss"):
        assert epoch_lines[0][loss] > epoch_lines[1][loss] > epoch_lines[2][loss] > 0
    assert epoch_lines[-1]["test_accuracy"] > 0.7


def test_progress_comes_at_most_four_times_a_second(uninterrupted: tuple) -> None:
    times = [datetime.fromisoformat(line["time"]) for line in log(uninterrupted[0]) if line["event"] == "progress"]
    gaps = [(after - before).total_seconds() for before, after in itertools.pairwise(times)]
    assert times
    assert all(gap >= 0.249 for gap in gaps)


def test_a_follower_sees_the_run_grow_while_it_trains(uninterrupted: tuple) -> None:
    seen = uninterrupted[2]
    assert [len(seen[0].epochs), seen[0].end] == [0, None]
    assert any(view.alive and view.progress for view in seen)
    assert sorted(seen, key=lambda view: len(view.epochs)) == seen
    assert not any("without a word" in view.status for view in seen)
    accuracy = seen[-1].epochs[-1]["test_accuracy"]
    assert seen[-1].status == f"finished: 3 epochs, test accuracy {100 * accuracy:.2f} % (digits)"
    wait_until(lambda: not runs.is_alive(uninterrupted[0]), 2)


def test_it_says_one_plain_line_an_epoch_where_there_is_no_terminal(uninterrupted: tuple) -> None:
    folder, said, _ = uninterrupted
    *loading, first, second = said.splitlines()[:4]
    others = said.splitlines()[4:]
    assert loading == ["loading PyTorch", "reading the images"]
    assert re.fullmatch(r"tiny, 2,\d\d\d parameters; digits, 1,437 images; cpu", first)
    assert second == f"run folder: {folder}"
    assert [line.split(":")[0] for line in others] == ["epoch 1 of 3", "epoch 2 of 3", "epoch 3 of 3", "finished"]


def test_the_configuration_holds_all_that_is_needed_to_repeat_the_run(uninterrupted: tuple) -> None:
    config = json.loads((uninterrupted[0] / "config.json").read_text())
    settings = {"model": "tiny", "dataset": "digits", "epochs": 3, "batch_size": 128, "learning_rate": 0.02}
    assert set(config) >= set(SETTINGS)
    facts = {"seed": 0, "device": "cpu", "threads": 1, "train_images": 1437, "test_images": 360, "data_dir": None}
    assert {**config, **settings, **facts} == config
    assert config["versions"]["torch"] == torch.__version__.split("+")[0]
    assert set(config["versions"]) == {"python", "torch", "torchvision", "project"}
    assert config["versions"]["project"] == __import__("addin").__version__
    if (PROJECT / ".git").exists() and shutil.which("git"):
        head = subprocess.run(["git", "-C", PROJECT, "cat-file", "-t", config["revision"].removesuffix("-dirty")],
                              capture_output=True, text=True)  # fmt: skip
        assert head.stdout == "commit\n"


def test_the_same_seed_gives_the_same_run_and_another_seed_another(uninterrupted: tuple, tmp_path: Path) -> None:
    assert run(*DIGITS, "--epochs", EPOCHS, "--out", tmp_path / "same") == 0
    assert figures(tmp_path / "same") == figures(uninterrupted[0])
    assert all_weights(tmp_path / "same") == all_weights(uninterrupted[0])
    assert run(*DIGITS, "--epochs", 1, "--seed", 1, "--out", tmp_path / "other") == 0
    assert figures(tmp_path / "other") != figures(uninterrupted[0])[:1]


def test_the_exercises_epoch_is_one_update_a_batch_by_gradient_descent_with_momentum(tmp_path: Path) -> None:
    exercise = ("--model", "reference", "--recipe", "reference")
    assert run(*DIGITS[:4], *exercise, "--epochs", 1, "--batch-size", 479, "--out", tmp_path / "run") == 0
    images = data.load("digits").train  # in three batches: after twelve, BatchNorm makes rounding 1e-3
    machine.seed_epoch(0, 0)
    network = models.build("reference")
    weight_list = list(network.parameters())
    velocities = [torch.zeros_like(weight) for weight in weight_list]
    machine.seed_epoch(0, 1)
    order = torch.randperm(1437)
    for first in range(0, 1437, 479):
        batch = order[first : first + 479]
        loss = torch.nn.CrossEntropyLoss()(network.train()(images.images[batch]), images.labels[batch])
        gradients = torch.autograd.grad(loss, weight_list)
        with torch.no_grad():
            for weight, velocity, gradient in zip(weight_list, velocities, gradients, strict=True):
                velocity.mul_(0.9).add_(gradient)
                weight.sub_(0.01 * velocity)
    state = torch.cat([value.flatten().double() for value in network.state_dict().values()])
    assert state.tolist() == pytest.approx(all_weights(tmp_path / "run"), abs=1e-5)


def saved_weights(folder: Path) -> dict[str, torch.Tensor]:
    return safetensors.torch.load((folder / "weights.safetensors").read_bytes())


def test_the_figures_are_the_trained_networks_after_very_few_updates_too(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert run(*DIGITS[:6], "--batch-size", 1437, "--learning-rate", 0.02, "--epochs", 4, "--out", folder) == 0
    last = torch.load(folder / "checkpoint.pt", weights_only=True)
    assert all(torch.equal(value, last["network"][name]) for name, value in saved_weights(folder).items())
    network, test = models.build("tiny"), data.load("digits").test
    network.load_state_dict(last["network"])
    hits = int((network.eval()(test.images).argmax(1) == test.labels).sum())
    assert runs.read(folder).epochs[-1]["test_accuracy"] == hits / 360
    assert len({epoch["test_loss"] for epoch in runs.read(folder).epochs}) == 4


def test_the_average_reaches_from_the_first_update_to_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, seen, window = training.TrainingState.step, [], 0.5

    def step(state: training.TrainingState, loss: torch.Tensor, update: int) -> None:
        real(state, loss, update)
        seen.append([weight.detach().double().clone() for weight in state.network.parameters()])

    monkeypatch.setattr(training.TrainingState, "step", step)
    options = ("--batch-size", 479, "--epochs", 3, "--average", window)
    assert run(*DIGITS[:6], *options, "--learning-rate", 0.02, "--out", tmp_path / "run") == 0
    shares = []  # of each of the nine updates: step n moves the average by 1 / (window n) towards the weights
    for number in range(1, 10):
        moved = min(1, 1 / (window * number))
        shares = [(1 - moved) * share for share in shares] + [moved]
    names = dict(models.build("tiny").named_parameters())
    for name, *values in zip(names, *seen, strict=True):
        mean = sum(share * value for share, value in zip(shares, values, strict=True))
        torch.testing.assert_close(saved_weights(tmp_path / "run")[name].double(), mean, rtol=1e-4, atol=1e-6)


def test_every_epoch_and_every_seed_has_random_numbers_of_its_own() -> None:
    draws = []
    for seed in (0, 1, 2**32 - 1):
        for epoch in range(4):
            machine.seed_epoch(seed, epoch)
            draws.append(tuple(torch.rand(3).tolist()))
    assert len(set(draws)) == 12


def test_what_is_learnt_does_not_depend_on_the_test_images(
    uninterrupted: tuple, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digits = data.load("digits")
    nonsense = data.Split(torch.zeros_like(digits.test.images), digits.test.labels)
    monkeypatch.setattr(data, "load", lambda *_: data.DataSet("digits", digits.train, nonsense))
    assert run(*DIGITS, "--epochs", EPOCHS, "--out", tmp_path / "run") == 0
    assert all_weights(tmp_path / "run") == all_weights(uninterrupted[0])
    assert figures(tmp_path / "run") != figures(uninterrupted[0])


def test_a_run_without_a_folder_of_its_own_gets_one_named_after_time_and_model(home: Path) -> None:
    assert run(*DIGITS, "--epochs", 1) == 0
    (folder,) = runs.list_runs()
    assert folder.parent == home / "runs"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-tiny", folder.name)


@posix
def test_a_bar_is_drawn_on_a_terminal(tmp_path: Path) -> None:
    import fcntl
    import termios

    controller, terminal = os.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))
    options = (*DIGITS, "--epochs", 1, "--out", tmp_path / "run")
    trainer = start(tmp_path, *options, stdout=terminal, stderr=terminal, stdin=terminal)
    os.close(terminal)
    shown = b""
    with contextlib.suppress(OSError):  # which is how a terminal ends
        while part := os.read(controller, 4096):
            shown += part
    assert trainer.wait() == 0
    assert re.search(rb"epoch 1 of 1: +\d+%\|.*\| \d+/12 ", shown)
    os.close(controller)


def test_two_epochs_of_tuned_on_mnist_reach_99_2_percent(tmp_path: Path) -> None:
    folder = MNIST_FOLDER or require("mnist", "CNN_DATA_DIR names no folder with MNIST")
    options = ("--epochs", 2, "--device", "cpu", "--target", 99.2, "--data-dir", folder, "--out", tmp_path / "run")
    trainer = start(tmp_path, *options)
    wait_for_batch(tmp_path / "run", 1)
    assert runs.read(tmp_path / "run").started["train_images"] == 60_000
    said, complaint = trainer.communicate()
    assert (trainer.returncode, complaint) == (0, ""), said
    result = runs.read(tmp_path / "run")
    assert result.epochs[-1]["test_accuracy"] >= 0.992
    assert result.status.endswith("% (mnist)")
    assert json.loads((tmp_path / "run" / "config.json").read_text())["data_dir"] == str(Path(folder).absolute())


# --- validation, targets, several seeds --------------------------------------------------------------------------


def test_validation_holds_out_the_last_sixth_of_the_training_images_and_looks_at_no_test_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digits = data.load("digits")
    spoilt = data.Split(digits.test.images * torch.nan, digits.test.labels)
    monkeypatch.setattr(data, "load", lambda *_: data.DataSet("digits", digits.train, spoilt))
    assert run(*DIGITS, "--epochs", 1, "--validate", "--out", tmp_path / "run") == 0
    result = runs.read(tmp_path / "run")
    assert (result.started["train_images"], result.started["validation_images"]) == (1198, 239)
    assert tuple(result.epochs[0])[2:] == runs.epoch_keys("validation")
    assert "test" not in (tmp_path / "run" / "log.jsonl").read_text()
    network, held_out = weights.read(tmp_path / "run" / runs.WEIGHTS, "tiny").eval(), digits.train[1198:]
    hits = (network(held_out.images).argmax(1) == held_out.labels).sum()
    assert result.epochs[0]["validation_accuracy"] == pytest.approx(hits / 239)
    assert re.fullmatch(r"finished: 1 epoch, validation accuracy [\d.]+ % \(digits\)", result.status)


def test_a_target_that_the_last_epoch_misses_is_exit_code_3(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert run(*DIGITS, "--epochs", 1, "--target", 2, "--out", tmp_path / "low") == 0
    assert run(*DIGITS, "--epochs", 1, "--target", 100, "--out", tmp_path / "high") == 3
    percent = 100 * runs.read(tmp_path / "high").epochs[-1]["test_accuracy"]
    said = capsys.readouterr().out.splitlines()[-1]
    assert said == f"below the target: test accuracy {percent:.2f} %, not 100 %, in {tmp_path / 'high'}"
    assert runs.read(tmp_path / "high").end["event"] == "finished"


def test_several_seeds_are_a_run_each_and_end_with_their_mean_and_deviation(tmp_path: Path, capsys) -> None:
    options = (*DIGITS, "--epochs", 2, "--seeds", "0-1,5", "--out", tmp_path)
    assert run(*options) == 0
    assert not [each for each in gc.get_objects() if type(each) is training.TrainingState]  # their images are let go of
    percent = [100 * runs.read(tmp_path / f"seed-{seed}").epochs[-1]["test_accuracy"] for seed in (0, 1, 5)]
    summary = (
        f"3 seeds, test accuracy of the last epoch: mean {np.mean(percent):.3f} ± {np.std(percent, ddof=1):.3f} %, "
        f"lowest {min(percent):.2f}, highest {max(percent):.2f}"
    )
    assert capsys.readouterr().out.splitlines()[-1] == summary
    assert run(*DIGITS, "--epochs", 2, "--seed", 1, "--out", tmp_path / "alone") == 0
    assert all_weights(tmp_path / "alone") == all_weights(tmp_path / "seed-1") != all_weights(tmp_path / "seed-0")
    shutil.rmtree(tmp_path / "seed-1")
    before = (tmp_path / "seed-0" / "log.jsonl").read_bytes()
    capsys.readouterr()
    assert run(*options) == 0  # trains what is missing, and nothing else
    assert capsys.readouterr().out.splitlines()[-1] == summary
    assert (tmp_path / "seed-0" / "log.jsonl").read_bytes() == before
    assert run(*options, "--epochs", 3) == 2
    assert "--epochs is 3, but seed-0 was started with 2" in capsys.readouterr().err
    assert {settings["epochs"] for settings in series.read(tmp_path).settings.values()} == {2}


@pytest.mark.parametrize("again", ["the same command", "--resume"])
def test_a_stop_ends_all_seeds_and_what_is_missing_is_trained_later(
    tmp_path: Path, again: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, options = Stop.check, (*DIGITS, "--epochs", 2, "--seeds", "0,1", "--out", tmp_path)

    def check(stop: Stop) -> None:
        if tmp_path / "seed-1" in stop.folders and runs.read(tmp_path / "seed-1").epochs:
            stop.hear(signal.SIGINT, None)
        real(stop)

    with monkeypatch.context() as patch:
        patch.setattr(Stop, "check", check)
        assert run(*options) == 130
    assert runs.read(tmp_path / "seed-1").status == "stopped after epoch 1 (digits)"
    shown = "1 of 2 runs finished; seed-1: stopped after epoch 1 (digits); not under way. Resume trains what is missing"
    assert series.read(tmp_path).standing.status == shown
    assert run(*(("--resume", tmp_path) if again == "--resume" else options)) == 0
    assert runs.read(tmp_path / "seed-1").started["resumed_from"] == 1
    status = f"2 of 2 runs finished; seed-1: {runs.read(tmp_path / 'seed-1').status}"
    assert series.read(tmp_path).standing.status == status


def test_one_rate_that_diverges_keeps_no_other_from_being_trained(tmp_path: Path, capsys) -> None:
    rates = "--learning-rates", "0.05", "1e30", "0.2"
    options = ("--dataset", "digits", "--model", "tiny", "--epochs", 1, "--recipe", "reference", "--out", tmp_path)
    assert run(*options, *rates) == 1
    ends = {name: runs.read(tmp_path / name).end["event"] for name in ("rate-0.05", "rate-1e+30", "rate-0.2")}
    assert list(ends.values()) == ["finished", "failed", "finished"]
    status = series.read(tmp_path).standing.status
    assert status.startswith("2 of 3 runs finished; rate-1e+30: failed: the ")
    assert "not finite" in status
    assert "Resume" not in status
    capsys.readouterr()
    assert run(*options, "--learning-rates", "0.05, 0.2") == 0
    reached = [
        f"{100 * runs.read(tmp_path / name).epochs[-1]['test_accuracy']:.2f} %" for name in ("rate-0.05", "rate-0.2")
    ]
    said = capsys.readouterr().out.splitlines()[-1]
    assert said == f"2 runs, test accuracy of the last epoch: rate-0.05 {reached[0]}, rate-0.2 {reached[1]}"


def test_models_are_a_run_each(tmp_path: Path) -> None:
    assert run("--dataset", "digits", "--epochs", 1, "--models", "tiny", "compact", "--out", tmp_path) == 0
    assert [runs.read(tmp_path / name).started["model"] for name in ("tiny", "compact")] == ["tiny", "compact"]


# --- stopping ----------------------------------------------------------------------------------------------------

STOPS = {
    "the file": (lambda trainer, folder: runs.request_stop(folder), 0),
    "Ctrl-C": (lambda trainer, folder: trainer.send_signal(signal.SIGINT), 130),
    "SIGTERM": (lambda trainer, folder: trainer.send_signal(signal.SIGTERM), 143),
}


@posix
@pytest.mark.parametrize("by", STOPS)
def test_a_stopped_run_keeps_its_complete_epochs(tmp_path: Path, by: str) -> None:
    folder, (stop, code) = tmp_path / "my run", STOPS[by]
    folder.mkdir()
    runs.request_stop(folder)  # a stale one, from before
    trainer = start(tmp_path, *DIGITS, "--epochs", 1000, "--out", folder)
    wait_for_batch(folder, 2)
    status = runs.read(folder).status
    assert re.fullmatch(r"epoch \d+ of 1000(, batch \d+ of 12, loss \d\.\d\d)? \(digits\)", status), status
    stop(trainer, folder)
    said, complaints = trainer.communicate(timeout=10)
    assert (trainer.returncode, complaints) == (code, "")
    result = runs.read(folder)
    complete = len(result.epochs)
    assert result.end["event"] == "stopped"
    assert result.end["epoch"] == complete == len(torch.load(folder / "checkpoint.pt", weights_only=True)["epochs"])
    assert result.status == f"stopped after epoch {complete} (digits)"
    assert said.splitlines()[-2:] == [
        f"stopped after epoch {complete} (digits); an unfinished epoch was dropped",
        f"to go on: python start.py train --resume '{folder}'",
    ]
    assert not runs.stop_requested(folder)


def test_a_first_ctrl_c_only_asks_and_a_second_ends_at_once() -> None:
    stop = Stop()
    stop.gentle = True
    stop.hear(signal.SIGINT, None)
    with pytest.raises(Stopped) as asked:
        copy.copy(stop).check()
    with pytest.raises(Stopped) as at_once:
        stop.hear(signal.SIGINT, None)
    assert asked.value.exit_code == at_once.value.exit_code == 130
    stop.hear(signal.SIGTERM, None)  # while it says goodbye


def test_a_ctrl_c_before_the_training_ends_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    stops = [Stop(), Stop()]
    monkeypatch.setattr(data, "load", lambda *_: stops.pop().hear(signal.SIGINT, None))
    assert train.main([*DIGITS], stops[-1]) == 130
    assert capsys.readouterr().out.splitlines()[-1] == "stopped before the run began"
    assert train.main([*DIGITS, "--out", str(tmp_path / "run")], stops[-1]) == 130
    assert not (tmp_path / "run").exists()


def test_the_stop_is_obeyed_between_any_two_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "BATCH_SIZE", 100)  # so that the test set is several batches too
    wanted, real = iter(range(4 + 4)), Stop.check
    for batch in wanted:
        checks = iter([False] * batch)

        def check(stop: Stop, checks=checks) -> None:
            if stop.folders and next(checks, True):
                runs.request_stop(stop.folders[-1])
            real(stop)

        monkeypatch.setattr(Stop, "check", check)
        assert run(*DIGITS, "--epochs", 1, "--batch-size", 400, "--out", tmp_path / str(batch)) == 0
        assert runs.read(tmp_path / str(batch)).status == "stopped before the first epoch was complete (digits)"


# --- going on ----------------------------------------------------------------------------------------------------


def same_as_uninterrupted(folder: Path, uninterrupted: tuple) -> bool:
    return figures(folder) == figures(uninterrupted[0]) and all_weights(folder) == all_weights(uninterrupted[0])


@posix
def test_a_killed_run_goes_on_and_ends_as_if_it_had_not_been_killed(uninterrupted: tuple, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    trainer = start(tmp_path, *DIGITS, "--epochs", EPOCHS, "--out", folder)
    follower = runs.Follower(folder)
    wait_for_batch(folder, 2)
    trainer.kill()
    trainer.communicate()
    complete = len(follower.poll().epochs)
    assert 1 <= complete < EPOCHS
    assert follower.poll().status.startswith(f"ended without a word after epoch {complete} (digits)")
    assert run("--resume", folder) == 0
    assert same_as_uninterrupted(folder, uninterrupted)
    assert runs.read(folder).started["resumed_from"] == complete
    assert follower.poll().epochs == runs.read(folder).epochs
    assert [line["epoch"] for line in log(folder) if line["event"] == "epoch"] == [1, 2, 3]


def stop_after(epoch: int, folder: Path) -> None:
    """A run on digits that is stopped in the middle of the epoch after this one."""
    real = Stop.check

    def check(stop: Stop) -> None:
        if stop.folders and len(runs.read(folder).epochs) >= epoch:
            runs.request_stop(folder)
        real(stop)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stop, "check", check)
        assert run(*DIGITS, "--epochs", EPOCHS, "--out", folder) == 0


def forget_last_epoch(folder: Path) -> None:
    """As a kill between the checkpoint and its line in the log leaves it."""
    runs.cut_log(folder, len(runs.read(folder).epochs) - 1)


def tear_last_line(folder: Path) -> None:
    with open(folder / "log.jsonl", "ab") as file:
        file.write(b'{"event": "progress", "epoch": 3, "ba')


def leave_stop_file(folder: Path) -> None:
    runs.request_stop(folder)


@pytest.mark.parametrize("harm", [forget_last_epoch, tear_last_line, leave_stop_file])
def test_a_resumed_run_repeats_no_epoch_and_loses_none(
    uninterrupted: tuple, tmp_path: Path, harm: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    stop_after(2, folder)
    harm(folder)
    trained, real = [], epochs.one_epoch
    monkeypatch.setattr(epochs, "one_epoch", lambda *a: trained.append(a[1]) or real(*a))
    assert run("--resume", folder) == 0
    assert trained == [3]
    assert same_as_uninterrupted(folder, uninterrupted)
    assert [line["event"] for line in log(folder)].count("started") == 2


def test_a_run_killed_before_its_first_checkpoint_begins_anew(uninterrupted: tuple, tmp_path: Path) -> None:
    stop_after(0, tmp_path / "run")
    assert run("--resume", tmp_path / "run") == 0
    assert same_as_uninterrupted(tmp_path / "run", uninterrupted)


def test_resume_without_a_folder_takes_the_newest_unfinished_run(home: Path, capsys: pytest.CaptureFixture) -> None:
    assert run("--resume") == 2
    assert f"There is no unfinished run in {home / 'runs'}" in capsys.readouterr().err
    names = ["2026-01-01T00-00-00-reference", "2026-01-01T00-00-01-reference", "2026-01-01T00-00-02-reference"]
    for name in names[:2]:
        stop_after(1, home / "runs" / name)
    assert run(*DIGITS, "--epochs", 1, "--out", home / "runs" / names[2]) == 0
    assert run("--resume") == 0
    ends = [runs.read(home / "runs" / name).end["event"] for name in names]
    assert ends == ["stopped", "finished", "finished"]


def test_resume_takes_a_run_by_the_name_that_runs_lists(home: Path) -> None:
    stop_after(1, home / "runs" / "mine")
    assert run("--resume", "mine") == 0
    assert runs.read(home / "runs" / "mine").is_finished


def test_settings_may_be_repeated_but_not_contradicted(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    stop_after(1, tmp_path / "run")
    before = (tmp_path / "run" / "log.jsonl").read_bytes()
    assert run("--resume", tmp_path / "run", "--learning-rate", "0.04") == 2
    assert capsys.readouterr().err == (
        "train: --learning-rate is 0.04, but run was started with 0.02. "
        "Leave it out, or train a new run in another folder.\n"
    )
    assert (tmp_path / "run" / "log.jsonl").read_bytes() == before
    repeated = ("--learning-rate", "0.02", "--augment", "auto", "--precision", "auto", "--epochs", EPOCHS)
    assert run("--resume", tmp_path / "run", *repeated) == 0  # auto leaves open what it became


def test_a_finished_run_cannot_be_resumed_nor_written_over(uninterrupted: tuple, capsys: pytest.CaptureFixture) -> None:
    folder = uninterrupted[0]
    before = {path: path.read_bytes() for path in folder.rglob("*.*")}
    assert run("--resume", folder) == 2
    assert f"{folder} is finished. Start a new run" in capsys.readouterr().err
    assert run(*DIGITS, "--out", folder) == 2
    assert f"{folder} holds a run already. Take another folder" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in folder.rglob("*.*")} == before


@posix
def test_a_second_trainer_is_refused_and_the_first_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    folder = tmp_path / "run"
    first = start(tmp_path, *DIGITS, "--epochs", 1000, "--out", folder)
    wait_for_batch(folder, 1)
    for options in ((*DIGITS, "--out", folder), ("--resume", folder)):
        assert run(*options) == 2
        assert f"Another trainer is at work in {folder}" in capsys.readouterr().err
    wait_for_batch(folder, 2)
    runs.request_stop(folder)
    first.communicate(timeout=10)
    assert {line["event"] for line in log(folder)} == {"started", "progress", "epoch", "stopped"}


def change(path: Path, how: Callable[[dict], object]) -> None:
    found = torch.load(path, weights_only=True)
    how(found)
    torch.save(found, path)


SPOILT = {
    "is empty, cut short or damaged": lambda path: path.write_bytes(path.read_bytes()[:1000]),
    "is missing": lambda path: path.unlink(),
    "is of a run with seed 7, not 0": lambda path: change(path, lambda found: found["run"].update(seed=7)),
}


@pytest.mark.parametrize("flaw", SPOILT)
def test_a_checkpoint_that_cannot_be_used_is_said_and_logged(tmp_path: Path, flaw: str, capsys) -> None:
    stop_after(1, tmp_path / "run")
    capsys.readouterr()
    SPOILT[flaw](tmp_path / "run" / "checkpoint.pt")
    assert run("--resume", tmp_path / "run") == 1
    end = runs.read(tmp_path / "run").end
    assert flaw in end["error"]
    assert capsys.readouterr().err == f"train: {end['error']}. {end['advice']}.\n"
    assert len(runs.read(tmp_path / "run").epochs) == 1


# --- wrong use ---------------------------------------------------------------------------------------------------

WRONG = {
    ("--learning-rate", "0"): f"--learning-rate is '0'. It must be a number above 0, such as {RATE}.",
    ("--learning-rate", "-1"): f"--learning-rate is '-1'. It must be a number above 0, such as {RATE}.",
    ("--learning-rate", "10%"): f"--learning-rate is '10%'. It must be a number above 0, such as {RATE}.",
    ("--epochs", "0"): "--epochs is '0'. It must be a whole number from 1 to 1000.",
    ("--epochs", "1.5"): "--epochs is '1.5'. It must be a whole number from 1 to 1000.",
    ("--batch-size", "0"): "--batch-size is '0'. It must be a whole number from 1.",
    ("--model", "huge"): f"--model is 'huge'. It must be {SETTINGS['model'].allowed}.",
    ("--dataset", "cifar"): f"--dataset is 'cifar'. It must be {SETTINGS['dataset'].allowed}.",
    ("--epoch-count", "3"): "unrecognized arguments: --epoch-count 3. --help shows every option.",
    ("--epochs",): "argument --epochs: expected one argument. --help shows every option.",
    ("--target", "101"): "argument --target: '101' is no percentage, such as 99.4. --help shows every option.",
    ("--seeds", "4-0"): "--seeds lists no value. Name from 1 to 1,000.",
    ("--seeds", "0-9999999"): "--seeds lists more than 1,000 values. Name from 1 to 1,000.",
    ("--seeds", "1,1"): "--seeds lists 1 twice. Name each value once.",
    ("--seeds", "1,x"): "--seeds is 'x'. It must be a whole number from 0 to 4294967295.",
    ("--learning-rates", "0.1", "0"): f"--learning-rates is '0'. It must be a number above 0, such as {RATE}.",
    ("--models", "tiny", "huge"): (
        "--models is 'huge'. It must be one of tuned, compact, small, tiny-2, tiny, reference."
    ),
    ("--models", "tiny", "--seeds", "1"): "argument --seeds: not allowed with argument --models. "
    "--help shows every option.",
    ("--resume", "--models", "tiny"): "--resume goes on with one run or series, as it was begun. Leave --models out.",
    ("--seeds", "0-1", "--seed", "1"): "--seed names one and --seeds several. Leave one of them out.",
    ("--target", "0.994"): "argument --target: '0.994' is no percentage, such as 99.4. --help shows every option.",
    ("--learn", "0.1"): "unrecognized arguments: --learn 0.1. --help shows every option.",
    ("--find-rate", "--epochs", "3"): "--epochs says nothing to --find-rate, which trains no run. Leave it out.",
    ("--find-rate", "--target", "99"): "--target says nothing to --find-rate, which trains no run. Leave it out.",
    (*DIGITS, "--batch-size", "1"): "--batch-size is 1, and the network tiny is normalised over a batch (BatchNorm). "
    "Take a larger --batch-size.",
    (*DIGITS, "--batch-size", "1438"): "--batch-size is 1438, more than the 1,437 training images of digits. "
    "Take a smaller --batch-size.",
    ("--resume", ""): "argument --resume: it is blank. --help shows every option.",
    ("--more", "2", " "): "--more names no run: it is blank. Name a finished one.",
    ("--resume", "nowhere"): "There is no run nowhere. python start.py runs lists them.",
    ("--resume", "docs"): f"There is no {PROJECT / 'docs' / 'config.json'}. Name the folder of a run that had begun.",
}


@pytest.mark.parametrize("options", WRONG)
def test_wrong_use_is_one_line_and_exit_code_2(options: tuple, home: Path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(PROJECT)
    assert run(*options) == 2
    said, complaint = capsys.readouterr()
    assert complaint == f"train: {WRONG[options]}\n"
    assert said in ("", "loading PyTorch\nreading the images\n")  # the images' number limits a batch
    assert not home.exists()


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_missing_device_is_wrong_use(device: str, home: Path, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(machine.DEVICES, device, lambda: False)
    assert run("--dataset", "digits", "--device", device) == 2
    assert capsys.readouterr().err.startswith(f"train: --device is {device}, and this PyTorch")
    assert not home.exists()


def test_help_tells_how_to_start_it_and_every_option_and_exit_code() -> None:
    said = subprocess.run([sys.executable, "-m", "cnn.train", "--help"], cwd=PROJECT, capture_output=True, text=True)
    assert said.returncode == 0
    for words in (
        "--data-dir FOLDER",
        "--learning-rate FLOAT",
        "python start.py train --resume",
        "(default 19)",
        "130",
        "--seeds LIST",
        "--learning-rates LIST",
        "--target PERCENT",
        "--validate",
        "by --recipe reference 0.01",
    ):
        assert words in said.stdout


# --- trouble -----------------------------------------------------------------------------------------------------


def refusal(folder: Path, capsys: pytest.CaptureFixture) -> str:
    """What is said of a run that never began, of which nothing is left."""
    assert not folder.exists()
    return capsys.readouterr().err.splitlines()[-1]


def failure(folder: Path, capsys: pytest.CaptureFixture) -> str:
    """What a failed run says, which is what its log says."""
    end = runs.read(folder).end
    assert end["event"] == "failed"
    said = capsys.readouterr().err.splitlines()[-1]
    assert said == f"train: {end['error']}. {end['advice']}."
    return said


def test_without_mnist_it_says_what_to_type(tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setattr(MNIST, "mirrors", [f"http://127.0.0.1:{free.getsockname()[1]}/"])
    assert run("--out", tmp_path / "run") == 1
    assert "Type --dataset digits, or --data-dir FOLDER" in refusal(tmp_path / "run", capsys)


def test_a_damaged_file_of_mnist_is_named(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    file = tmp_path / "data" / "MNIST" / "raw" / "train-images-idx3-ubyte.gz"
    file.parent.mkdir(parents=True)
    file.write_text("<html>")
    assert run("--out", tmp_path / "run", "--data-dir", tmp_path / "data") == 1
    assert f"{file} is not the official file: it is a web page" in refusal(tmp_path / "run", capsys)


STARTS = {"a run": (), "a series": ("--seeds", "0-1"), "rates": ("--find-rate",)}


@pytest.mark.parametrize("start", STARTS)
def test_a_refused_start_leaves_nothing_behind(
    tmp_path: Path, home: Path, start: str, capsys: pytest.CaptureFixture
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    (tmp_path / "empty").mkdir()
    before = {*tmp_path.rglob("*")}
    for out in (["--out", tmp_path / "new" / "run"], ["--out", tmp_path / "mine"], ["--out", tmp_path / "empty"], []):
        assert run(*STARTS[start], *out, "--data-dir", tmp_path / "missing") in (1, 2)
        assert f"{tmp_path / 'missing'}" in capsys.readouterr().err
    assert {*tmp_path.rglob("*")} - {home, home / "runs"} == before


def test_a_start_that_a_spreadsheet_shows_keeps_its_log(
    tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKPROP_LAUNCHED", "1")
    assert run("--out", tmp_path / "run", "--data-dir", tmp_path / "missing") == 1
    assert str(tmp_path / "missing") in failure(tmp_path / "run", capsys)


@pytest.mark.parametrize("poisoned", [1, 2])
@pytest.mark.parametrize("when", ["before", "by the last update"])
def test_a_loss_that_is_not_finite_ends_the_run_and_keeps_the_good_epochs(
    tmp_path: Path, when: str, poisoned: int, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = epochs._update

    def update(training: training.TrainingState, watch: epochs.Watch) -> tuple:
        good = None if when == "before" else real(training, watch)
        if watch.number == poisoned:
            training.network[0].weight.data[0, 0] = float("inf")
        return good or real(training, watch)

    monkeypatch.setattr(epochs, "_update", update)
    assert run(*DIGITS, "--epochs", EPOCHS, "--out", tmp_path / "run") == 1
    said = failure(tmp_path / "run", capsys)
    assert "not finite" in said
    if (when, poisoned) == ("before", 1):
        assert "the loss is not finite in epoch 1, batch 1." in said
    kept = "; the epochs before are kept" if poisoned > 1 else ""
    assert f"Take a smaller --learning-rate than 0.02{kept}." in said
    assert len(runs.read(tmp_path / "run").epochs) == poisoned - 1
    assert (tmp_path / "run" / "checkpoint.pt").exists() == (poisoned > 1)


def test_a_far_too_large_learning_rate_ends_the_run(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert run(*DIGITS, "--learning-rate", "1e30", "--epochs", 1, "--out", tmp_path / "run") == 1
    assert "Take a smaller --learning-rate than 1e+30" in failure(tmp_path / "run", capsys)


def test_a_full_memory_of_the_gpu_has_its_own_advice(tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has ...")

    monkeypatch.setattr(epochs, "_update", full)
    assert run(*DIGITS, "--out", tmp_path / "run") == 1
    assert "Take a smaller --batch-size, or --device cpu" in failure(tmp_path / "run", capsys)


def test_a_missing_package_has_its_own_advice(tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cnn.training", None)
    monkeypatch.delattr("cnn.training")
    assert run(*DIGITS, "--out", tmp_path / "run") == 1
    assert "Type python start.py setup" in refusal(tmp_path / "run", capsys)


def test_a_windows_without_the_runtime_is_told_where_it_is(tmp_path: Path) -> None:
    """PyTorch raises an OSError while it is imported there, before anything of ours can catch one of its own."""
    (tmp_path / "torch").mkdir()
    lack = "[WinError 126] The specified module could not be found. Error loading c10.dll or one of its dependencies."
    (tmp_path / "torch/__init__.py").write_text(f"raise OSError({lack!r})")
    path = os.pathsep.join([str(tmp_path), str(PROJECT)])
    with start(tmp_path, *DIGITS, env=variables(tmp_path, PYTHONPATH=path)) as process:
        _, complaint = process.communicate()
    assert process.returncode == 1
    assert re.fullmatch(
        r"train: .*Visual C\+\+ runtime.*https://aka\.ms/vs/17/release/vc_redist\.x64\.exe.*\n", complaint
    )


def test_an_error_nobody_foresaw_is_logged_with_its_traceback_on_stderr(tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.setattr(epochs, "_update", lambda *_: {}["surprise"])
    assert run(*DIGITS, "--out", tmp_path / "run") == 1
    said = capsys.readouterr().err
    assert "Traceback" in said
    assert runs.read(tmp_path / "run").end["error"] in said.splitlines()[-1]


@pytest.mark.skipif(sys.platform != "linux", reason="limits another process, which only Linux can")
def test_a_checkpoint_that_has_no_room_leaves_the_last_one_and_the_run_goes_on_later(tmp_path: Path) -> None:
    import resource

    folder = tmp_path / "run"
    trainer = start(tmp_path, *DIGITS, "--epochs", 1000, "--out", folder)
    wait_until(lambda: len(runs.read(folder).epochs) >= 1)
    resource.prlimit(trainer.pid, resource.RLIMIT_FSIZE, (20_000, 20_000))  # bytes: less than a checkpoint
    _, complaint = trainer.communicate(timeout=30)
    result = runs.read(folder)
    assert trainer.returncode == 1
    assert complaint == f"train: {result.end['error']}. {result.end['advice']}.\n"
    assert result.end["error"].startswith("A file would become larger than it may here: writing ")
    assert len(torch.load(folder / "checkpoint.pt", weights_only=True)["epochs"]) == len(result.epochs)
    assert sorted(path.name for path in folder.iterdir()) == ["checkpoint.pt", "config.json", "lock", "log.jsonl"]


def obey_permissions() -> None:
    """In a process about to start: give up root's right to write where nobody may (CAP_DAC_OVERRIDE)."""
    ctypes.CDLL(None).prctl(24, 1, 0, 0, 0)  # PR_CAPBSET_DROP


@pytest.mark.skipif(sys.platform != "linux", reason="root obeys permissions only where Linux makes it")
def test_a_folder_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    readonly = tmp_path / "readonly"
    readonly.mkdir(mode=0o555)
    trainer = start(readonly, *DIGITS, "--out", readonly / "run", preexec_fn=obey_permissions)
    _, complaint = trainer.communicate()
    assert trainer.returncode == 1
    assert complaint == (
        f"train: It may not be written: writing {readonly / 'run'} (Permission denied). "
        "Ask for the right to, or name another place by --out or BACKPROP_HOME.\n"
    )


def test_a_place_that_is_no_folder_is_named(tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BACKPROP_HOME", str(tmp_path / "file"))
    assert run(*DIGITS, "--epochs", 1) == 1
    assert str(tmp_path / "file") in capsys.readouterr().err
