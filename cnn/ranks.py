"""One of several processes that train a run together, as torchrun starts them: PyTorch's DistributedDataParallel.

Every batch is cut into equal shards, one a process, and the gradients are averaged by the images of each. BatchNorm
sees its own shard, as is usual, so the weights are not those of one process; its running statistics are averaged before
they are used. Rank 0 has the run's folder. The others get all from it, and write nothing.
"""

from __future__ import annotations

import contextlib
import io
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, distributed, nn

from cnn import augment, runs
from cnn.measure import Tally
from cnn.runs import processes

LOST = "Another of the run's processes has ended"
GO_ON = "See what it said; to go on: torchrun as before, with --resume RUN in place of --out"
SIGNS = ("closed by peer", "reset by peer", "broken pipe", "timed out", "remote process", "connect", "socket")


@dataclass(frozen=True)
class Shard:
    """The rows of a batch that are a process's own, and `draw`: random numbers for them."""

    rows: slice
    draw: augment.Draw
    weight: float = 1.0

    def loss(self, mean: Tensor) -> Tensor:
        """What to go backward from, so that the mean over all processes is the mean over all images."""
        return mean if self.weight == 1.0 else mean * self.weight


WHOLE = Shard(slice(None), augment.uniform)


class Alone:
    """The one process of a run."""

    count, rank = 1, 0

    def together(self, told: Callable[[], dict[str, Any]]) -> contextlib.AbstractContextManager[None]:
        """While all processes are there; the others get what `told` gives, which they need to train along.

        Raises Failure as soon as one of them has ended.
        """
        return contextlib.nullcontext()

    def wrapped(self, network: nn.Module) -> Callable[[Tensor], Tensor]:
        """The network, whose gradients are then those of all processes."""
        return network

    def shard(self, images: int) -> Shard:
        """What of a batch of so many images is its own."""
        return WHOLE

    def draw_apart(self) -> None:
        """From here on dropout draws other numbers in every process, and the augmentation the same."""

    def shards(self, batches: Iterable[tuple[Tensor, Tensor]]) -> Iterator[tuple[Tensor, Tensor]]:
        """Its own of every batch of images and labels."""
        for images, labels in batches:
            rows = self.shard(len(labels)).rows
            yield images[rows], labels[rows]

    def total(self, tally: Tally) -> Tally:
        """What all processes have counted."""
        return tally

    def average_statistics(self, *networks: nn.Module) -> None:
        """Make BatchNorm's running statistics the mean over the processes."""

    def largest(self, number: int) -> int:
        """The largest that any process names."""
        return number

    def images(self, own: int) -> list[int]:
        """How many images each process has seen, by rank."""
        return [own]


class Ranks(Alone):
    """This process among `count`."""

    def __init__(self, rank: int, count: int, device: torch.device):
        self.rank, self.count, self.device = rank, count, device
        self.generator = torch.Generator(device)

    @contextlib.contextmanager
    def together(self, told: Callable[[], dict[str, Any]]) -> Iterator[None]:
        with joined():
            send(told())
            yield

    def wrapped(self, network: nn.Module) -> Callable[[Tensor], Tensor]:
        from torch.nn.parallel import DistributedDataParallel  # it loads what a run of one process has no use for

        with warnings.catch_warnings():  # newer ones than we count on have another name for broadcast_buffers
            warnings.simplefilter("ignore", FutureWarning)
            return DistributedDataParallel(network, broadcast_buffers=False)

    def shard(self, images: int) -> Shard:
        first, end = (number * images // self.count for number in (self.rank, self.rank + 1))

        def draw(shape: tuple[int, ...], dimension: int, bound: float, device: torch.device) -> Tensor:
            whole = (*shape[:dimension], images, *shape[dimension + 1 :])
            drawn = torch.empty(whole, device=device).uniform_(-bound, bound, generator=self.generator)
            return drawn.narrow(dimension, first, end - first)

        return Shard(slice(first, end), draw, (end - first) * self.count / images)

    def draw_apart(self) -> None:
        seed = torch.initial_seed()
        self.generator.manual_seed(seed)
        torch.manual_seed(seed + 1 + self.rank)

    def total(self, tally: Tally) -> Tally:
        whole = Tally()
        counted = torch.tensor([tally.images], dtype=torch.float64, device=self.device)
        whole.sums = tally.sums.to(self.device, copy=True)
        distributed.all_reduce(whole.sums)
        distributed.all_reduce(counted)
        whole.images = int(counted)
        return whole

    def average_statistics(self, *networks: nn.Module) -> None:
        for value in (each for network in networks for each in network.buffers() if each.is_floating_point()):
            distributed.all_reduce(value)
            value /= self.count

    def largest(self, number: int) -> int:
        found = torch.tensor([number], device=self.device)
        distributed.all_reduce(found, distributed.ReduceOp.MAX)
        return int(found)

    def images(self, own: int) -> list[int]:
        seen = torch.zeros(self.count, dtype=torch.int64, device=self.device)
        seen[self.rank] = own
        distributed.all_reduce(seen)
        return [int(each) for each in seen]


def here(device: str) -> Alone:
    """This process, among those that torchrun has started. On CUDA each takes the card of its own number."""
    if processes.count() == 1:
        return Alone()
    if device == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    return Ranks(processes.rank(), processes.count(), torch.device(device))


@contextlib.contextmanager
def joined() -> Iterator[None]:
    """With all processes of the run, for which it waits. Raises Failure as soon as one has ended."""
    distributed.init_process_group()
    try:
        yield
    except RuntimeError as error:
        if any(sign in str(error).lower() for sign in SIGNS):
            raise runs.Failure(LOST, GO_ON) from error
        raise
    distributed.destroy_process_group()


def send(told: dict[str, Any]) -> None:
    """On rank 0: give the others what they need to train along."""
    content = io.BytesIO()
    torch.save(told, content)
    distributed.broadcast_object_list([content.getvalue()], device=torch.device("cpu"))


def receive() -> dict[str, Any]:
    """On the others: what rank 0 sends."""
    content: list[Any] = [None]
    distributed.broadcast_object_list(content, device=torch.device("cpu"))
    told: dict[str, Any] = torch.load(io.BytesIO(content[0]), "cpu", weights_only=True)
    return told
