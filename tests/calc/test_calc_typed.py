"""What a person types into the cells to edit, key by key in a real window."""

import time
from pathlib import Path

import pytest

from tests.calc.office import Office
from xlsx.build import build


@pytest.fixture(scope="module")
def book(window: Office, tmp_path_factory: pytest.TempPathFactory) -> int:
    return window.load(str(build(tmp_path_factory.mktemp("typed") / "typed.xlsx", epochs=10)))


def test_whoever_merely_looks_is_not_asked_to_save(window: Office, tmp_path: Path) -> None:
    key = window.load(str(build(tmp_path / "looked.xlsx", epochs=10)))
    for title in window.sheets(key):
        window.look_at(key, title)
    assert not window.modified(key)
    assert not window.shows_page_breaks(key)  # Calc would draw them at 100 % where titles are repeated
    window.write(key, "Network.E14", 0.3)
    assert window.modified(key)
    window.close(key)


def typed(office: Office, key: int, place: str, text: str) -> list[str]:
    """Type a text into a cell; the titles of the boxes that refuse it, which are then closed."""
    office.select(key, place)
    time.sleep(0.3)
    office.type(text)
    office.key("Return")
    time.sleep(0.8)
    found = office.boxes()
    if found:
        office.key("Return")
        time.sleep(0.4)
        office.key("Escape")
        time.sleep(0.4)
    return found


@pytest.mark.parametrize("place", ["Network.E14", "Learning rates.C5", "Results.E4"])
def test_after_a_percentage_a_number_is_itself(window: Office, book: int, place: str) -> None:
    window.look_at(book, place.split(".")[0])
    for text, number in (("50%", 0.5), ("0.7", 0.7), ("0.15", 0.15)):
        assert typed(window, book, place, text) == []
        assert window.read(book, place) == [[pytest.approx(number, abs=1e-12)]]


def test_true_is_no_number(window: Office, book: int) -> None:
    window.look_at(book, "Network")
    typed(window, book, "Network.E14", "TRUE")
    assert window.read(book, "first_bad_input") == [["w1 (row 14) is TRUE or FALSE: type a number"]]
    assert typed(window, book, "Network.E14", "0.3") == []
    assert window.read(book, "first_bad_input") == [["all inputs are numbers"]]
    window.look_at(book, "Learning rates")
    typed(window, book, "Learning rates.C5", "TRUE")
    ((wrong,),) = window.read(book, "first_bad_rate")
    assert wrong.startswith("Learning rates C5 is TRUE or FALSE")
    assert typed(window, book, "Learning rates.C5", "0.2") == []


def test_a_number_that_is_refused_is_refused_with_the_limits(window: Office, book: int) -> None:
    window.look_at(book, "Network")
    assert typed(window, book, "Network.E14", "1e308") == ["w1: from -1E+9 to 1E+9"]
    window.write(book, "Network.E14", 1e300)  # as a paste, which no validation sees
    assert window.read(book, "first_bad_input") == [["w1 (row 14) is beyond 1E+9: type another"]]
    window.write(book, "Network.E14", None)
