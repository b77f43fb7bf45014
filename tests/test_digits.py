"""The two workbooks of digits in the repository are what `start.py unfold` writes from the runs in tests/fixtures."""

import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from addin import unfold
from cnn import plain
from cnn.official import DataError
from tests import engines, unfolded
from tests.needs import require
from xlsx.unfold import trust
from xlsx.unfold.arithmetic import forward, softmax
from xlsx.unfold.steps import Step, fold
from xlsx.unfold.trained import Array, Trained

PAGE = (Path(__file__).parents[1] / "docs/digits.md").read_text("utf-8")
XLSX = Path(__file__).parents[1] / "xlsx"
DIGITS = {"tuned": XLSX / "digits.xlsx", "tiny": XLSX / "digits-small.xlsx"}
NUMBER = re.compile(r"(?<=<v>)[-+.0-9Ee]+(?=</v>)")
FLOAT32 = 1e-5  # what PyTorch's float32 may differ by between two processors


@pytest.fixture(scope="module", params=DIGITS)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The committed file, and a fresh one."""
    try:
        fresh = unfold.unfold(unfolded.FIXTURES / request.param, tmp_path_factory.mktemp("digits") / "fresh.xlsx")
    except DataError as error:
        require("mnist", str(error))
    return DIGITS[request.param], fresh


def test_a_fresh_file_is_the_committed_one_part_by_part(pair: tuple[Path, Path]) -> None:
    same_parts(*pair)


def test_another_processor_writes_the_same_file(pair: tuple[Path, Path], tmp_path: Path) -> None:
    """By numpy's sums for a processor of 2008: their last digits differ, which a text or a rule must not show."""
    model = next(model for model, committed in DIGITS.items() if committed == pair[0])
    run, made = unfolded.FIXTURES / model, tmp_path / "other.xlsx"
    command = [sys.executable, "-m", "addin.unfold", str(run), "--out", str(made)]
    subprocess.run(command, cwd=XLSX.parent, env={**os.environ, "OPENBLAS_CORETYPE": "Nehalem"}, check=True)
    same_parts(pair[0], made)


def same_parts(first: Path, second: Path) -> None:
    """Numbers within 1e-12; on Trust and Draw, where PyTorch's own stand, within what float32 may differ by."""
    titles = engines.opened(first).sheetnames
    loose = {f"xl/worksheets/sheet{titles.index(title) + 1}.xml" for title in (trust.TITLE, "Draw")}
    with zipfile.ZipFile(first) as one_file, zipfile.ZipFile(second) as other_file:
        assert one_file.namelist() == other_file.namelist()
        for name in one_file.namelist():
            one, other = (archive.read(name).decode() for archive in (one_file, other_file))
            assert NUMBER.sub("#", one) == NUMBER.sub("#", other), name
            numbers, others = (np.array(NUMBER.findall(text), float) for text in (one, other))
            assert np.allclose(numbers, others, rtol=0, atol=FLOAT32 if name in loose else 1e-12), name


def test_the_first_sheet_says_what_it_is(pair: tuple[Path, Path]) -> None:
    book = engines.opened(pair[0])
    texts = " ".join(str(cell.value) for row in book.worksheets[0].iter_rows() for cell in row if cell.value)
    for words in ("parameters", "seed 0", "epochs of MNIST", "% of 10,000 test images", "LeCun", "CC BY-SA 3.0"):
        assert words in texts


class Network:
    """One of the two, as the page speaks of it."""

    def __init__(self, model: str):
        self.known = Trained.read(plain.trained(unfolded.FIXTURES / model))
        self.steps = fold(self.known.layers)

    def chances(self, image: Array, steps: list[Step] | None = None) -> Array:
        return softmax(forward(steps or self.steps, self.known.normal(image))[-1].ravel())

    def wiped(self, picture: int, wanted: int) -> int:
        """How many columns from the left are white when a picture is first taken for another digit."""
        image = self.known.images[picture - 1].copy()
        for column in range(28):
            image[:, column] = 0
            if self.chances(image).argmax() == wanted:
                return column + 1
        raise AssertionError("never")

    def changed(self) -> list[int]:
        """How many of the 100 answers change without each kernel of Layer 1."""
        first, found = self.steps[0], []
        whole = [self.chances(image).argmax() for image in self.known.images]
        for kernel in range(len(first.weight)):
            weight = first.weight.copy()
            weight[kernel] = 0
            steps = [replace(first, weight=weight), *self.steps[1:]]
            answers = [self.chances(image, steps).argmax() for image in self.known.images]
            found.append(sum(one != other for one, other in zip(answers, whole, strict=True)))
        return found

    def cells(self) -> Iterator[str]:
        """Its column of the page's table."""
        known, blank, changed = self.known, self.chances(np.zeros((28, 28))), self.changed()
        yield f"{known.parameters:,}"
        yield f"{100 * known.accuracy:.2f} %"
        yield f"a {blank.argmax()}, {100 * blank.max():.1f} % sure"
        yield from (str(self.wiped(*asked)) for asked in ((71, 1), (93, 7), (93, 1)))
        yield self.steps[0].title
        sides = self.steps[0].weight[:, 0].sum(1)
        yield str((sides[:, 3:].sum(1) - sides[:, :2].sum(1)).argmax() + 1)
        sizes = [f"{out.shape[1]}×{out.shape[2]}" for out in forward(self.steps, known.normal(known.images[0]))[1:]]
        yield ", ".join(dict.fromkeys(sizes))
        for extreme in (min(changed), max(changed)):
            kernels = [str(at + 1) for at, count in enumerate(changed) if count == extreme]
            yield f"{' or '.join(kernels)}: {extreme} of them"
        yield str((known.logits.argmax(1) != known.labels).sum())


def test_the_page_s_table_is_what_the_networks_do() -> None:
    try:
        columns = [list(Network(model).cells()) for model in DIGITS]
    except DataError as error:
        require("mnist", str(error))
    table = [line.strip("|").split(" | ") for line in PAGE.splitlines() if line.startswith("|")]
    start = next(at for at, row in enumerate(table) if row[0].strip() == "parameters")
    said = [[cell.strip() for cell in row[1:]] for row in table[start:]]
    assert said == [list(row) for row in zip(*columns, strict=True)]


def test_the_page_s_other_numbers_stand_in_its_table() -> None:
    """Parameters and accuracies of its first lines; what it says of kernels and maps without a number, of both."""
    head, _, rest = PAGE.partition("| parameters |")
    for number in re.findall(r"\d[\d,.]*\d %|\d+,\d{3} parameters", head):
        assert number.removesuffix(" parameters") in rest or number == "10,000"
