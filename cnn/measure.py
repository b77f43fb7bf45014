"""Measures a network on images: loss and accuracy, and how likely it takes each class to be."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

BATCH_SIZE = 1000  # of evaluation: the result does not depend on it, the memory does


class Tally:
    """Adds up loss and hits, batch by batch, on the device: reading a number off a GPU would wait for it."""

    def __init__(self) -> None:
        self.images, self.sums = 0, torch.zeros(2)

    @torch.no_grad()
    def add(self, logits: Tensor, labels: Tensor) -> None:
        """Count a batch of logits (n, 10) and labels (n,)."""
        loss, hits = F.cross_entropy(logits, labels), (logits.argmax(1) == labels).sum()
        self.sums = self.sums.to(loss.device) + torch.stack((loss * len(labels), hits))
        self.images += len(labels)

    def means(self) -> tuple[float, float]:
        """Mean loss and accuracy (a fraction) so far."""
        loss, hits = self.sums.tolist()
        return loss / self.images, hits / self.images


@torch.no_grad()
def evaluate(
    network: nn.Module, batches: Iterable[tuple[Tensor, Tensor]], total: Callable[[Tally], Tally] = lambda tally: tally
) -> tuple[float, float]:
    """Mean cross-entropy and accuracy (a fraction) over batches of images and labels, without dropout.

    `total` adds what others have counted.
    """
    network.eval()
    tally = Tally()
    for images, labels in batches:
        tally.add(network(images), labels)
    return total(tally).means()


@torch.no_grad()
def probabilities(network: nn.Module, batches: Iterable[tuple[Tensor, Tensor]]) -> Tensor:
    """How likely the network takes each class to be, for each image: (n, classes), on the CPU."""
    network.eval()
    return torch.cat([network(images).softmax(1) for images, _ in batches]).cpu()
