"""The exercise version: from blank to all right in a real LibreOffice, and no answer in plain sight."""

from pathlib import Path

import openpyxl
import pytest

from tests.networks import canonical_case, quantities_by_pyfuncs
from tests.sheets import BUILT, ERRORS, Values, converted, profile, sheet_titles, with_cells
from xlsx.build import build, main

SHEETS = ("Forward", "Backward")
WRONG_CELL = 3


@pytest.fixture(scope="module")
def blank() -> Path:
    return build(Path(BUILT.name) / "exercise/blank.xlsx", epochs=10, exercise=True)


def questions(path: Path) -> list[tuple[str, str]]:
    """The place of every answer with the name of its quantity."""
    book = openpyxl.load_workbook(path)
    return [
        (f"{name}!{row[4].coordinate}", row[0].value)
        for name in SHEETS
        for row in book[name].iter_rows(min_row=5)
        if row[4].fill.fgColor.rgb == "FFFFF4CC"
    ]


def solved() -> dict[str, float]:
    """The answers by pyfuncs, which knows nothing of the workbook."""
    return quantities_by_pyfuncs(canonical_case("course"), 0.5)


@pytest.fixture(scope="module")
def computed(soffice: str, blank: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Values]:
    """The exercise as it is handed out, filled in with five figures, and with one answer wrong and one a text."""
    folder, out = tmp_path_factory.mktemp("answers"), tmp_path_factory.mktemp("checked")
    answers = {place: float(f"{solved()[name]:.5g}") for place, name in questions(blank)}
    places = list(answers)
    wrong = answers | {places[WRONG_CELL]: answers[places[WRONG_CELL]] * 1.01, places[0]: "twelve"}
    copies = [with_cells(blank, folder / "right.xlsx", answers), with_cells(blank, folder / "wrong.xlsx", wrong)]
    done = converted(soffice, profile(tmp_path_factory.mktemp("profile")), [blank, *copies], out)
    return {path.stem: Values(path) for path in done}


def checks(values: Values) -> list[str]:
    return [row[5] for name in SHEETS for row in values.grid(name)[4:] if row[5] in ("blank", "right", "not yet")]


def test_it_goes_from_blank_to_all_right(blank: Path, computed: dict[str, Values]) -> None:
    count = len(questions(blank))
    assert count == 33
    assert checks(computed["blank"]) == ["blank"] * count
    assert checks(computed["right"]) == ["right"] * count
    assert computed["right"].named("answers_right") == [f"{count} of {count} answers are right"]


def test_a_wrong_answer_and_a_text_are_not_yet_right(blank: Path, computed: dict[str, Values]) -> None:
    found = checks(computed["wrong"])
    assert [number for number, state in enumerate(found) if state != "right"] == [0, WRONG_CELL]
    assert {found[0], found[WRONG_CELL]} == {"not yet"}


def test_no_answer_is_in_plain_sight(blank: Path, computed: dict[str, Values]) -> None:
    book, answers = computed["blank"].book, solved()
    visible = [sheet for sheet in book if sheet.sheet_state == "visible"]
    assert [sheet.title for sheet in visible] == [
        "Start",
        "Network",
        "Picture",
        "Forward",
        "Backward",
        "Results",
        "Runs",
    ]
    numbers = [cell.value for sheet in visible for row in sheet.iter_rows() for cell in row]
    shown = [value for value in numbers if isinstance(value, float)]
    hidden = [name for name, value in answers.items() if any(abs(value - each) < 1e-12 for each in shown)]
    assert hidden == []


def test_no_cell_shows_an_error(computed: dict[str, Values]) -> None:
    for values in computed.values():
        assert [place for place, value in values.all() if value in ERRORS] == []


def test_every_network_has_its_exercise_under_a_name_of_its_own(tmp_path: Path) -> None:
    assert main(["--exercise", "--epochs", "10", "--network", "2-2 sigmoid softmax", "--out", str(tmp_path)]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["exercise.xlsx"]
    assert "Key" in sheet_titles(tmp_path / "exercise.xlsx")
    batch = build(tmp_path / "batch.xlsx", preset="xor", epochs=10, exercise=True)
    assert {"dE/dw1", "dE/dw1 (sample)"} <= {name for _, name in questions(batch)}
