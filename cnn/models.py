"""The networks: each is a list of layers, from images (n, 1, 28, 28) to logits (n, 10).

python start.py models    prints them, layer by layer
"""

from __future__ import annotations

from cnn import end_by_ctrl_c

if __name__ == "__main__":
    end_by_ctrl_c()

import argparse
import json
import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cnn.runs.command import Parser, carry_out
from cnn.runs.settings import PARAMETER_LIMIT, check_setting

MARGIN = 2  # pixels at each edge that tuned leaves out: blank in most images, and as slow as the others


class Residual(nn.Sequential):
    """ReLU(x + layers(x))."""

    def forward(self, x: Tensor) -> Tensor:
        changed: Tensor = super().forward(x)  # type: ignore[no-untyped-call]  # PyTorch has no types there
        return F.relu(changed.add_(x), inplace=True)


class Pointwise(nn.Linear):
    """A 1×1 convolution without bias, (n, before, height, width) to (n, after, height, width), as one product.

    PyTorch's convolution takes longer for it on a CPU, most of all for the gradient.
    """

    def __init__(self, before: int, after: int):
        super().__init__(before, after, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


class Places(nn.Module):
    """Images (n, channels, size, size) to (n, channels): the sum over places, each with its own weight.

    A depthwise convolution as large as what comes in (arXiv 1804.07573), whose backward pass is slow in PyTorch's CPU
    convolution.
    """

    def __init__(self, channels: int, size: int):
        super().__init__()
        self.size = size
        self.weight = nn.Parameter(torch.empty(size**2, channels).uniform_(-1 / size, 1 / size))

    def forward(self, x: Tensor) -> Tensor:
        return (x.flatten(2).transpose(1, 2) * self.weight.to(x.dtype)).sum(1)


class Mean(nn.Module):
    """Images (n, channels, height, width) to (n, channels): the mean over places.

    AdaptiveAvgPool2d is the same; its gradient is not channels_last, which slows the layers before it.
    """

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(2).transpose(1, 2).mean(1)


def convolution(before: int, after: int, size: int, stride: int = 1, padding: int | None = None) -> list[nn.Module]:
    """A convolution and BatchNorm, so without a bias of its own; by default as large as what comes in."""
    padding = size // 2 if padding is None else padding
    return [nn.Conv2d(before, after, size, stride, padding, bias=False), nn.BatchNorm2d(after)]


def separable(before: int, after: int, stride: int = 1) -> list[nn.Module]:
    """A 3×3 convolution within each channel, then a 1×1 across them; residual where nothing changes its size."""
    within = nn.Conv2d(before, before, 3, stride, padding=1, groups=before, bias=False)
    layers = [within, Pointwise(before, after), nn.BatchNorm2d(after)]
    return [Residual(*layers)] if (before, stride) == (after, 1) else [*layers, nn.ReLU(inplace=True)]


def halved(before: int, after: int, size: int, padding: int = 0) -> list[nn.Module]:
    """A convolution, and of every 2×2 places the largest, which BatchNorm then sees alone."""
    layer = nn.Conv2d(before, after, size, padding=padding, bias=False)
    return [layer, nn.MaxPool2d(2), nn.BatchNorm2d(after), nn.ReLU(inplace=True)]


def classifier(channels: int) -> list[nn.Module]:
    """From 6×6: each channel weighted place by place, where a mean forgets the place; ten logits."""
    return [Places(channels, 6), nn.BatchNorm1d(channels), nn.Linear(channels, 10)]


def reference() -> list[nn.Module]:
    """The exercise's network, 14,666 parameters; its convolutions have biases although BatchNorm follows."""
    return [
        nn.Conv2d(1, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Dropout2d(0.25),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.Dropout2d(0.25),
        nn.Conv2d(32, 16, 3),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(16 * 5 * 5, 10),
    ]


def tuned() -> list[nn.Module]:
    """Under 20,000 parameters."""
    return [
        nn.ZeroPad2d(-MARGIN),
        *halved(1, 16, 5),
        Residual(*convolution(16, 16, 3)),
        Residual(*convolution(16, 16, 3)),
        *halved(16, 32, 3, padding=1),
        *separable(32, 64),
        *separable(64, 64),
        Mean(),
        nn.Linear(64, 10),
    ]


def compact() -> list[nn.Module]:
    """Under 8,000 parameters."""
    return [
        *halved(1, 12, 5),
        Residual(*convolution(12, 12, 3)),
        *halved(12, 24, 3, padding=1),
        *separable(24, 44),
        *classifier(44),
    ]


def small() -> list[nn.Module]:
    """Under 3,000 parameters."""
    return [
        *halved(1, 12, 5),
        *separable(12, 12),
        *separable(12, 12),
        *separable(12, 20),
        nn.MaxPool2d(2),
        *separable(20, 20),
        *classifier(20),
    ]


def tiny_2() -> list[nn.Module]:
    """Under 2,500 parameters."""
    return [
        *halved(1, 12, 5),
        *separable(12, 12),
        *separable(12, 18),
        nn.MaxPool2d(2),
        *separable(18, 18),
        *classifier(18),
    ]


def tiny() -> list[nn.Module]:
    """As many parameters, with strides where tiny_2 has the largest of 2×2 places: quicker, and in fewer cells."""
    return [
        *convolution(1, 12, 5, stride=2, padding=0),
        nn.ReLU(inplace=True),
        *separable(12, 12),
        *separable(12, 18, stride=2),
        *separable(18, 18),
        *classifier(18),
    ]


MODELS: dict[str, Callable[[], list[nn.Module]]] = {
    "tuned": tuned,
    "compact": compact,
    "small": small,
    "tiny-2": tiny_2,
    "tiny": tiny,
    "reference": reference,
}


def build(model: str) -> nn.Sequential:
    """The network `model` with the initial weights that torch's generator gives.

    channels_last: on a CPU without AVX-512 an epoch in one thread took 13 s so, 20 s in torch's own order of memory.
    """
    return nn.Sequential(*MODELS[model]()).to(memory_format=torch.channels_last)


def parameter_count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


LAYER_KEYS = ("layer", "output", "parameters", "multiply_adds")
LINE = "  {:40}{:>10}{:>12,}{:>15,}"


@torch.no_grad()
def layer_table(network: nn.Module) -> list[dict[str, Any]]:
    """A row per layer, in the order in which an image passes them: LAYER_KEYS.

    The output's shape is channels×height×width. Multiply-adds are those of convolutions and linear layers, for one
    image; all else is small beside them.
    """
    rows: list[dict[str, Any]] = []

    def note(layer: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        shape = "×".join(str(size) for size in output.shape[1:])
        values = (describe(layer), shape, own_parameters(layer), multiply_adds(layer, output))
        rows.append(dict(zip(LAYER_KEYS, values, strict=True)))

    hooks = [layer.register_forward_hook(note) for layer in network.modules() if type(layer) is not nn.Sequential]
    network.eval()(torch.zeros(1, 1, 28, 28, device=next(network.parameters()).device))
    for hook in hooks:
        hook.remove()
    return rows


def own_parameters(layer: nn.Module) -> int:
    return sum(parameter.numel() for parameter in layer.parameters(recurse=False))


def multiply_adds(layer: nn.Module, output: Tensor) -> int:
    """Of one image: every weight counts once for each place it is laid on."""
    places = output[0, 0].numel() if isinstance(layer, nn.Conv2d | Pointwise) else 1
    return places * layer.weight.numel() if isinstance(layer, nn.Conv2d | nn.Linear | Places) else 0


def describe(layer: nn.Module) -> str:
    """A layer in a few words, such as Conv2d 16→32, 3×3, stride 2."""
    if isinstance(layer, Residual):
        return "add what came in, ReLU"
    if isinstance(layer, nn.Conv2d):
        words = [f"Conv2d {layer.in_channels}→{layer.out_channels}", "×".join(map(str, layer.kernel_size))]
        words += [f"stride {layer.stride[0]}"] * (layer.stride[0] > 1) + ["depthwise"] * (layer.groups > 1)
        return ", ".join(words)
    if isinstance(layer, nn.Linear):
        return f"{type(layer).__name__} {layer.in_features}→{layer.out_features}"
    if isinstance(layer, nn.ZeroPad2d):
        return f"leave out {-layer.padding[0]} pixels at each edge"
    if isinstance(layer, Places):
        return f"Places {layer.size}×{layer.size}, a weight each"
    return type(layer).__name__ + (f" {layer.p}" if isinstance(layer, nn.Dropout2d) else "")


def printed(model: str) -> str:
    """A network for a person, layer by layer, with its sums against the exercise's limit."""
    rows = layer_table(build(model))
    total, products = (sum(row[key] for row in rows) for key in LAYER_KEYS[2:])
    left = f"{PARAMETER_LIMIT - total:,} under the limit of {PARAMETER_LIMIT:,}"
    head = f"{model}: {total:,} parameters, {left}; {products:,} multiply-adds an image"
    return "\n".join(
        (
            head,
            LINE.replace(",}", "}").format(*LAYER_KEYS).replace("_", "-"),
            *(LINE.format(*row.values()) for row in rows),
        )
    )


def facts(model: str) -> dict[str, Any]:
    """A network for a program: its sums, and its layers in the order in which an image passes them."""
    rows = layer_table(build(model))
    return {"model": model, **{key: sum(row[key] for row in rows) for key in LAYER_KEYS[2:]}, "layers": rows}


def parser() -> Parser:
    """The command line."""
    made = Parser("models", __doc__)
    made.add_argument("models", metavar="MODEL", nargs="*", help=f"{', '.join(MODELS)} (default: all)")
    made.add_argument("--json", action="store_true", help="the same as JSON, for a program")
    return made


def shown(options: argparse.Namespace) -> int:
    """Print the networks; the exit code. Raises SettingsError."""
    chosen = [check_setting("model", name, "MODEL") for name in options.models] or list(MODELS)
    found = json.dumps([facts(name) for name in chosen], indent=2) if options.json else None
    print(found or "\n\n".join(printed(name) for name in chosen))
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit code."""
    return carry_out("models", lambda: shown(parser().parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(main())
