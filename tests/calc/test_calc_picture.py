"""Picture and the pasted line in a real Calc: edges by sign and size, the epoch's buttons, a start laid out again."""

from collections.abc import Iterator

import numpy as np
import pytest

from tests.calc.office import Office
from tests.sheets import XOR, workbook
from xlsx.sheets.drawing import CLASSES, EDGE_ROWS, FIRST, OUTSIDE
from xlsx.state_text import read

COMMAND = "service:org.backprop.addin.Commands?"
EPOCHS = 10


@pytest.fixture(scope="module")
def book(office: Office) -> Iterator[int]:
    key = office.load(str(workbook("2-2-2", EPOCHS)))
    yield key
    office.close(key)


def drawn(office: Office, key: int, count: int) -> list[int]:
    """The class in which each edge lies inside the chart, by its two ends; 0 for none."""
    rows = office.read(key, office.used(key, "Picture"))
    column = rows[FIRST - 1].index("class")
    found = []
    for edge in range(count):
        ends = rows[FIRST + EDGE_ROWS * edge : FIRST + EDGE_ROWS * edge + 2]
        inside = [{at for at in range(1, len(CLASSES) + 1) if row[column + at] != OUTSIDE} for row in ends]
        assert inside[0] == inside[1]
        assert len(inside[0]) <= 1
        assert all(row[column + at] == row[column - 1] for row in ends for at in inside[0])
        found.append(next(iter(inside[0]), 0))
    return found


def by_size(numbers: np.ndarray) -> list[int]:
    """What must be drawn: thin, middle, thick by thirds of the largest; three more for what is below 0."""
    thirds = np.searchsorted([1 / 3, 2 / 3], np.abs(numbers) / np.abs(numbers).max()) + 1
    return list(thirds + 3 * (numbers < 0))


def test_edges_are_coloured_by_sign_and_drawn_in_three_widths(office: Office, book: int) -> None:
    for content in ([0.15, -0.2, 0.25, 0.3, -0.4, 0.45, 0.5, -0.55], [0.1, -1e-9, 1.5, -2.5, 0.0, -0.9, 1.1, 2.1]):
        office.write(book, "your_weights", [[each] for each in content])
        assert drawn(office, book, 8) == by_size(np.array(content))
        office.write(book, "picture_view", "gradients")
        gradients = [row[3] for row in office.read(book, "pictured")[1:]]
        assert drawn(office, book, 8) == by_size(np.array(gradients))
        office.write(book, "picture_view", "weights")
    office.write(book, "your_weights", [["o.2"]])
    assert drawn(office, book, 8) == [0, *by_size(np.array(content))[1:]], "the largest but the one that is no number"
    office.write(book, "your_weights", [[None]] * 8)


def test_labels_follow_the_view(office: Office, book: int) -> None:
    def texts() -> set[object]:
        return {cell for row in office.read(book, office.used(book, "Picture")) for cell in row[-1:]}

    assert {"w1 = 0.1500", "a_h1", "t2 = 0.990"} <= texts()
    office.write(book, "picture_view", "gradients")
    assert {"dE/dw1 = 0.00019", "dE/dh1", "t2 = 0.990"} <= texts()
    office.write(book, "picture_view", "weights")


def test_the_buttons_step_the_epoch_within_what_there_is(office: Office, book: int) -> None:
    office.show(book, "Picture")
    seen = []
    for step in ("back", "next", "next", "next_10", "next", "back", "first", "next_10", "first", "last", "first"):
        office.command(book, f"{COMMAND}epoch_{step}")
        seen.append(office.read(book, "epoch")[0][0])
    assert seen == [0, 1, 2, 10, 10, 9, 0, 10, 0, 10, 0]
    office.undo(book)
    assert office.read(book, "epoch") == [[10]]
    office.write(book, "epoch", 0)


@pytest.mark.parametrize(("network", "preset"), [("2-2-2", None), (XOR, "xor"), ("8-8-8-4", None)])
def test_a_pasted_line_lays_its_start_out_again(office: Office, network: str, preset: str | None) -> None:
    key = office.load(str(workbook(network, EPOCHS, preset)))
    ((line,),) = office.read(key, "state")
    start, _ = read(line)
    words = line.split("; ")
    sample = " / ".join(
        " ".join(f"{0.5 + at / 8 - number}" for at, _ in enumerate(row)) for number, row in enumerate(start.inputs)
    )
    words[1] = f"inputs {sample}"
    words[3] = "weights " + " ".join(f"{0.25 - at / 16:.15g}" for at, _ in enumerate(start.weights))
    words[4:] = ["learning_rate 1.5E-05", "optimizer adam 0.9 0.999 1e-8"]
    pasted, kept = "; ".join(words), [office.read(key, name) for name in ("weights", "inputs")]
    office.write(key, "pasted_state", pasted)
    assert read(office.read(key, "state")[0][0]) == read(pasted)
    assert [cell for row in office.read(key, "weights") for cell in row] == list(read(pasted)[0].weights)
    assert office.read(key, "workbook_agrees") == [["agrees"]]
    office.write(key, "pasted_state", None)
    assert [office.read(key, name) for name in ("weights", "inputs")] == kept
    assert office.read(key, "state") == [[line]]
    office.close(key)


WRONG = {
    "2-3-1 tanh bias; inputs 0.1 0.2": "the pasted line is of another network",
    "hello": "the pasted line is not whole",
    "2-2-2; inputs 0.05 0.1; targets 0.01 0.99; weights 1 2 3 4 5 6 7; learning_rate 0.5; optimizer sgd": "not whole",
    "2-2-2; inputs 0.05 x; targets 0.01 0.99; weights 1 2 3 4 5 6 7 8; learning_rate 0.5; optimizer sgd": "not whole",
    "2-2-2; inputs 0.05 1; targets 0.01 0.99; weights 1 2 3 4 5 6 7 8; learning_rate 0; optimizer sgd": "is beyond",
    "2-2-2; inputs 0.05 1; targets 0.01 0.99; weights 1 2 3 4 5 6 7 8; learning_rate 1; optimizer x": "not whole",
}


@pytest.mark.parametrize("line", WRONG)
def test_a_line_that_cannot_be_laid_out_is_named(office: Office, book: int, line: str) -> None:
    office.write(book, "pasted_state", line)
    ((bad,),) = office.read(book, "first_bad_input")
    office.write(book, "pasted_state", None)
    assert WRONG[line] in bad
    assert office.read(book, "first_bad_input") == [["all inputs are numbers"]]
