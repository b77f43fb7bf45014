"""Backprop > Check this workbook in a real Calc: what it marks, what it leaves alone, and that all of it goes again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import learners
from tests.calc.conftest import StartOffice
from tests.calc.office import Office, wait_for
from xlsx.contract import CHECK, CHECK_FORMULA, CHECK_NOTE, CHECK_SHEET

COMMAND = "service:org.backprop.addin.Commands?{}"
WRONG = learners.Layout(rows=5, texts=(("g1", learners.formulas()["g1"].replace("w7", "w8")),))
FIRST, LAST = "X6", "X10"  # of dE/dw1, all wrong


@pytest.fixture(scope="module")
def office(start_office: StartOffice, display: str) -> Iterator[Office]:
    office = start_office(display=display)
    yield office
    office.end()


@pytest.fixture
def book(office: Office, tmp_path: Path) -> Iterator[int]:
    """A learner's workbook with a mistake, a note of the learner's, a conditional format, and a sheet of our name."""
    key = office.load(str(learners.make(WRONG).save(tmp_path / "it's mine.xlsx")))
    office.decorate(key, "Sheet1", FIRST, "X7")
    office.add_sheet(key, CHECK_SHEET)
    office.write(key, f"{CHECK_SHEET}.A1", "not yours")
    yield key
    office.close(key)


def check(office: Office, key: int, sheets: int = 3) -> None:
    office.command(key, COMMAND.format(CHECK["Check this workbook"]))
    wait_for(lambda: len(office.sheets(key)) == sheets, timeout=60)


def test_wrong_cells_are_marked_and_what_is_the_users_stays(office: Office, book: int) -> None:
    before, about = office.looks(book), office.about(book)
    check(office, book)
    after = office.looks(book)
    report = f"{CHECK_SHEET} (2)"
    assert set(after) == {"Sheet1", CHECK_SHEET, report}
    assert after[CHECK_SHEET] == before[CHECK_SHEET]
    one, other = before["Sheet1"], after["Sheet1"]
    assert other["formulas"] == one["formulas"]
    assert other["colours"] == one["colours"]
    assert other["notes"] == one["notes"], "the one wrong cell that would get a note has one"
    marked = {tuple(each) for each in map(tuple, other["conditions"])} - {tuple(each) for each in one["conditions"]}
    assert marked == {("Sheet1.X6,Sheet1.X8:X10", CHECK_FORMULA)}
    assert office.about(book)[:2] == about[:2]
    texts = [row[1] for row in office.read(book, office.used(book, report))]
    assert [text for text in texts if text.startswith("MISTAKE in") and "dE/dw1 takes w8" in text], texts
    links = [row[0] for row in office.formulas(book, office.used(book, report)) if row[0]]
    assert links == [f'=HYPERLINK("#\'Sheet1\'.{FIRST}";"Sheet1!{FIRST}")']


def test_it_is_one_step_of_undo_and_of_redo(office: Office, book: int) -> None:
    before, titles = office.looks(book), office.undo_titles(book)
    check(office, book)
    after = office.looks(book)
    assert office.undo_titles(book) == ["Check this workbook", *titles]
    office.undo(book)
    assert office.looks(book) == before
    office.redo(book)
    assert office.looks(book) == after
    office.command(book, COMMAND.format(CHECK["Clear marks"]))
    assert office.looks(book) == before


@pytest.mark.parametrize(("suffix", "kind"), [("xlsx", "Calc MS Excel 2007 XML"), ("ods", "calc8")])
def test_clear_takes_all_away_after_saving_closing_and_reopening(
    office: Office, tmp_path: Path, suffix: str, kind: str
) -> None:
    first = office.load(str(learners.make(WRONG).save(tmp_path / "plain.xlsx")))
    office.decorate(first, "Sheet1", "A6", "X7")
    office.save(first, str(tmp_path / f"before.{suffix}"), filter=kind)
    check(office, first, sheets=2)
    assert any(text.startswith(CHECK_NOTE) for _, _, text in office.looks(first)["Sheet1"]["notes"])
    office.save(first, str(tmp_path / f"after.{suffix}"), filter=kind)
    office.close(first)
    plain, marked = (office.load(str(tmp_path / f"{name}.{suffix}")) for name in ("before", "after"))
    assert office.looks(plain) != office.looks(marked)
    office.command(marked, COMMAND.format(CHECK["Clear marks"]))
    assert office.looks(marked) == office.looks(plain)
    for key in (plain, marked):
        office.close(key)


def test_a_second_check_takes_the_place_of_the_first(office: Office, book: int) -> None:
    check(office, book)
    after = office.looks(book)
    titles = office.undo_titles(book)
    office.command(book, COMMAND.format(CHECK["Check this workbook"]))
    wait_for(lambda: office.undo_titles(book) != titles)
    assert office.looks(book) == after


def test_a_protected_sheet_is_not_marked_and_the_report_says_so(office: Office, book: int) -> None:
    before = office.looks(book)["Sheet1"]
    office.protect(book, "Sheet1")
    check(office, book)
    assert office.looks(book)["Sheet1"] == before
    texts = [row[1] for row in office.read(book, office.used(book, f"{CHECK_SHEET} (2)"))]
    assert 'The sheet "Sheet1" is protected: nothing is marked there.' in texts
    office.unprotect(book, "Sheet1")


def test_cells_edited_meanwhile_are_not_marked(office: Office, book: int) -> None:
    office.command(book, COMMAND.format(CHECK["Check this workbook"]))
    office.write(book, f"Sheet1.{LAST}", 0.5)
    wait_for(lambda: len(office.sheets(book)) == 3, timeout=60)
    assert ["Sheet1.X6,Sheet1.X8:X9", CHECK_FORMULA] in office.looks(book)["Sheet1"]["conditions"]
    texts = [row[1] for row in office.read(book, office.used(book, f"{CHECK_SHEET} (2)"))]
    assert "Cells that have changed since the check began are not marked: 1." in texts


def test_an_unsaved_document_that_is_not_understood_says_so_in_a_box(office: Office) -> None:
    key = office.load("")
    office.look_at(key, "Sheet1")
    office.command(key, COMMAND.format(CHECK["Check this workbook"]))
    office.answer_box()
    assert office.sheets(key) == ["Sheet1"]
    assert office.about(key)[1:] == ["", False]
    office.close(key)
