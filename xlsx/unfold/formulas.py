"""The formula of every cell of a step: a table of one writer for each kind.

A writer gives channel, y, x and formula of every place, in the order in which they are written. What windows and
kernels are called is put together once for all cells that read them: the same few thousand texts stand in them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from xlsx.unfold.kernels import Kernels
from xlsx.unfold.maps import Maps
from xlsx.unfold.steps import CONVOLUTION, DEPTHWISE, LARGEST, LINEAR, MEAN, Step

Texts = Callable[[int, int, int], str]


def formulas(step: Step, source: Maps, target: Maps, kernels: Kernels | None, added: Maps | None) -> Iterator[Formula]:
    """Of a step that reads `source` and `kernels`, and adds the maps `added`."""
    texts = SUMS[step.kind](step, source, target, kernels)
    for channel, y, x in target.places():
        before = f"{added.cell(channel, y, x)}+" if added else ""
        text = before + texts(channel, y, x)
        yield channel, y, x, f"=MAX(0,{text})" if step.relu else f"={text}"


def offsets(step: Step, y: int, x: int) -> tuple[int, int]:
    """Where the window of a place begins in a map before."""
    start = step.crop - step.padding
    return y * step.stride + start, x * step.stride + start


def convolution(step: Step, source: Maps, target: Maps, kernels: Kernels | None) -> Texts:
    """bias + Σ over the maps before: SUMPRODUCT(window, kernel); of a 1×1 kernel the plain product."""
    assert kernels is not None
    size = kernels.size
    product = "SUMPRODUCT({},{})".format if size != (1, 1) else "{}*{}".format
    seen = {
        (y, x): [source.window(before, *offsets(step, y, x), *size) for before in range(source.count)]
        for y in range(target.height)
        for x in range(target.width)
    }
    weights = [[kernels.range(after, before) for before in range(source.count)] for after in range(target.count)]

    def text(channel: int, y: int, x: int) -> str:
        return "+".join([kernels.bias(channel), *map(product, seen[y, x], weights[channel])])

    return text


def depthwise(step: Step, source: Maps, target: Maps, kernels: Kernels | None) -> Texts:
    """bias + SUMPRODUCT(window, kernel), each map for itself."""
    assert kernels is not None

    def text(channel: int, y: int, x: int) -> str:
        window = source.window(channel, *offsets(step, y, x), *kernels.size)
        return f"{kernels.bias(channel)}+SUMPRODUCT({window},{kernels.range(channel, 0)})"

    return text


def largest(step: Step, source: Maps, target: Maps, kernels: Kernels | None) -> Texts:
    """MAX(2×2 places), times a factor, plus a shift."""

    def text(channel: int, y: int, x: int) -> str:
        found = f"MAX({source.window(channel, 2 * y, 2 * x, 2, 2)})"
        return found if kernels is None else f"{found}*{kernels.range(channel, 0)}+{kernels.bias(channel)}"

    return text


def mean(step: Step, source: Maps, target: Maps, kernels: Kernels | None) -> Texts:
    return lambda channel, y, x: f"AVERAGE({source.fixed(channel)})"


def linear(step: Step, source: Maps, target: Maps, kernels: Kernels | None) -> Texts:
    """bias + SUMPRODUCT(all maps, weights that stand in their shape)."""
    assert kernels is not None
    everything = source.fixed_all()
    return lambda channel, y, x: f"{kernels.bias(channel)}+SUMPRODUCT({everything},{kernels.row(channel)})"


Formula = tuple[int, int, int, str]
SUMS: dict[str, Callable[[Step, Maps, Maps, Kernels | None], Texts]] = {
    CONVOLUTION: convolution,
    DEPTHWISE: depthwise,
    LARGEST: largest,
    MEAN: mean,
    LINEAR: linear,
}
