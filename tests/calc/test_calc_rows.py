"""Whether the rows of Forward and Backward hold their texts: the numbers put in grow while a network learns."""

from collections.abc import Iterator

import pytest

from tests.calc.office import Office
from tests.sheets import XOR, workbook

NETWORKS = [("2-2-2", "mixed-signs"), ("2-2-2", "seed"), ("2-3-2 tanh softmax bias", None), (XOR, "xor")]
NETWORKS += [("2-2-3 relu linear", None), ("3-4-2 cross-entropy bias", None), ("2-2-2-1", None)]


@pytest.fixture(params=NETWORKS, ids=str)
def book(request: pytest.FixtureRequest, office: Office) -> Iterator[int]:
    network, preset = request.param
    key = office.load(str(workbook(network, 100, preset)))
    yield key
    office.close(key)


def test_no_text_is_cut_at_any_epoch(office: Office, book: int) -> None:
    for epoch in (0, 42, 100):
        office.write(book, "epoch", epoch)
        for sheet in ("Forward", "Backward", "Spot the mistake"):
            assert office.cut_rows(book, sheet) == [], (sheet, epoch)
