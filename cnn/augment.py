"""Random affine maps of a whole batch at once, on its device: rotation, size, shear and shift."""

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


def affine(images: Tensor) -> Tensor:
    """Images (n, 1, 28, 28), each turned, resized, sheared and shifted by its own random numbers, bilinearly.

    What comes in from outside repeats the edge, which in MNIST is background.
    """
    count, _, height, width = images.shape
    coordinates = _maps(count, images.device).view(2 * count, 3) @ _places(height, width, images.device)
    grid = coordinates.view(count, 2, height, width).permute(0, 2, 3, 1)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


@cache
def _places(height: int, width: int, device: torch.device) -> Tensor:
    """The places of an image as columns (x, y, 1), in rows: all maps are applied to them in one product.

    affine_grid makes a small product for every image: it took as long as all the rest of `affine`.
    """
    identity = torch.eye(2, 3, device=device)[None]
    grid = F.affine_grid(identity, [1, 1, height, width], align_corners=False).view(-1, 2)
    return torch.cat((grid, torch.ones_like(grid[:, :1])), 1).T.contiguous()


def _maps(count: int, device: torch.device) -> Tensor:
    """Affine maps (count, 2, 3) from the new image's coordinates to the old one's."""
    draws = torch.empty(5, count, device=device).uniform_(-1, 1)
    angle, scale, shear = ROTATION * draws[0], (LOG_SCALE * draws[1]).exp(), SHEAR * draws[2]
    cos, sin = scale * angle.cos(), scale * angle.sin()
    shift_x, shift_y = SHIFT * draws[3:]
    return torch.stack((cos, cos * shear - sin, shift_x, sin, sin * shear + cos, shift_y), 1).view(count, 2, 3)


AUGMENTATIONS: dict[str, Callable[[Tensor], Tensor]] = {"affine": affine, "none": lambda images: images}
