"""Random changes of a whole batch at once, on its device: rotation, size, shear, shift, and bending."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

ROTATION = math.radians(10)  # each is drawn evenly from −bound to bound
LOG_SCALE = 0.1
SHEAR = 0.1
SHIFT = 1 / 14  # a pixel of 28: affine_grid's coordinates go from −1 to 1
BEND = 1 / 14  # of every point of a lattice
LATTICE = 5  # points to each side


Draw = Callable[[tuple[int, ...], int, float, torch.device], Tensor]


def uniform(shape: tuple[int, ...], images: int, bound: float, device: torch.device) -> Tensor:
    """Random numbers from −bound to bound; dimension `images` of the shape counts the images of the batch."""
    return torch.empty(shape, device=device).uniform_(-bound, bound)


def affine(images: Tensor, draw: Draw = uniform) -> Tensor:
    """Images (n, 1, 28, 28), each turned, resized, sheared and shifted by its own random numbers, bilinearly.

    What comes in from outside repeats the edge, which in MNIST is background.
    """
    return _moved(images, _maps(len(images), images.device, draw))


def elastic(images: Tensor, draw: Draw = uniform) -> Tensor:
    """The same, and bent: a lattice's points move each by its own random numbers, those between bicubically.

    So in arXiv 1505.04597, with 3×3 points.
    """
    maps = _maps(len(images), images.device, draw)
    bends = draw((len(images), 2, LATTICE**2), 0, BEND, images.device)
    return _moved(images, torch.cat((maps, bends), 2))


def _moved(images: Tensor, maps: Tensor) -> Tensor:
    """Every place of the new images takes what the old have where its map (n, 2, 3 or more) sends it."""
    count, _, height, width = images.shape
    coordinates = maps.flatten(0, 1) @ _places(height, width, images.device)[: maps.shape[2]]
    grid = coordinates.view(count, 2, height, width).permute(0, 2, 3, 1)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


@cache
def _places(height: int, width: int, device: torch.device) -> Tensor:
    """An image's places as columns: x, y, 1, and how much each point of the lattice has to say there.

    All images are mapped by one product, where affine_grid would make a small one for each.
    """
    x_y = F.affine_grid(torch.eye(2, 3)[None], [1, 1, height, width], align_corners=False).view(-1, 2).T
    points = torch.eye(LATTICE**2).view(-1, 1, LATTICE, LATTICE)
    shares = F.interpolate(points, (height, width), mode="bicubic", align_corners=True).flatten(1)
    return torch.cat((x_y, torch.ones_like(x_y[:1]), shares)).to(device)


def _maps(count: int, device: torch.device, draw: Draw = uniform) -> Tensor:
    """Affine maps (count, 2, 3) from the new image's coordinates to the old one's."""
    draws = draw((5, count), 1, 1.0, device)
    angle, scale, shear = ROTATION * draws[0], (LOG_SCALE * draws[1]).exp(), SHEAR * draws[2]
    cos, sin = scale * angle.cos(), scale * angle.sin()
    shift_x, shift_y = SHIFT * draws[3:]
    return torch.stack((cos, cos * shear - sin, shift_x, sin, sin * shear + cos, shift_y), 1).view(count, 2, 3)


AUGMENTATIONS: dict[str, Callable[..., Tensor]] = {
    "elastic": elastic,
    "affine": affine,
    "none": lambda images, draw=uniform: images,
}
FITTING = {"fashionmnist": "none"}  # what was best on held-out training images; for digits that is elastic


def choose(name: str, dataset: str) -> str:
    """The augmentation `name`; auto is the one that fits the data set."""
    return FITTING.get(dataset, "elastic") if name == "auto" else name
