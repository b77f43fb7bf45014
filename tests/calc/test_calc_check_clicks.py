"""The check by real clicks in a window of Calc: check, undo, redo, save, close, open and clear, compared cell by cell.

BACKPROP_WORKBOOKS names a folder of learners' own workbooks, which are other people's: copies of them are checked.
Without it some are made here.
"""

import os
import shutil
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path

import pytest

from addin import marks
from tests import learners
from tests.calc.marks import cells_of, kept, marked
from tests.calc.office import Office, wait_for
from xlsx.contract import CHECK_SHEET

PLAIN = learners.Layout(rows=5, texts=(("g1", learners.formulas()["g1"].replace("w7", "w8")),))
MADE = {
    "right": learners.Layout(rows=4),
    "one mistake": PLAIN,
    "a rate a sheet": replace(PLAIN, arrange="sheets", rates=(0.1, 0.5)),
    "two beside each other": replace(PLAIN, arrange="beside", rates=(0.5, 2.0), gap=1),
    "updates": replace(PLAIN, texts=(("w3", "w3'-RATE*g1'"), ("w4", "w4'-RATE*g2'"))),
}
REAL = sorted(Path(os.environ["BACKPROP_WORKBOOKS"]).glob("*.xlsx")) if "BACKPROP_WORKBOOKS" in os.environ else []
MISTAKE = "MISTAKE in"


@pytest.fixture(params=REAL or list(MADE), ids=lambda each: getattr(each, "stem", each))
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of a learner's workbook."""
    copy = tmp_path / "it's a copy.xlsx"
    if isinstance(request.param, Path):
        shutil.copy(request.param, copy)
    else:
        learners.make(MADE[request.param]).save(copy)
    return copy


def opened(window: Office, path: Path) -> int:
    """Open a workbook with its first sheet in front."""
    key = window.load(str(path))
    window.look_at(key, window.sheets(key)[0])
    return key


def differences(one: dict, other: dict) -> list[tuple]:
    """Sheet, kind, row and column of what is not the same, with both."""
    assert list(one) == list(other)
    return [
        (
            name,
            kind,
            row,
            *((column, *pair) for column, pair in enumerate(zip(*pairs, strict=True)) if len(set(pair)) > 1),
        )
        for name in one
        for kind in one[name]
        for row, pairs in enumerate(zip_longest(one[name][kind], other[name][kind], fillvalue=()))
        if pairs[0] != pairs[1]
    ]


def test_check_undo_redo_save_open_and_clear(window: Office, path: Path, tmp_path: Path) -> None:
    expected = marks.shown(path, path.name)
    key = opened(window, path)
    before = window.looks(key)
    window.save(key, str(tmp_path / "plain.xlsx"))
    window.choose(key, "Backprop", "Check this workbook")
    wait_for(lambda: CHECK_SHEET in window.sheets(key), timeout=60)
    after = window.looks(key)
    kept(before, after)
    assert marked(after) == {cell for sheet, area in expected.marks for cell in cells_of(f"{sheet}.{area}")}
    told = [row[1] for row in after[CHECK_SHEET]["formulas"]]
    assert told[0] == expected.rows[0].text
    assert [text for text in told if MISTAKE in text] == [row.text for row in expected.rows if MISTAKE in row.text]
    window.key("ctrl+z")
    wait_for(lambda: CHECK_SHEET not in window.sheets(key), timeout=20)
    assert window.looks(key) == before
    window.key("ctrl+y")
    wait_for(lambda: CHECK_SHEET in window.sheets(key), timeout=20)
    assert window.looks(key) == after
    save(window, key)
    window.close(key)
    key, plain = opened(window, path), window.load(str(tmp_path / "plain.xlsx"))
    window.look_at(key, window.sheets(key)[0])
    assert marked(window.looks(key)) == marked(after)
    window.choose(key, "Backprop", "Clear marks")
    wait_for(lambda: CHECK_SHEET not in window.sheets(key), timeout=20)
    assert differences(window.looks(key), window.looks(plain)) == []
    for each in (key, plain):
        window.close(each)


def save(window: Office, key: int) -> None:
    """Ctrl+S, and Enter where the office asks about the format."""
    window.key("ctrl+s")
    wait_for(lambda: window.boxes() or not window.is_modified(key), timeout=20)
    if window.boxes():
        window.key("Return")
    wait_for(lambda: not window.is_modified(key), timeout=20)


@pytest.mark.parametrize(("suffix", "kind"), [("xlsx", "Calc MS Excel 2007 XML"), ("ods", "calc8"), ("", "")])
def test_a_link_leads_to_its_cell_also_after_saving(window: Office, tmp_path: Path, suffix: str, kind: str) -> None:
    key = opened(window, learners.make(PLAIN).save(tmp_path / "links.xlsx"))
    window.rename(key, "Sheet1", "Jo's a & b")
    window.choose(key, "Backprop", "Check this workbook")
    wait_for(lambda: CHECK_SHEET in window.sheets(key), timeout=60)
    if kind:
        window.save(key, str(tmp_path / f"saved.{suffix}"), filter=kind)
        window.close(key)
        key = window.load(str(tmp_path / f"saved.{suffix}"))
    window.look_at(key, CHECK_SHEET)
    window.follow(key, 0, 2)
    wait_for(lambda: window.selected(key) == "X6", timeout=20)
    assert window.in_front(key) == "Jo's a & b"
    window.close(key)
