"""What a network text such as `2-3-1 tanh linear bias` says: layers, units, loss, biases, and the name of every number.

The text is `sizes [hidden [output]] [loss] [bias|fixed-bias]`, in any case. Weights are one flat row: all w, layer by
layer, receiving unit by receiving unit (w1 = i1→h1, w2 = i2→h1, w3 = i1→h2 …), then all b in the same order.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property, lru_cache
from itertools import pairwise
from types import EllipsisType

import numpy as np
from numpy.typing import NDArray

UNITS = ("sigmoid", "tanh", "relu", "linear")
# The losses that each output unit goes with, its default first. Softmax is for outputs only.
OUTPUT_LOSSES = {
    "sigmoid": ("half-squared", "cross-entropy"),
    "tanh": ("half-squared",),
    "relu": ("half-squared",),
    "linear": ("half-squared",),
    "softmax": ("cross-entropy",),
}
OUTPUTS = tuple(OUTPUT_LOSSES)
LOSSES = ("half-squared", "cross-entropy")
BIASES = ("bias", "fixed-bias")
WORDS = {"unit": OUTPUTS, "loss": LOSSES, "bias": BIASES}
AT_MOST = {"unit": 2, "loss": 1, "bias": 1}
ALLOWED = {"unit": "a hidden and an output unit", "loss": "one loss", "bias": "one kind of biases"}

MAX_LAYERS = 20
MAX_UNITS = 1_000
MAX_WEIGHTS = 100_000

Array = NDArray[np.float64]
Place = tuple[EllipsisType, slice]
Layers = list[tuple[Array, Array | None]]


class NetworkError(ValueError):
    """A text or a row of numbers that no network can use; the message says what was wrong and what is allowed."""


@dataclass(frozen=True)
class Network:
    """Layer sizes (inputs first), the hidden and the output unit, the loss and the kind of biases.

    A blank `loss` is the output unit's default. `bias` is "none", "bias" (one learned bias per unit) or "fixed-bias"
    (one per layer, shared by its units and never updated). Raises NetworkError for sizes, words or pairs of an output
    unit and a loss that are not available.
    """

    sizes: tuple[int, ...]
    hidden: str = "sigmoid"
    output: str = "sigmoid"
    loss: str = ""
    bias: str = "none"

    def __post_init__(self) -> None:
        given = {"hidden unit": self.hidden, "output unit": self.output, "loss": self.loss, "bias": self.bias}
        allowed = {"hidden unit": UNITS, "output unit": OUTPUTS, "loss": (*LOSSES, ""), "bias": (*BIASES, "none")}
        for kind, word in given.items():
            if word not in allowed[kind]:
                raise NetworkError(unknown(kind, word, [each for each in allowed[kind] if each]))
        check_sizes(self.sizes)
        object.__setattr__(self, "loss", self.loss or OUTPUT_LOSSES[self.output][0])
        check_loss(self.output, self.loss, self.sizes[-1])
        if len(self.sizes) == 2:  # nothing is hidden: one network, one text
            object.__setattr__(self, "hidden", "sigmoid")
        if self.weight_count > MAX_WEIGHTS:
            raise NetworkError(f"{self.text} has {self.weight_count:,} weights; at most {MAX_WEIGHTS:,} are allowed")

    @staticmethod
    @lru_cache(maxsize=256)
    def parse(text: str) -> Network:
        """The network that a text describes. Raises NetworkError, which quotes the text."""
        try:
            return read(text.lower().split())
        except NetworkError as error:
            raise NetworkError(f'network "{text[:60]}": {error}') from None

    @cached_property
    def text(self) -> str:
        """The shortest text that parses to this network; the defaults are left out."""
        units = [self.hidden, self.output]
        while units and units[-1] == "sigmoid":
            units.pop()
        losses = [] if self.loss == OUTPUT_LOSSES[self.output][0] else [self.loss]
        biases = [] if self.bias == "none" else [self.bias]
        return " ".join(["-".join(map(str, self.sizes)), *units, *losses, *biases])

    @cached_property
    def weight_count(self) -> int:
        """Weights and biases together."""
        biases = {"none": 0, "bias": sum(self.sizes[1:]), "fixed-bias": len(self.sizes) - 1}
        return self._w_count + biases[self.bias]

    @cached_property
    def learned_count(self) -> int:
        """How many of the weights an update changes: all, or all but the fixed biases, which come last."""
        return self._w_count if self.bias == "fixed-bias" else self.weight_count

    @cached_property
    def learned(self) -> NDArray[np.bool_]:
        """(n,) booleans: False for the fixed biases."""
        learned = np.arange(self.weight_count) < self.learned_count
        learned.setflags(write=False)
        return learned

    @cached_property
    def activations(self) -> tuple[str, ...]:
        """The unit word of every layer after the inputs."""
        return (self.hidden,) * (len(self.sizes) - 2) + (self.output,)

    @cached_property
    def layer_units(self) -> tuple[tuple[str, ...], ...]:
        """The unit names of every layer after the inputs: h1, or h2_1 (layer 2, unit 1) with several hidden layers."""
        *hidden, outputs = self.sizes[1:]
        prefixes = ["h"] if len(hidden) == 1 else [f"h{layer}_" for layer, _ in enumerate(hidden, 1)]
        layers = [*zip(prefixes, hidden, strict=True), ("o", outputs)]
        return tuple(tuple(numbered(prefix, count)) for prefix, count in layers)

    @cached_property
    def input_names(self) -> tuple[str, ...]:
        return tuple(numbered("i", self.sizes[0]))

    @cached_property
    def target_names(self) -> tuple[str, ...]:
        return tuple(numbered("t", self.sizes[-1]))

    @cached_property
    def weight_names(self) -> tuple[str, ...]:
        return (*numbered("w", self._w_count), *numbered("b", self.weight_count - self._w_count))

    @cached_property
    def unit_names(self) -> tuple[str, ...]:
        return tuple(name for layer in self.layer_units for unit in layer for name in (unit, f"a_{unit}"))

    @cached_property
    def loss_names(self) -> tuple[str, ...]:
        return (*numbered("E", self.sizes[-1]), "E_total")

    @cached_property
    def gradient_names(self) -> tuple[str, ...]:
        return tuple(f"dE/d{name}" for name in self.weight_names)

    def headers(self, kind: str) -> tuple[str, ...]:
        """Column names of a forward, loss or gradient row, or of a train table for one sample."""
        kinds = {"forward": self.unit_names, "loss": self.loss_names, "gradient": self.gradient_names}
        state = self.target_names + self.input_names + self.weight_names
        kinds["train"] = state + self.unit_names + self.loss_names + self.gradient_names
        if kind.strip().lower() not in kinds:
            raise NetworkError(unknown("kind", kind, kinds))
        return kinds[kind.strip().lower()]

    def fitting(self, weights: Array) -> Array:
        """(..., n) as float64. Raises NetworkError for a wrong number of weights."""
        weights = np.asarray(weights, dtype=float)
        if weights.shape[-1:] != (self.weight_count,):
            raise NetworkError(f"{self.text} has {self.weight_count} weights, not {(weights.shape or (1,))[-1]}")
        return weights

    def unpack(self, weights: Array) -> Layers:
        """(..., n) numbers as one (W (..., out, in), b (..., out) or None) per layer, all views of float64 numbers.

        W[k, j] leads from unit j of the layer before to unit k. A fixed bias is (..., 1), for all units of its layer.
        Raises NetworkError for a wrong number of weights.
        """
        weights = self.fitting(weights)
        lead = weights.shape[:-1]
        return [(weights[w].reshape(lead + shape), b and weights[b]) for w, shape, b in self._layout]

    @cached_property
    def _w_count(self) -> int:
        return sum(size * following for size, following in pairwise(self.sizes))

    @cached_property
    def _layout(self) -> list[tuple[Place, tuple[int, int], Place | None]]:
        """Where each layer lies in a row of weights: (index of its w, shape of its W, index of its b or None)."""
        layout: list[tuple[Place, tuple[int, int], Place | None]] = []
        w, b = 0, self._w_count
        for size, following in pairwise(self.sizes):
            biases = {"none": 0, "bias": following, "fixed-bias": 1}[self.bias]
            bias = (..., slice(b, b + biases)) if biases else None
            layout.append(((..., slice(w, w + size * following)), (following, size), bias))
            w, b = w + size * following, b + biases
        return layout


def read(words: list[str]) -> Network:
    """The network of the lower-case words of a text."""
    sizes = read_sizes(words[0] if words else "")
    chosen: dict[str, list[str]] = {kind: [] for kind in WORDS}
    for word in words[1:]:
        chosen[kind_of(word)].append(word)
    for kind, found in chosen.items():
        if len(found) > AT_MOST[kind]:
            raise NetworkError(f"{' and '.join(found)}: too many; the text may name {ALLOWED[kind]}")
    if len(sizes) == 2 and len(chosen["unit"]) == 1 and chosen["unit"] != ["sigmoid"]:
        unit = chosen["unit"][0]
        raise NetworkError(f"there is no hidden layer for {unit} to set; for the outputs write sigmoid {unit}")
    hidden, output = (*chosen["unit"], "sigmoid", "sigmoid")[:2]
    if hidden == "softmax":
        raise NetworkError("softmax is for the outputs only, which the second unit word sets: write sigmoid softmax")
    return Network(sizes, hidden, output, (*chosen["loss"], "")[0], (*chosen["bias"], "none")[0])


def read_sizes(word: str) -> tuple[int, ...]:
    sizes = word.split("-")
    if not all(size.isascii() and size.isdigit() for size in sizes):
        raise NetworkError("the layer sizes come first: whole numbers joined by hyphens, such as 2-2-2 or 2-3-1 tanh")
    # Cut before the conversion: Python refuses numbers of thousands of digits, and any of seven is too many already.
    return tuple(int(size.lstrip("0")[:7] or 0) for size in sizes)


def check_sizes(sizes: tuple[int, ...]) -> None:
    if len(sizes) < 2:
        raise NetworkError(
            "inputs and outputs are two layers at least, such as 2-1 or 2-2-2 "
            "(where a cell makes a date of it, type an apostrophe first: '2-2-2)"
        )
    if len(sizes) > MAX_LAYERS:
        raise NetworkError(f"{len(sizes)} layers; at most {MAX_LAYERS} are allowed")
    for position, size in enumerate(sizes, 1):
        if not 1 <= size <= MAX_UNITS:
            wrong = "too large" if size > MAX_UNITS else "below 1"
            raise NetworkError(f"size {position} is {wrong}; a layer has 1 to {MAX_UNITS:,} units")


def check_loss(output: str, loss: str, outputs: int) -> None:
    if loss not in OUTPUT_LOSSES[output]:
        pairs = "; ".join(f"{unit}: {' or '.join(losses)}" for unit, losses in OUTPUT_LOSSES.items())
        raise NetworkError(f"{output} outputs do not go with {loss} (allowed: {pairs})")
    if output == "softmax" and outputs == 1:
        raise NetworkError("softmax of one output is always 1; take two outputs, or sigmoid with cross-entropy")


def kind_of(word: str) -> str:
    """Whether a word names a unit, a loss or the biases."""
    for kind, words in WORDS.items():
        if word in words:
            return kind
    raise NetworkError(unknown("word", word, OUTPUTS + LOSSES + BIASES))


def unknown(kind: str, word: str, allowed: Iterable[str]) -> str:
    """The message for a word that is not one of the allowed ones, with the nearest of them."""
    allowed = list(allowed)
    nearest = get_close_matches(word.strip().lower(), allowed, n=1)
    suggestion = f"; did you mean {nearest[0]}?" if nearest else ""
    return f'unknown {kind} "{word[:60]}"{suggestion} (allowed: {", ".join(allowed)})'


def numbered(prefix: str, count: int) -> list[str]:
    return [f"{prefix}{number}" for number in range(1, count + 1)]
