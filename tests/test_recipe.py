"""The recipe: learning rates, what is decayed, the average of the weights, mixed precision."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from cnn import data, epochs, models, recipe, training
from cnn.runs.settings import check_settings
from cnn.training import TrainingState

TUNED, REFERENCE = check_settings({}), check_settings({"recipe": "reference"})


def rates(settings: dict, updates: int) -> list[float]:
    return [recipe.learning_rate(settings, number, updates) for number in range(1, updates + 1)]


def test_a_linear_schedule_is_pytorchs_own_rise_and_fall() -> None:
    weight = nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], TUNED["learning_rate"])
    up = torch.optim.lr_scheduler.LinearLR(optimizer, 1 / 20, 1, total_iters=19)
    down = torch.optim.lr_scheduler.LinearLR(optimizer, 1, 1 / 80, total_iters=79)
    both = torch.optim.lr_scheduler.SequentialLR(optimizer, [up, down], [20])
    expected = []
    for _ in range(100):
        expected.append(both.get_last_lr()[0])
        optimizer.step()
        both.step()
    assert rates(TUNED, 100) == pytest.approx(expected)
    assert max(rates(TUNED, 100)) == TUNED["learning_rate"]


def test_the_exercises_schedule_is_constant() -> None:
    assert set(rates(REFERENCE, 10)) == {0.01}


@pytest.mark.parametrize("updates", [1, 2, 3])
def test_every_update_of_a_very_short_training_has_a_rate_above_0(updates: int) -> None:
    assert all(0 < rate <= TUNED["learning_rate"] for rate in rates(TUNED, updates))


@pytest.mark.parametrize(
    ("epochs", "plain", "augmented"), [(1, 0.1, 0), (2, 0.1, 1), (4, 0.1, 3), (19, 0.1, 17), (3, 0.0, 3), (3, 1.0, 0)]
)
def test_the_last_epochs_are_plain(epochs: int, plain: float, augmented: int) -> None:
    settings = check_settings({"epochs": epochs, "plain": plain})
    training = TrainingState(settings, data.load("digits"), nn.Identity(), torch.optim.SGD([torch.zeros(1)]))
    seen = [training.is_plain(epoch) for epoch in range(1, epochs + 1)]
    assert seen == [False] * augmented + [True] * (epochs - augmented)


def test_weights_are_decayed_and_biases_and_batchnorm_are_not() -> None:
    network = models.build("tuned")
    decayed, others = recipe.make_optimizer(network, TUNED).param_groups
    assert (decayed["weight_decay"], others["weight_decay"]) == (0.01, 0.0)
    assert {weight.ndim for weight in decayed["params"]} == {2, 4}
    assert {weight.ndim for weight in others["params"]} == {1}
    assert sum(weight.numel() for group in (decayed, others) for weight in group["params"]) == sum(
        weight.numel() for weight in network.parameters()
    )


def test_an_average_is_the_mean_weighted_towards_the_last_updates() -> None:
    network, window = nn.Linear(1, 1, bias=False), 0.25
    average, seen = recipe.make_average(network, window), []
    for number in range(1, 41):
        nn.init.constant_(network.weight, number)
        average.update_parameters(network)
        seen.append(number)
    # the closed form of steps by min(1, 4 / n): value k weighs 4/k times the product of (1 - 4/n) over the later n
    shares = [min(1, 4 / k) * torch.tensor([1 - min(1, 4 / n) for n in range(k + 1, 41)]).prod().item() for k in seen]
    assert sum(shares) == pytest.approx(1)
    assert average.module.weight.item() == pytest.approx(sum(map(float.__mul__, shares, map(float, seen))), rel=1e-5)
    assert 40 * (1 - window) < average.module.weight.item() < 40


def test_an_average_over_all_updates_is_their_mean_and_batchnorms_statistics_are_averaged_too() -> None:
    network = nn.Sequential(nn.BatchNorm1d(2))
    average, means = recipe.make_average(network, 1.0), []
    for seed in range(5):
        torch.manual_seed(seed)
        network(torch.randn(8, 2))
        average.update_parameters(network)
        means.append(network[0].running_mean.clone())
    torch.testing.assert_close(average.module[0].running_mean, torch.stack(means).mean(0))
    assert average.module[0].num_batches_tracked == 5


def test_a_window_of_0_is_no_average() -> None:
    assert recipe.make_average(nn.Linear(1, 1), 0.0) is None


def test_a_smoothed_label_is_spread_evenly_over_all_classes() -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(7, 10), torch.randint(10, (7,))
    wanted = 0.9 * torch.eye(10)[labels] + 0.1 / 10
    expected = -(wanted * logits.log_softmax(1)).sum(1).mean()
    torch.testing.assert_close(recipe.objective({"label_smoothing": 0.1}, logits, labels), expected)


def test_the_loss_that_is_told_is_the_cross_entropy_whatever_an_update_makes_smaller() -> None:
    still = {"model": "tiny", "dataset": "digits", "learning_rate": 1e-12, "average": 0.0, "device": "cpu"}
    told = []
    for smoothing in (0.0, 0.5):
        made = training.prepare(check_settings({**still, "label_smoothing": smoothing}), None, lambda text: None)
        told.append(epochs.one_epoch(made, 1, epochs.Watch(None, lambda: None, made))["train_loss"])
    assert told[0] == pytest.approx(told[1], rel=1e-6)


@pytest.mark.parametrize(
    ("name", "device", "model", "unit", "precision"),
    [
        ("auto", "cpu", "tuned", "none", "float32"),
        ("auto", "cpu", "tuned", "amx_bf16", "bfloat16"),
        ("auto", "cpu", "compact", "avx512_bf16", "bfloat16"),
        ("auto", "cpu", "tiny", "amx_bf16", "float32"),
        ("auto", "cuda", "tiny", "none", "bfloat16"),
        ("auto", "mps", "tuned", "amx_bf16", "float32"),
        ("float32", "cuda", "tuned", "amx_bf16", "float32"),
        ("bfloat16", "cpu", "tiny", "none", "bfloat16"),
    ],
)
def test_auto_is_bfloat16_where_it_pays(
    name: str, device: str, model: str, unit: str, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {unit: True})
    assert recipe.choose_precision(name, device, model) == precision


@pytest.mark.skipif(sys.platform != "linux", reason="/proc/cpuinfo is Linux's")
def test_auto_sees_what_the_system_says_of_this_processor() -> None:
    units = set(Path("/proc/cpuinfo").read_text().split()) & {"amx_bf16", "avx512_bf16"}
    assert recipe.choose_precision("auto", "cpu", "tuned") == ("bfloat16" if units else "float32")


@pytest.mark.parametrize(("precision", "mixed"), [("float32", False), ("bfloat16", True)])
def test_mixed_precision_is_used_where_the_settings_say_so(precision: str, mixed: bool) -> None:
    context = recipe.autocast({**TUNED, "precision": precision}, torch.device("cpu"))
    assert isinstance(context, torch.autocast) == mixed


def test_bfloat16_multiplies_in_bfloat16_and_keeps_float32_weights() -> None:
    network = models.build("tiny").eval()
    with recipe.autocast({**TUNED, "precision": "bfloat16"}, torch.device("cpu")):
        assert network(torch.zeros(2, 1, 28, 28)).dtype == torch.bfloat16
    assert {weight.dtype for weight in network.parameters()} == {torch.float32}


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_freed_memory_is_used_again_without_the_system():
    program = """
import resource, torch
from cnn.machine import keep_memory
keep_memory()
faults = [0]
for _ in range(10):
    torch.ones(1 << 24)
    faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
print(min(after - before for before, after in zip(faults, faults[1:])))
"""
    faults = int(subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout)
    assert faults < 2_000  # the tensor has 16,384 pages


@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.AdamW])
def test_an_uncompiled_optimizer_gives_torchs_own_weights(kind):
    torch.manual_seed(0)
    start, slopes = torch.randn(7), torch.randn(4, 7)

    def last(chosen):
        weights = start.clone().requires_grad_()
        optimizer = chosen([weights], lr=0.1, weight_decay=0.01)
        for slope in slopes:
            optimizer.zero_grad()
            (weights * slope).sum().backward()
            optimizer.step()
        fresh = chosen([weights], lr=0.1)
        fresh.load_state_dict(optimizer.state_dict())
        weights.grad = slopes[0]
        fresh.step()
        return weights.detach()

    assert torch.equal(last(recipe.uncompiled(kind)), last(kind))


def test_a_training_imports_nothing_of_torch_compile():
    program = """
import sys
from cnn import models, recipe
from cnn.runs import settings
network = models.build("tiny")
for optimizer in ("adamw", "sgd"):
    made = recipe.make_optimizer(network, settings.check_settings({"optimizer": optimizer}))
    recipe.update(made, network(__import__("torch").rand(2, 1, 28, 28)).sum(), 0.1)
    made.load_state_dict(made.state_dict())
print("torch._dynamo" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
