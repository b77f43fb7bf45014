"""Augmentation: maps within their bounds, of the whole batch at once, each image by numbers of its own."""

import math
from collections.abc import Callable

import pytest
import torch
from torch.nn import functional as F

from cnn import augment, training
from cnn.runs.settings import check_settings


def no_map_but(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Leave of the affine maps' bounds only those named; the others are 0."""
    for other in {"ROTATION", "LOG_SCALE", "SHEAR", "SHIFT"} - set(names):
        monkeypatch.setattr(augment, other, 0.0)


def maps(count: int) -> torch.Tensor:
    torch.manual_seed(0)
    return augment._maps(count, torch.device("cpu"))


def test_a_map_is_rotation_times_shear_times_size_within_their_bounds() -> None:
    linear, shift = maps(2000).split((2, 1), dim=2)
    scale = torch.linalg.det(linear).sqrt()
    angle = torch.atan2(linear[:, 1, 0], linear[:, 0, 0])
    shear = ((linear / scale[:, None, None]).mT @ (linear / scale[:, None, None]))[:, 0, 1]  # of a rotation it is 0
    for found, bound in ((scale.log(), 0.1), (angle, math.radians(10)), (shear, 0.1), (shift, 1 / 14)):
        assert -bound - 1e-6 <= found.min() < -0.98 * bound
        assert 0.98 * bound < found.max() <= bound + 1e-6


@pytest.mark.parametrize(("name", "value"), [("ROTATION", math.pi / 2), ("SHIFT", 0.0)])
def test_images_are_moved_as_the_map_says(name: str, value: float, monkeypatch: pytest.MonkeyPatch) -> None:
    no_map_but(monkeypatch, name)
    monkeypatch.setattr(augment, name, value)
    monkeypatch.setattr(torch.Tensor, "uniform_", lambda draws, *_: draws.fill_(1.0))
    images = torch.rand(2, 1, 28, 28)
    expected = torch.rot90(images, 1, (2, 3)) if name == "ROTATION" else images
    torch.testing.assert_close(augment.affine(images), expected, atol=1e-4, rtol=0)


def test_a_shift_by_its_bound_is_a_pixel_and_repeats_the_edge(monkeypatch: pytest.MonkeyPatch) -> None:
    no_map_but(monkeypatch, "SHIFT")
    monkeypatch.setattr(torch.Tensor, "uniform_", lambda draws, *_: draws.fill_(1.0))
    images = torch.rand(1, 1, 28, 28)
    moved = augment.affine(images)
    torch.testing.assert_close(moved[..., :-1, :-1], images[..., 1:, 1:], atol=1e-4, rtol=0)
    torch.testing.assert_close(moved[..., -1, :-1], images[..., -1, 1:], atol=1e-4, rtol=0)


def test_all_images_are_moved_as_pytorch_moves_them_one_by_one() -> None:
    images = torch.rand(5, 1, 28, 28)
    torch.manual_seed(1)
    found = augment.affine(images)
    torch.manual_seed(1)
    grids = F.affine_grid(augment._maps(5, images.device), [5, 1, 28, 28], align_corners=False)
    for image, grid, moved in zip(images.split(1), grids.split(1), found.split(1), strict=True):
        expected = F.grid_sample(image, grid, padding_mode="border", align_corners=False)
        torch.testing.assert_close(moved, expected, atol=1e-5, rtol=0)


def test_elastic_moves_every_place_by_its_lattice_bicubically(monkeypatch: pytest.MonkeyPatch) -> None:
    no_map_but(monkeypatch)
    images = torch.rand(3, 1, 28, 28)
    torch.manual_seed(2)
    moved = augment.elastic(images)
    torch.manual_seed(2)
    torch.empty(5, 3).uniform_()  # what the affine part draws
    bends = torch.empty(3, 2, 5, 5).uniform_(-1 / 14, 1 / 14)
    bent = F.interpolate(bends, (28, 28), mode="bicubic", align_corners=True).permute(0, 2, 3, 1)
    grid = F.affine_grid(torch.eye(2, 3).expand(3, 2, 3), [3, 1, 28, 28], align_corners=False) + bent
    expected = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
    torch.testing.assert_close(moved, expected, atol=1e-5, rtol=0)


def test_elastic_with_one_bend_for_the_whole_lattice_is_a_shift(monkeypatch: pytest.MonkeyPatch) -> None:
    no_map_but(monkeypatch)
    monkeypatch.setattr(torch.Tensor, "uniform_", lambda draws, *_: draws.fill_(1 / 14 if draws.ndim == 3 else 0.0))
    images = torch.rand(1, 1, 28, 28)
    torch.testing.assert_close(augment.elastic(images)[..., :-1, :-1], images[..., 1:, 1:], atol=1e-4, rtol=0)


@pytest.mark.parametrize("augmentation", [augment.affine, augment.elastic])
def test_each_image_of_a_batch_is_moved_by_numbers_of_its_own_and_the_seed_fixes_them(
    augmentation: Callable[[torch.Tensor], torch.Tensor],
) -> None:
    image = torch.rand(1, 1, 28, 28)
    torch.manual_seed(3)
    first = augmentation(image.expand(4, 1, 28, 28))
    torch.manual_seed(3)
    assert torch.equal(first, augmentation(image.expand(4, 1, 28, 28)))
    assert len({tuple(each.flatten().tolist()) for each in first}) == 4


def test_none_leaves_images_as_they_are() -> None:
    images = torch.rand(3, 1, 28, 28)
    assert torch.equal(augment.AUGMENTATIONS["none"](images), images)


@pytest.mark.parametrize(
    ("name", "dataset", "chosen"),
    [
        ("auto", "mnist", "elastic"),
        ("auto", "fashionmnist", "none"),
        ("auto", "kmnist", "elastic"),
        ("auto", "digits", "elastic"),
        ("elastic", "fashionmnist", "elastic"),
    ],
)
def test_auto_is_what_fits_the_data_set(name: str, dataset: str, chosen: str) -> None:
    assert augment.choose(name, dataset) == chosen


def test_a_run_says_what_auto_became() -> None:
    made = training.prepare(
        check_settings({"model": "tiny", "dataset": "digits", "device": "cpu"}), None, lambda text: None
    )
    assert made.settings["augment"] == "elastic"
