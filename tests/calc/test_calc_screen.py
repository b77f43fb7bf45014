"""What a screen of 1366 × 768 shows of the sheets, with a font as wide as any: charts, formulas, values and checks."""

import subprocess
from collections.abc import Iterator

import pytest

from tests.calc.conftest import StartOffice
from tests.calc.office import Office
from tests.calc.pictures import FONT
from tests.needs import require
from tests.sheets import workbook

WIDE = "DejaVu Sans"
# Pixels of the screen for cells; a window draws them wider than the document says they are. Both as measured.
ROOM = 1267 / 1.0565
NETWORKS = ["2-2-2", "1-1-1", "4-5-3", "8-8-8-4"]


@pytest.fixture(scope="module")
def wide(start_office: StartOffice) -> Iterator[Office]:
    """An office that has the wide font in place of Arial."""
    fonts = subprocess.run(["fc-list", ":", "family"], capture_output=True, text=True).stdout
    if WIDE not in fonts:
        require("fonts", f"{WIDE} is not installed: install fonts-dejavu-core")
    office = start_office(settings=FONT.format(WIDE))
    yield office
    office.end()


@pytest.mark.parametrize("network", NETWORKS)
def test_every_chart_is_on_the_screen(wide: Office, network: str) -> None:
    key = wide.load(str(workbook(network, 100)))
    ends = {title: wide.charts_end(key, title) for title in wide.sheets(key)}
    wide.close(key)
    assert sum(map(len, ends.values())) >= 13
    assert {title: round(max(right)) for title, right in ends.items() if right and max(right) > ROOM} == {}


def test_at_150_percent_formula_value_and_check_need_no_scrolling_sideways(wide: Office) -> None:
    key = wide.load(str(workbook("2-2-2", 100)))
    last = {"Forward": ("E5", "Agreement"), "Backward": ("F4", "Check"), "Spot the mistake": ("E7", "Check")}
    for title, (cell, head) in last.items():
        assert wide.read(key, f"{title}.{cell}") == [[head]]
    ends = {title: 1.5 * wide.ends(key, f"{title}.{cell}") for title, (cell, _) in last.items()}
    wide.close(key)
    assert {title: round(right) for title, right in ends.items() if right > ROOM} == {}
