"""Makes of a scan or photo of one digit an image as MNIST's are.

MNIST's way (LeCun, Cortes and Burges): white ink on black; the digit alone, scaled so that its longer side has 20
pixels, grey where a pixel is partly ink; its centre of mass in the middle of 28 × 28.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from cnn import runs

SIDE, DIGIT = 28, 20  # pixels of the image, and of the digit's longer side
FAINT, EDGE = 0.1, 0.4  # of the darkest ink: what is fainter is paper; what the digit at its edges is at least
ADVICE = "Take a PNG or JPEG of one dark digit on bright paper, or the other way round"
Grey = NDArray[np.float64]


def read(path: Path) -> Grey:
    """The image (28, 28), 0 the ground and 255 the ink, of a picture file. Raises Failure where it shows nothing."""
    try:
        with Image.open(path) as picture:
            grey = as_grey(ImageOps.exif_transpose(picture))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise runs.Failure(f"{path} cannot be read as a picture ({' '.join(str(error).split())})", ADVICE) from error
    ink = ink_of(grey)
    if not ink.any():
        raise runs.Failure(f"{path} shows nothing: all of it has one colour", ADVICE)
    return centred(scaled(ink))


def as_grey(picture: Image.Image) -> Grey:
    """Brightness (height, width); what is transparent is white paper."""
    if picture.mode.startswith(("I", "F")):  # 16 bits and more
        return np.asarray(picture, dtype=float)
    opaque = Image.new("RGBA", picture.size, "white")
    opaque.alpha_composite(picture.convert("RGBA"))
    return np.asarray(opaque.convert("L"), dtype=float)


def ink_of(grey: Grey) -> Grey:
    """Ink from 0 to 1: how far each pixel is from the paper, which is what most of the edge is."""
    paper = np.median(np.concatenate((grey[0], grey[-1], grey[:, 0], grey[:, -1])))
    dark, bright = paper - grey.min(), grey.max() - paper
    ink = np.clip(paper - grey if dark >= bright else grey - paper, 0, None)
    ink /= max(ink.max(), 1e-9)
    return np.where(ink < FAINT, 0, ink)


def scaled(ink: Grey) -> Grey:
    """The square around the digit, DIGIT × DIGIT, a pixel the mean of what it covers.

    The shorter side is neither rounded nor at an edge: MNIST's digits lie in the middle of their squares.
    """
    spans = [np.flatnonzero((ink >= EDGE).any(axis))[[0, -1]] + (0, 1) for axis in (1, 0)]
    size = int(max(np.ptp(span) for span in spans))
    top, left = (int(span[0]) - int(size - np.ptp(span)) // 2 for span in spans)
    square = Image.fromarray(ink.astype(np.float32)).crop((left, top, left + size, top + size))
    return np.asarray(square.resize((DIGIT, DIGIT), Image.Resampling.BOX), dtype=float)


def centred(ink: Grey) -> Grey:
    """Ink on 28 × 28, from 0 to 255, its centre of mass in pixel 14 (from 0) of a row and a column, as MNIST's."""
    image = np.zeros((3 * SIDE, 3 * SIDE))
    places = [np.arange(side) + 0.5 for side in ink.shape]
    mass = [(ink.sum(1 - axis) * places[axis]).sum() / ink.sum() for axis in (0, 1)]
    top, left = (SIDE + SIDE // 2 - int(each) for each in mass)
    image[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    middle: Grey = np.round(255 * image[SIDE : 2 * SIDE, SIDE : 2 * SIDE] / ink.max())
    return middle
