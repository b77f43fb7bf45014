"""Tables whose weights follow another rule than plain descent, made by PyTorch's optimizers or as formulas: the rule is
named and each cell checked by it, or nothing is understood; no right column is blamed."""

import re
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
import torch

from tests.learners import SLOPES, UNITS, WEIGHTS, Layout, Made, make
from xlsx.check.check import check
from xlsx.check.report import Report, text

Rows = list[dict[str, float]]
Maker = Callable[[list[torch.Tensor]], torch.optim.Optimizer]
START, SAMPLES = ((0.15, 0.2), (0.25, 0.3)), [((0.05, 0.1), (0.01, 0.99)), ((0.4, 0.7), (0.2, 0.3))]
OUTPUTS = ((0.4, 0.45), (0.5, 0.55))
OPTIMIZERS: dict[str, tuple[Maker, float]] = {
    "momentum 0.85": (lambda w: torch.optim.SGD(w, 0.3, momentum=0.85), 0.3),
    "Nesterov momentum 0.9": (lambda w: torch.optim.SGD(w, 0.2, momentum=0.9, nesterov=True), 0.2),
    "weight decay 0.02": (lambda w: torch.optim.SGD(w, 0.5, weight_decay=0.02), 0.5),
    "momentum 0.5 and weight decay 0.01": (lambda w: torch.optim.SGD(w, 0.5, momentum=0.5, weight_decay=0.01), 0.5),
    "Adam (0.9, 0.999, 1e-08)": (lambda w: torch.optim.Adam(w, 0.05), 0.05),
}
UNKNOWN: dict[str, Maker] = {
    "RMSprop": lambda w: torch.optim.RMSprop(w, 0.01),
    "Adagrad": lambda w: torch.optim.Adagrad(w, 0.1),
    "Adam of other numbers": lambda w: torch.optim.Adam(w, 0.05, betas=(0.7, 0.9)),
}


def descended(make_optimizer: Maker, rows: int = 12, every: int = 1, share: float = 1.0, decay: float = 1.0) -> Rows:
    """A row for each example, by autograd; the weights are updated after `every` rows by the sum of their gradients, or
    a `share` of it; the learning rate shrinks by `decay` in each row."""
    weights = [torch.tensor(each, dtype=torch.float64, requires_grad=True) for each in (START, OUTPUTS)]
    optimizer, found = make_optimizer(weights), []
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, decay)
    for row in range(rows):
        inputs, targets = (torch.tensor(each, dtype=torch.float64) for each in SAMPLES[row % 2 if every > 1 else 0])
        h = weights[0] @ inputs
        o = weights[1] @ torch.sigmoid(h)
        losses = (targets - torch.sigmoid(o)) ** 2 / 2
        slopes = torch.autograd.grad(losses.sum(), weights)
        own = [*targets, *inputs, *weights[0].flatten(), *weights[1].flatten()]
        own += [each for z in (*h, *o) for each in (z, torch.sigmoid(z))]
        own += [*losses, losses.sum(), *slopes[0].flatten(), *slopes[1].flatten()]
        names = ["t1", "t2", "i1", "i2", *WEIGHTS, *UNITS, "E1", "E2", "E_total", *SLOPES]
        found.append({name: float(each) for name, each in zip(names, torch.stack(own).detach(), strict=True)})
        for weight, slope in zip(weights, slopes, strict=True):
            weight.grad = share * slope if row % every == 0 else weight.grad + share * slope
        if (row + 1) % every == 0:
            optimizer.step()
            schedule.step()
    return found


def save(rows: Rows, path: Path, digits: int | None = None, rate: float | None = None) -> Path:
    """A sheet of pasted numbers, with its learning rate above where that is stated."""
    book = openpyxl.Workbook()
    book.active.append(["learning rate", rate] if rate else [])
    book.active.append([])
    book.active.append([re.sub(r"^g", "dE/dw", name) for name in rows[0]])
    for row in rows:
        book.active.append([each if digits is None else round(each, digits) for each in row.values()])
    book.save(path)
    return path


def wrong(report: Report) -> set[str]:
    return {each.quantity for block in report.blocks for each in block.columns if each.status == "wrong"}


def with_states(rows: Rows, title: str, by: float, late: bool, beta: float) -> Rows:
    """The rows with a column of velocities a weight, times a factor, in their own row or in the one after."""
    found, before = [], dict.fromkeys(WEIGHTS, 0.0)
    for row in rows:
        now = {w: beta * before[w] + row[g] for w, g in zip(WEIGHTS, SLOPES, strict=True)}
        found.append(row | {title.format(w[1]): by * (before if late else now)[w] for w in WEIGHTS})
        before = now
    return found


@pytest.mark.parametrize("digits", [None, 8, 6])
@pytest.mark.parametrize("rule", OPTIMIZERS)
def test_an_optimizer_is_named_and_its_table_right(rule: str, digits: int | None, tmp_path: Path) -> None:
    maker, rate = OPTIMIZERS[rule]
    report = check(save(descended(maker), tmp_path / "a.xlsx", digits, rate))
    assert (report.status, report.blocks[0].conventions) == ("right", [rule])
    assert report.blocks[0].rate_used == rate


@pytest.mark.parametrize("rule", OPTIMIZERS)
def test_a_wrong_cell_of_an_optimizer_s_table_is_found(rule: str, tmp_path: Path) -> None:
    rows = descended(OPTIMIZERS[rule][0])
    rows[7]["g3"] *= 1.2
    assert wrong(check(save(rows, tmp_path / "a.xlsx"))) == {"dE/dw3"}


@pytest.mark.parametrize("rule", OPTIMIZERS)
def test_a_weight_that_no_rule_gives_is_found(rule: str, tmp_path: Path) -> None:
    """The last row's weight, from which nothing follows in other rows."""
    rows = descended(OPTIMIZERS[rule][0])
    rows[-1]["w6"] += 0.01
    assert "w6" in wrong(check(save(rows, tmp_path / "a.xlsx")))
    assert not wrong(check(save(rows, tmp_path / "a.xlsx"))) & {*WEIGHTS} - {"w6"}


@pytest.mark.parametrize("rule", UNKNOWN)
def test_another_optimizer_is_not_understood(rule: str, tmp_path: Path) -> None:
    report = check(save(descended(UNKNOWN[rule]), tmp_path / "a.xlsx"))
    assert (report.status, wrong(report), report.mistakes) == ("not understood", set(), [])
    assert re.search(r"the steps of w1 are [\d.e+]+·dE/dw1 in row 4 and [\d.e+]+·dE/dw1 in row 5", report.message)


@pytest.mark.parametrize(("share", "word"), [(1.0, "sum"), (0.5, "mean")])
@pytest.mark.parametrize("digits", [None, 8])
def test_rows_of_one_update_are_a_batch(share: float, word: str, digits: int | None, tmp_path: Path) -> None:
    rows = descended(lambda w: torch.optim.SGD(w, 0.5), every=2, share=share)
    report = check(save(rows, tmp_path / "a.xlsx", digits, 0.5))
    assert report.status == "right", text(report)
    assert report.blocks[0].conventions == [f"updates once in 2 rows, by the {word} of their gradients"]
    rows[5]["g2"] *= 1.2
    assert wrong(check(save(rows, tmp_path / "a.xlsx", digits, 0.5))) == {"dE/dw2"}


@pytest.mark.parametrize("digits", [None, 8])
def test_a_rate_that_changes_from_row_to_row_is_no_mistake(digits: int | None, tmp_path: Path) -> None:
    rows = descended(lambda w: torch.optim.SGD(w, 0.5), decay=0.9)
    report = check(save(rows, tmp_path / "a.xlsx", digits, 0.5))
    assert (report.status, report.blocks[0].conventions) == ("right", ["a learning rate that changes from row to row"])
    rows[-1]["w2"] += 0.01
    assert "w2" in wrong(check(save(rows, tmp_path / "a.xlsx", digits, 0.5)))


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize(("title", "by"), [("v_w{}", 1.0), ("m{}", 0.3), ("vel {}", -0.3), ("u (w{})", 0.1)])
def test_columns_of_velocities_are_checked_too(title: str, by: float, late: bool, tmp_path: Path) -> None:
    rows = descended(lambda w: torch.optim.SGD(w, 0.3, momentum=0.9))
    rows = with_states(rows, title, by, late, 0.9)
    report = check(save(rows, tmp_path / "a.xlsx", rate=0.3))
    assert (report.status, report.unchecked) == ("right", 0)
    rows[6][title.format(4)] *= 1.5
    assert wrong(check(save(rows, tmp_path / "a.xlsx", rate=0.3))) == {"v_w4"}


def with_velocities(change: dict[str, str]) -> Made:
    """The exercise by momentum 0.9 in formulas: v1 is in column AF; what it remembers is in the row before."""
    columns = {n: openpyxl.utils.get_column_letter(31 + n) for n in range(1, 9)}
    made = make(Layout(rate="literal"))
    for n, letter in columns.items():
        made.cells["Sheet1", 5, 31 + n] = f"v{n}"
        for step in range(8):
            row = 6 + step
            before = f"0.9*{letter}{row - 1}+" if step else ""
            gradient = made.ref(0, change.get(f"v{n}", f"g{n}"), step)
            made.cells["Sheet1", row, 31 + n] = f"={before}{gradient}"
            if step:
                used = columns[int(change.get(f"w{n}", str(n)))]
                made.cells[made.where[0, f"w{n}", step]] = f"={made.ref(0, f'w{n}', step - 1)}-0.5*{used}{row - 1}"
    return made


@pytest.mark.parametrize(
    ("change", "found"), [({}, set()), ({"v3": "g4"}, {"v_w3"}), ({"w5": "6"}, {"w5"}), ({"v8": "w8"}, {"v_w8"})]
)
def test_momentum_in_formulas(change: dict[str, str], found: set[str], tmp_path: Path) -> None:
    report = check(with_velocities(change).save(tmp_path / "a.xlsx"))
    assert wrong(report) == found, text(report)
    assert report.blocks[0].conventions == ["momentum 0.9"]


def test_a_rate_that_slides_into_another_column_is_a_mistake(tmp_path: Path) -> None:
    """The reference to B4 has no $ from the third row on, and goes down the targets."""
    made = make(Layout())
    for n in range(1, 9):
        for step in range(3, 8):
            gradient, before = made.ref(0, f"g{n}", step - 1), made.ref(0, f"w{n}", step - 1)
            made.cells[made.where[0, f"w{n}", step]] = f"={before}-B{4 + step}*{gradient}"
    (mistake,) = check(made.save(tmp_path / "a.xlsx")).mistakes
    assert mistake.quantities == WEIGHTS
    assert mistake.text.startswith("The learning rate is taken from B7, which holds t2 (0.99), not a learning rate.")
