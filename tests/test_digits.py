"""The two workbooks of digits in the repository are what `start.py unfold` writes from the runs in tests/fixtures."""

import re
import zipfile
from pathlib import Path

import numpy as np
import pytest

from addin import unfold
from cnn import data
from tests import engines, unfolded
from tests.needs import require
from xlsx.unfold import trust

XLSX = Path(__file__).parents[1] / "xlsx"
DIGITS = {"tuned": XLSX / "digits.xlsx", "tiny": XLSX / "digits-small.xlsx"}
NUMBER = re.compile(r"(?<=<v>)[-+.0-9Ee]+(?=</v>)|(?<=val=\")[-+.0-9Ee]+(?=\")")
FLOAT32 = 1e-5  # what PyTorch's float32 may differ by between two processors


@pytest.fixture(scope="module", params=DIGITS)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The committed file, and a fresh one."""
    try:
        fresh = unfold.unfold(unfolded.FIXTURES / request.param, tmp_path_factory.mktemp("digits") / "fresh.xlsx")
    except data.DataError as error:
        require("mnist", str(error))
    return DIGITS[request.param], fresh


def test_a_fresh_file_is_the_committed_one_part_by_part(pair: tuple[Path, Path]) -> None:
    """Numbers within 1e-12; on Trust and Draw, where PyTorch's own stand, within what float32 may differ by."""
    with zipfile.ZipFile(pair[0]) as committed, zipfile.ZipFile(pair[1]) as fresh:
        assert committed.namelist() == fresh.namelist()
        titles = engines.opened(pair[0]).sheetnames
        loose = {f"xl/worksheets/sheet{titles.index(title) + 1}.xml" for title in (trust.TITLE, "Draw")}
        for name in committed.namelist():
            one, other = (archive.read(name).decode() for archive in (committed, fresh))
            assert NUMBER.sub("#", one) == NUMBER.sub("#", other), name
            numbers, others = (np.array(NUMBER.findall(text), float) for text in (one, other))
            assert np.allclose(numbers, others, rtol=0, atol=FLOAT32 if name in loose else 1e-12), name


def test_the_first_sheet_says_what_it_is(pair: tuple[Path, Path]) -> None:
    book = engines.opened(pair[0])
    texts = " ".join(str(cell.value) for row in book.worksheets[0].iter_rows() for cell in row if cell.value)
    for words in ("parameters", "seed 0", "epochs of MNIST", "% of 10,000 test images", "LeCun", "CC BY-SA 3.0"):
        assert words in texts
