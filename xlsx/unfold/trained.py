"""What an unfolded workbook is written from: a trained network without the framework that trained it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Layer:
    """One layer as the framework has it: the name of its class, a few words, its options, its arrays by name.

    A layer around others (Residual) has these in `layers`.
    """

    kind: str
    words: str
    options: dict[str, Any]
    arrays: dict[str, Array]
    layers: tuple[Layer, ...] = ()

    @classmethod
    def read(cls, facts: dict[str, Any]) -> Layer:
        return cls(**{**facts, "layers": tuple(cls.read(inner) for inner in facts["layers"])})


@dataclass(frozen=True)
class Trained:
    """A finished run: its settings and figures, its layers, some test images and the framework's logits of them.

    images (n, 28, 28) from 0 to 255, labels and positions in the test set (n,), logits (n, classes) in float32;
    `run` is what CNN_PREDICT finds the run by; accuracy is a fraction of the `tested` images; an image is normalised as
    (pixel / 255 − mean) / deviation.
    """

    run: str
    model: str
    dataset: str
    seed: int
    epochs: int
    accuracy: float
    tested: int
    parameters: int
    mean: float
    deviation: float
    classes: tuple[str, ...]
    layers: tuple[Layer, ...]
    images: Array
    labels: NDArray[np.int64]
    positions: NDArray[np.int64]
    logits: NDArray[np.float32]

    @classmethod
    def read(cls, facts: dict[str, Any]) -> Trained:
        """From plain values, as a dictionary has them."""
        return cls(**{**facts, "layers": tuple(map(Layer.read, facts["layers"]))})

    def normal(self, image: Array) -> Array:
        """An image (28, 28) as the network gets it, (1, 28, 28)."""
        return ((image.astype(np.float64) / 255 - self.mean) / self.deviation)[np.newaxis]
