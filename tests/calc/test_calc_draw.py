"""Drawing into an unfolded network with real drags of a mouse, in a window of LibreOffice with the extension."""

import time
from collections.abc import Iterator

import pytest

from addin.calc import pen
from tests import unfolded
from tests.calc.conftest import StartOffice
from tests.calc.office import Office, wait_for

BAR, LEG = [(150 + 10 * at, 330) for at in range(20)], [(340 - 5 * at, 330 + 12 * at) for at in range(20)]


@pytest.fixture(scope="module")
def window(start_office: StartOffice, display: str) -> Iterator[Office]:
    office = start_office(display=display)
    yield office
    office.end()


@pytest.fixture
def book(window: Office) -> Iterator[int]:
    """The workbook of `tiny` in front, with blank paper."""
    key = window.load(str(unfolded.written("tiny")), timeout=120)
    window.look_at(key, "Draw")
    window.write(key, "picture", 0)
    yield key
    window.close(key)


def drag(office: Office, points: list[tuple[int, int]]) -> None:
    """Press the button at the first place, move over the others, and let go."""
    for number, (x, y) in enumerate(points):
        office._xdotool("mousemove", str(x), str(y))
        time.sleep(0.3 if number == 0 else 0.04)
        if number == 0:
            office._xdotool("mousedown", "1")
    office._xdotool("mouseup", "1")


def drawn(office: Office, key: int) -> float:
    """All ink in the field."""
    return sum(value or 0 for row in office.read(key, "yours") for value in row)


def test_strokes_draw_undo_and_redo_one_by_one_and_clear_clears(window: Office, book: int) -> None:
    before = window.undo_titles(book)
    drag(window, BAR)
    bar = wait_for(lambda: drawn(window, book), timeout=20)
    drag(window, LEG)
    wait_for(lambda: drawn(window, book) > bar, timeout=20)
    assert window.undo_titles(book) == [pen.STROKE, pen.STROKE, *before]
    both = drawn(window, book)
    field = window.read(book, "yours")
    assert max(value or 0 for row in field for value in row) == pen.INK
    assert {value for row in field for value in row if value} != {pen.INK}  # a soft pen
    window.command(book, ".uno:Undo")
    wait_for(lambda: drawn(window, book) == bar, timeout=20)
    window.command(book, ".uno:Undo")
    wait_for(lambda: drawn(window, book) == 0, timeout=20)
    assert window.undo_titles(book) == before
    window.command(book, ".uno:Redo")
    window.command(book, ".uno:Redo")
    wait_for(lambda: drawn(window, book) == both, timeout=20)
    window.press(book, "Draw", "Clear")
    wait_for(lambda: drawn(window, book) == 0, timeout=20)
    assert window.undo_titles(book)[0] == pen.CLEAR


def test_the_network_follows_the_pen(window: Office, book: int) -> None:
    blank = window.read(book, "logits")
    drag(window, LEG)
    wait_for(lambda: window.read(book, "logits") != blank, timeout=20)


def test_a_click_alone_selects_and_draws_nothing(window: Office, book: int) -> None:
    before = window.undo_titles(book)
    window.click(200, 400)
    wait_for(lambda: window.selected(book) not in ("", "B6"), timeout=20)
    assert drawn(window, book) == 0
    assert window.undo_titles(book) == before
    window.type("255")
    window.key("Return")
    wait_for(lambda: drawn(window, book) == 255, timeout=20)


def test_a_line_leaves_ink_that_fades_to_its_sides() -> None:
    found = {(column, row): ink for column, row, ink in pen.inked((2.5, 5.5), (8.5, 5.5), 28, 28)}
    assert {found[column, 5] for column in range(2, 9)} == {pen.INK}
    assert 0 < found[5, 4] == found[5, 6] < pen.INK
    assert (5, 2) not in found
    assert list(pen.inked((-9, -9), (-5, -9), 28, 28)) == []
