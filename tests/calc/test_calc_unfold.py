"""An unfolded workbook where it is used: three programs compute it, LibreOffice is typed into."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from cnn import models
from tests import engines, unfolded
from tests.calc.conftest import StartOffice
from tests.calc.office import Office
from tests.needs import require
from xlsx.unfold import draw, overview, place, trust, workbook
from xlsx.unfold.maps import cell

MODELS = list(models.MODELS)
PICTURES = [3, 58, 100]


@pytest.fixture(scope="module")
def office(start_office: StartOffice) -> Iterator[Office]:
    """A LibreOffice without the extension."""
    office = start_office(with_extension=False)
    yield office
    office.end()


@pytest.fixture
def tiny(office: Office) -> Iterator[int]:
    """The workbook of `tiny`, open in it."""
    key = office.load(str(unfolded.written("tiny")))
    yield key
    office.close(key)


@pytest.mark.parametrize("model", MODELS)
def test_three_programs_compute_pytorch_s_logits(model: str, office: Office, tmp_path: Path) -> None:
    if not engines.has_gnumeric():
        require("gnumeric", "ssconvert is not installed: install gnumeric")
    path, known = unfolded.written(model), unfolded.trained(model)
    wanted = unfolded.float64(unfolded.made_up(model), known)[[picture - 1 for picture in PICTURES]]
    computed = {
        "LibreOffice": engines.calc(office, path, PICTURES),
        "Gnumeric": engines.gnumeric(path, PICTURES, tmp_path),
        "formualizer": engines.formualizer(path, PICTURES),
    }
    for program, logits in computed.items():
        assert abs(np.stack(list(logits)) - wanted).max() < 1e-9, program


def test_without_the_extension_python_is_not_connected(office: Office, tiny: int) -> None:
    office.calculate(tiny)
    assert [office.read(tiny, name)[0][0] for name in ("python_state", "python_says")] == ["Python not connected"] * 2
    assert office.read(tiny, "predicted") == [["–"] * 10]


def test_a_drawn_pixel_counts_and_a_blank_one_is_the_picture_s(office: Office, tiny: int) -> None:
    chosen = office.read(tiny, "chosen")
    for typed, used in ((200, 200), (0, 0), (999, 255), (-5, 0), (None, chosen[14][14])):
        office.write(tiny, "Draw.P20", typed)  # row 15, column 15 of yours
        assert office.read(tiny, "used")[14][14] == used
    office.write(tiny, "picture", 0)
    assert sum(map(sum, office.read(tiny, "used"))) == 0
    office.write(tiny, "picture", 77)
    assert office.read(tiny, "used") == unfolded.trained("tiny").images[76].tolist()


def test_all_28_by_28_numbers_can_be_pasted(office: Office, tiny: int) -> None:
    known = unfolded.trained("tiny")
    office.paste(tiny, "yours", known.images[41].tolist())
    wanted = unfolded.float64(unfolded.made_up("tiny"), known)[41]
    assert abs(np.array(office.read(tiny, "logits")[0]) - wanted).max() < 1e-9
    assert office.read(tiny, "compared") == [[0]]


def test_the_comparison_agrees_and_finds_one_spoilt_cell(office: Office, tiny: int) -> None:
    row = trust.FIRST_ROW + 5
    states = f"{trust.TITLE}.I{row}:I{row}"
    office.write(tiny, "picture", 5)
    assert office.read(tiny, states) == [["agrees"]]
    layer = office.read(tiny, "Layer 3.E7:E7")[0][0]
    office.write(tiny, "Layer 3.E7", layer + 0.25)
    assert office.read(tiny, states) == [["differs"]]
    office.write(tiny, "Layer 3.E7", "=NA()")
    assert office.read(tiny, states) == [["differs"]]
    assert office.read(tiny, "draw_state") == [["Layer 3: a cell has an error, no number"]]


def test_what_is_no_number_is_named_and_weights_that_were_changed_are_told(office: Office, tiny: int) -> None:
    def said() -> str:
        return office.read(tiny, "draw_state")[0][0] or ""

    assert said() == ""
    office.write(tiny, "Draw.F8", "o")  # row 3, column 5 of yours
    assert said() == "Yours: row 3, column 5 is no number"
    office.write(tiny, "Draw.F8", "=NA()")
    assert said() == "Yours: row 3, column 5 is no number"
    office.write(tiny, "Draw.F8", None)
    office.write(tiny, "picture", 101)
    assert "from 0 to 100" in said()
    office.write(tiny, "picture", 5)
    weight = office.read(tiny, "Weights.E7:E7")[0][0]
    office.write(tiny, "Weights.E7", "0\n")
    assert said() == "Layer 1: the weight in E7 is no number"
    office.write(tiny, "Weights.E7", 5)
    assert said() == "weights of Layer 1 were changed"
    assert office.read(tiny, "trust_says")[0][0].startswith("Picture 5: differs; weights of Layer 1 were changed")
    office.write(tiny, "Draw.F8", 255)  # drawn over: nothing is stored for that
    found = office.read(tiny, "trust_says")[0][0]
    assert "agree" not in found
    assert "weights of Layer 1 were changed" in found
    office.write(tiny, "Draw.F8", None)
    office.write(tiny, "Weights.E7", weight)
    assert said() == ""
    assert office.read(tiny, "trust_says")[0][0].startswith("Picture 5: agrees; the weights are as trained")


SHEETS = ["Images", "Weights", "Layer 1", "Layer 3", "Trust"]


@pytest.mark.parametrize("title", SHEETS)
def test_a_sheet_that_is_gone_is_named_where_the_answer_stands(office: Office, tiny: int, title: str) -> None:
    office.remove_sheet(tiny, title)
    said = office.read(tiny, "draw_state")[0][0]
    assert said == f"the sheet {title} is gone: undo (Ctrl+Z), or take a fresh file"
    beside = office.read(tiny, f"Draw.{cell(draw.FIELD_ROW, draw.CLASS)}:{cell(draw.BELOW_ROW - 1, draw.STATE)}")
    assert not [each for row in beside for each in row if isinstance(each, dict)]
    assert office.read(tiny, "answer") == [["–"]]
    assert beside[0][1] == "cannot compute"
    assert {row[-1] for row in beside if row[-1]} == {"state", "–"}
    line = cell(0, overview.STATE_COLUMN)
    assert office.read(tiny, f"Overview.{line}:{line}") == [[said]]
    office.remove_sheet(tiny, "Draw")
    assert office.read(tiny, f"Overview.{line}:{line}") == [
        ["the sheet Draw is gone: undo (Ctrl+Z), or take a fresh file"]
    ]


def test_the_table_of_trust_can_be_sorted_and_lose_rows(office: Office, tiny: int) -> None:
    office.write(tiny, "picture", 5)
    stored = office.read(tiny, "stored_logits")[4]
    office.sort(tiny, "Trust", trust.HEADER_ROW)
    assert [row[0] for row in office.read(tiny, "stored_pictures")][:2] == [100, 99]
    assert {row[0] for row in office.read(tiny, "stored_states")} == {"agrees"}
    office.remove_row(tiny, "Trust", trust.FIRST_ROW)
    assert office.read(tiny, "trust_says")[0][0].startswith("Picture 5: agrees")
    assert office.read(tiny, "stored_logits")[94] == stored
    shown = office.read(tiny, "Draw.BM14:BM33")  # two rows a class
    assert [row[0] for row in shown[::2]] == stored


@pytest.mark.parametrize("model", MODELS)
def test_the_place_worked_out_is_the_map_s_own_cell(model: str, office: Office) -> None:
    """With other choices too: the last two lines of the sum are computed in two ways."""
    key = office.load(str(unfolded.written(model)))
    book = engines.opened(unfolded.written(model))
    for title in [title for title in book.sheetnames if title.startswith("Layer")]:
        sheet = book[title]
        ends = [cell for row in sheet.iter_rows() for cell in row if cell.value == place.SAYS]
        choices = [str(each.sqref).split(":")[0] for each in sheet.data_validations.dataValidation]
        found = sheet.cell(ends[0].row, ends[0].column + 4).coordinate
        above = max(row for row in range(1, ends[0].row) if sheet.cell(row, ends[0].column + 4).value)
        summed = sheet.cell(above, ends[0].column + 4).coordinate
        for number in (1, 2, 5):
            for choice in choices:
                office.write(key, f"{title}.{choice}", number)
            one, other = (office.read(key, f"{title}.{cell}")[0][0] for cell in (summed, found))
            assert one == pytest.approx(other, abs=1e-9), (title, number)
    office.close(key)


@pytest.mark.parametrize("model", MODELS)
def test_the_way_back_is_pytorch_s_autograd(model: str, office: Office, tmp_path: Path) -> None:
    """On a grey, uneven paper, where no two places of a window are equal: between equals autograd's choice is free."""
    known, wrong_class = unfolded.trained(model), 6
    image = np.random.default_rng(3).uniform(0, 255, (28, 28))
    key = office.load(str(workbook.write(known, tmp_path / "back.xlsx", back=True)), timeout=120)
    for picture in (42, 77):
        office.write(key, "picture", picture, timeout=120)
        assert office.read(key, "loss_target") == [[known.labels[picture - 1] + 1]]
    office.paste(key, "yours", image.tolist(), timeout=120)
    office.write(key, "loss_class", wrong_class, timeout=120)
    found = {name: office.read(key, name) for name in ("loss", "pixel_gradient", "weight_gradient")}
    office.close(key)
    network = unfolded.made_up(model).double()
    pixels = torch.from_numpy(known.normal(image))[None].requires_grad_()
    loss = F.cross_entropy(network(pixels), torch.tensor([wrong_class]))
    loss.backward()
    assert found["loss"][0][0] == pytest.approx(loss.item(), abs=1e-9)
    assert abs(np.array(found["pixel_gradient"]) - pixels.grad.numpy()[0, 0]).max() < 1e-9
    wanted = network[-1].weight.grad.numpy()
    size = {"reference": 5}.get(model, 1)  # of the maps that its last layer reads
    grid = np.pad(np.array(found["weight_gradient"], float), ((0, 1), (0, 1)))
    blocks = grid.reshape(10, size + 1, -1, size + 1)[:, :size, :, :size].transpose(0, 2, 1, 3)
    assert abs(blocks.reshape(wanted.shape) - wanted).max() < 1e-9
