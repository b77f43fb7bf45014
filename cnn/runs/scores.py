"""How well each class is recognised, from the counts of a confusion matrix."""

from __future__ import annotations

PICTURED = 40  # mistakes, the surest of a run, that it keeps a picture of
SCORES = ("images", "right", "precision", "recall", "f1")


def scores(counts: list[list[int]]) -> list[dict[str, float | None]]:
    """Per class SCORES, from a row per true class with a column per predicted class.

    precision: of those taken for it, the fraction that is it. recall: of those that are it, the fraction that was
    recognised. f1: the harmonic mean of the two. What would divide by 0 is None.
    """
    found = []
    for number, row in enumerate(counts):
        images, right, taken = sum(row), row[number], sum(each[number] for each in counts)
        quotients = fraction(right, taken), fraction(right, images), fraction(2 * right, images + taken)
        found.append(dict(zip(SCORES, (images, right, *quotients))))
    return found


def fraction(part: int, whole: int) -> float | None:
    return part / whole if whole else None
