"""How a network is trained: the optimizer, its learning rate at every update, the average of the weights, precision."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel

from cnn.runs.settings import MOMENTUM

Tensors = tuple[Tensor, ...] | list[Tensor]
BETAS = (0.9, 0.99)
BFLOAT16 = ("amx_bf16", "avx512_bf16")  # a CPU's units for it
LARGE = ("tuned", "compact")


def make_optimizer(network: nn.Module, settings: dict[str, Any]) -> Optimizer:
    """AdamW (arXiv 1711.05101) or SGD with momentum. Biases and BatchNorm's weights are not decayed."""
    matrices = [weight for weight in network.parameters() if weight.ndim > 1]
    vectors = [weight for weight in network.parameters() if weight.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": settings["weight_decay"]}, {"params": vectors, "weight_decay": 0.0}]
    if settings["optimizer"] == "sgd":
        return uncompiled(torch.optim.SGD)(groups, settings["learning_rate"], MOMENTUM)
    fused = next(network.parameters()).device.type in ("cpu", "cuda")
    return uncompiled(torch.optim.AdamW)(groups, settings["learning_rate"], BETAS, fused=fused)


def uncompiled(kind: type[Optimizer]) -> Callable[..., Optimizer]:
    """The same optimizer without the wrappers that prepare its methods for torch.compile, which nothing here uses.

    They import torch._dynamo, which takes as long as torch itself, at the start of every run.
    """
    names = ("add_param_group", "zero_grad", "state_dict", "load_state_dict", "step")
    methods = {name: inspect.unwrap(getattr(kind, name)) for name in names}
    return type(kind.__name__, (kind,), {**methods, "step": torch.no_grad()(methods["step"])})


def learning_rate(settings: dict[str, Any], number: int, updates: int) -> float:
    """The learning rate of update `number`, counted from 1 to `updates`: the setting itself at its highest.

    constant: the same throughout. linear: up from 0 over the first `warmup` of the updates, then down to 0.
    """
    highest: float = settings["learning_rate"]
    if settings["schedule"] == "constant":
        return highest
    up: float = settings["warmup"] * updates
    return highest * min(1, number / up, (updates - number + 1) / (updates - up))


def objective(settings: dict[str, Any], logits: Tensor, labels: Tensor) -> Tensor:
    """What an update makes smaller, of logits (n, 10) and labels (n,): their mean cross-entropy.

    label_smoothing is the part of each label that is spread evenly over all classes (arXiv 1512.00567, section 7).
    """
    return F.cross_entropy(logits, labels, label_smoothing=settings["label_smoothing"])


def update(optimizer: Optimizer, loss: Tensor, rate: float) -> None:
    """Move the weights down the loss's gradient at this learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]  # PyTorch has no types there
    optimizer.step()


def make_average(network: nn.Module, window: float) -> AveragedModel | None:
    """The moving average of the network's weights and of BatchNorm's statistics; None for a window of 0.

    It reaches back over about the fraction `window` of the updates so far, whatever their number: step n moves it by
    1 / (window · n) towards the weights (arXiv 2312.02696, power-function averaging).
    """
    if not window:
        return None

    def move(averages: Tensors, weights: Tensors, _: Tensor | int) -> None:
        if averages[0].is_floating_point():
            steps = int(average.n_averaged)  # stays on the CPU; the one that is given would be waited for on a GPU
            torch._foreach_lerp_(averages, weights, min(1.0, 1 / (window * (steps + 1))))
        else:  # BatchNorm's count of batches
            torch._foreach_copy_(averages, weights)

    average = AveragedModel(network, multi_avg_fn=move, use_buffers=True)
    return average


def choose_precision(name: str, device: str, model: str) -> str:
    """The precision `name`; auto is bfloat16 where it pays: on CUDA, and for LARGE networks on a CPU that has it.

    A CPU without bfloat16 takes several times as long with it, and small networks take longer on any.
    """
    if name != "auto":
        return name
    units = torch.cpu.get_capabilities()
    pays = device == "cuda" or (device == "cpu" and model in LARGE and any(units.get(name) for name in BFLOAT16))
    return "bfloat16" if pays else "float32"


def autocast(settings: dict[str, Any], device: torch.device) -> contextlib.AbstractContextManager[object]:
    """Mixed precision, where the settings say bfloat16."""
    mixed = settings["precision"] == "bfloat16"
    return torch.autocast(device.type, torch.bfloat16) if mixed else contextlib.nullcontext()
