"""Drawing into an unfolded network with real drags of a mouse, in a window of LibreOffice with the extension."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from addin.calc import pen
from addin.excel import unfolded as unfolded_macros
from tests import unfolded
from tests.calc.conftest import StartOffice
from tests.calc.office import Office, wait_for
from xlsx import contract
from xlsx.unfold import workbook

BAR, LEG = [(150 + 10 * at, 330) for at in range(20)], [(340 - 5 * at, 330 + 12 * at) for at in range(20)]


@pytest.fixture(params=["tiny"])
def book(window: Office, request: pytest.FixtureRequest) -> Iterator[int]:
    """The workbook of `tiny`, or of the network that a test names, in front with blank paper."""
    key = window.load(str(unfolded.written(request.param)), timeout=120)
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
    wait_for(lambda: window.undo_titles(book) == [contract.STROKE, *before], timeout=20)  # at its end; its ink is first
    bar = drawn(window, book)
    drag(window, LEG)
    wait_for(lambda: window.undo_titles(book) == [contract.STROKE, contract.STROKE, *before], timeout=20)
    both = drawn(window, book)
    assert both > bar > 0
    field = window.read(book, "yours")
    assert max(value or 0 for row in field for value in row) == contract.INK
    assert {value for row in field for value in row if value} != {contract.INK}  # a soft pen
    window.command(book, ".uno:Undo")
    wait_for(lambda: drawn(window, book) == bar, timeout=20)
    window.command(book, ".uno:Undo")
    wait_for(lambda: drawn(window, book) == 0, timeout=20)
    assert window.undo_titles(book) == before
    window.command(book, ".uno:Redo")
    window.command(book, ".uno:Redo")
    wait_for(lambda: drawn(window, book) == both, timeout=20)
    window.press(book, "Draw", "Clear")
    wait_for(lambda: window.undo_titles(book)[0] == contract.CLEARED, timeout=20)
    assert drawn(window, book) == 0
    window.key("ctrl+z")  # which a button that kept the focus would swallow
    wait_for(lambda: drawn(window, book) == both, timeout=20)


def clear_gives_back_what_a_paste_took(office: Office, key: int) -> None:
    cells = ["yours", "Draw.M20", "Draw.AC33"]
    before = [office.limits(key, cell) for cell in cells]
    office.copy(key, "Images.F10:AG37", "yours")
    assert [office.limits(key, cell) for cell in cells] != before
    office.press(key, "Draw", "Clear")
    wait_for(lambda: drawn(office, key) == 0, timeout=20)
    assert [office.limits(key, cell) for cell in cells] == before


def test_clear_gives_back_what_a_paste_took(window: Office, book: int) -> None:
    clear_gives_back_what_a_paste_took(window, book)


@pytest.mark.parametrize("cursor", ["picture", "Draw.B5:J5", "yours"])
def test_a_stroke_begins_wherever_the_cell_cursor_is(window: Office, book: int, cursor: str) -> None:
    """In the pane above the field, which is fixed; and in a selection, which Calc would drag along."""
    window.select(book, cursor)
    drag(window, LEG)
    wait_for(lambda: window.undo_titles(book)[0] == contract.STROKE, timeout=20)
    field = window.read(book, "yours")
    assert all(field[row][column] for row, column in ((7, 20), (11, 18), (16, 17), (24, 13)))


@pytest.mark.parametrize("book", ["tuned"], indirect=True)
def test_a_slow_network_loses_no_corner_of_a_stroke(window: Office, book: int) -> None:
    """A path there and back: an office that is busy with each move would be told of its end alone."""
    drag(window, [*BAR, *reversed(BAR), *[(x, y + 60) for x, y in BAR]])
    wait_for(lambda: window.undo_titles(book)[0] == contract.STROKE, timeout=120)
    field = window.read(book, "yours", timeout=120)
    assert all(field[7][column] == contract.INK for column in range(8, 20))


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
    assert {found[column, 5] for column in range(2, 9)} == {contract.INK}
    assert 0 < found[5, 4] == found[5, 6] < contract.INK
    assert (5, 2) not in found
    assert list(pen.inked((-9, -9), (-5, -9), 28, 28)) == []


@pytest.fixture(scope="module")
def bare(start_office: StartOffice, display: str) -> Iterator[Office]:
    """A window without the extension, whose mouse would be its own."""
    office = start_office(with_extension=False, display=display)
    yield office
    office.end()


@pytest.fixture
def macros(bare: Office, tmp_path: Path) -> Iterator[int]:
    """The workbook as .xlsm in front, with blank paper and its macros allowed."""
    path = workbook.write(unfolded.trained("tiny"), tmp_path / "draw.xlsm", macros=unfolded_macros.add_to)
    key = bare.load(str(path), MacroExecutionMode=4, timeout=120)
    bare.look_at(key, "Draw")
    bare.write(key, "picture", 0)
    yield key
    bare.close(key)


def test_the_xlsm_s_macros_draw_a_soft_line_undo_it_and_clear(bare: Office, macros: int) -> None:
    diagonal = [(85 + 14 * at, 273 + 13 * at) for at in range(9)]  # the middles of D8 to L16
    bare.press(macros, "Draw", "Pen")
    wait_for(lambda: bare.read(macros, "pen") == [["down"]], timeout=20)
    drag(bare, diagonal)
    wait_for(lambda: drawn(bare, macros), timeout=20)
    field = bare.read(macros, "yours")
    wanted = {(row, column): ink for column, row, ink in pen.inked((2.5, 2.5), (10.5, 10.5), 28, 28)}
    assert {(r, c): v for r, row in enumerate(field) for c, v in enumerate(row) if v} == wanted
    bare.macro(macros, "VBAProject.Drawing.UndoDrawing")
    assert drawn(bare, macros) == 0
    bare.paste(macros, "yours", [[value or "" for value in row] for row in field])
    clear_gives_back_what_a_paste_took(bare, macros)
    bare.macro(macros, "VBAProject.Drawing.UndoDrawing")
    assert drawn(bare, macros) > 0
