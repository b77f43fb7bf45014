"""One's own pictures, made like MNIST's: what was an MNIST image before stays one, and every picture has its answer."""

import csv
import io
from pathlib import Path

import numpy as np
import openpyxl
import pytest
import torch
from PIL import Image

from addin import trained
from cnn import classify, data, handwriting, predict, runs, train
from tests.trainer import DIGITS

DIGIT = np.zeros((28, 28), np.uint8)  # a 7 as MNIST's are: 20 high, its centre of mass in pixel 14
DIGIT[8:11, 7:20] = 255
for row in range(11, 28):
    DIGIT[row, 18 - (row - 11) // 2 : 21 - (row - 11) // 2] = 255 - 3 * (row - 11)


def drawn(path: Path, times: int = 6, paper: int = 255, place: tuple[int, int] = (13, 71)) -> Path:
    """A picture file of the digit, enlarged, dark on white paper (or bright on black), off the middle."""
    ink = Image.fromarray(DIGIT if paper == 0 else 255 - DIGIT)
    sheet = Image.new("L", (28 * times + 100, 28 * times + 100), paper)
    sheet.paste(ink.resize((28 * times, 28 * times), Image.Resampling.NEAREST), place)
    sheet.save(path)
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run on digits."""
    folder, threads = tmp_path_factory.mktemp("classify") / "run", torch.get_num_threads()
    assert train.main([*DIGITS, "--epochs", "2", "--out", str(folder)]) == 0
    torch.set_num_threads(threads)
    return folder


@pytest.mark.parametrize("times", [1, 3, 10])
@pytest.mark.parametrize("paper", [0, 255])
def test_a_digit_drawn_anywhere_is_the_mnist_image_again(tmp_path: Path, times: int, paper: int) -> None:
    image = handwriting.read(drawn(tmp_path / "7.png", times, paper))
    assert np.abs(image - DIGIT).max() <= 2


def test_a_digit_with_soft_edges_keeps_its_size_and_place(tmp_path: Path) -> None:
    """A blurred edge is wider than the ink: cut out where it ends, all digits would be smaller, some a pixel off."""
    apart = []
    for image in data.load("digits").pixels()[:100:5].byte().numpy():
        Image.fromarray(image).save(tmp_path / "small.png")
        small = handwriting.read(tmp_path / "small.png")
        soft = Image.fromarray(small.astype(np.uint8)).resize((252, 252), Image.Resampling.BICUBIC)
        soft.save(tmp_path / "soft.png")
        apart.append(np.abs(handwriting.read(tmp_path / "soft.png") - small).mean())
    assert np.mean(apart) < 5.5


def test_a_jpeg_and_what_is_transparent_are_read_too(tmp_path: Path) -> None:
    Image.open(drawn(tmp_path / "7.png")).save(tmp_path / "7.jpg", quality=95)
    assert np.abs(handwriting.read(tmp_path / "7.jpg") - DIGIT).mean() < 3
    ink = Image.fromarray(DIGIT).resize((280, 280), Image.Resampling.NEAREST)
    clear = Image.merge("RGBA", (*[Image.new("L", ink.size)] * 3, ink))
    clear.save(tmp_path / "clear.png")
    assert np.abs(handwriting.read(tmp_path / "clear.png") - DIGIT).max() <= 2


def test_sixteen_bits_are_read_too(tmp_path: Path) -> None:
    deep = 256 * (255 - np.kron(DIGIT, np.ones((6, 6), np.uint16)).astype(np.uint16))
    Image.fromarray(deep).save(tmp_path / "deep.png")
    assert np.abs(handwriting.read(tmp_path / "deep.png") - DIGIT).max() <= 2


UNREADABLE = {
    "shows nothing": lambda path: Image.new("L", (50, 50), 200).save(path),
    "cannot be read as a picture": lambda path: path.write_bytes(b"<html>"),
}


@pytest.mark.parametrize("flaw", UNREADABLE)
def test_a_picture_that_shows_no_digit_is_said_and_the_others_go_on(
    run: Path, tmp_path: Path, flaw: str, capsys: pytest.CaptureFixture
) -> None:
    UNREADABLE[flaw](tmp_path / "bad.png")
    drawn(tmp_path / "good.png")
    assert classify.main([str(run), str(tmp_path), "--out", str(tmp_path / "out.csv")]) == 1
    said = capsys.readouterr()
    assert f"{tmp_path / 'bad.png'} {flaw}" in said.err
    assert "good.png" in said.out
    assert "bad.png" not in (tmp_path / "out.csv").read_text()


def test_table_csv_and_workbook_have_the_networks_own_answer(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    drawn(tmp_path / "=1+1.png")
    out, book = tmp_path / "out.csv", tmp_path / "out.xlsx"
    assert trained.main(["classify", str(run), str(tmp_path), "--out", str(out), "--sheet", str(book)]) == 0
    network = predict.load(run)
    with torch.no_grad():
        normal = (torch.tensor(handwriting.read(tmp_path / "=1+1.png")).float() / 255 - 0.1307) / 0.3081
        expected = network.network.eval()(normal.view(1, 1, 28, 28)).softmax(1)[0]
    label = str(int(expected.argmax()))
    (row,) = csv.DictReader(io.StringIO(out.read_text()))
    assert (row["file"], row["label"]) == (str(tmp_path / "=1+1.png"), label)
    assert [float(row[name]) for name in "0123456789"] == pytest.approx(expected.tolist())
    assert capsys.readouterr().out.splitlines()[1].split()[:2] == ["=1+1.png", label]
    sheet = openpyxl.load_workbook(book).active
    values = [cell.value for cell in sheet[5]]
    assert values[1:3] == [label, str(tmp_path / "=1+1.png")]
    assert values[3:] == pytest.approx(expected.tolist())
    (picture,) = sheet._images
    seen = 255 - np.asarray(Image.open(io.BytesIO(picture._data())))[::3, ::3]
    assert (seen == handwriting.read(tmp_path / "=1+1.png")).all()


@pytest.mark.parametrize("paths", [["nowhere.png"], ["empty"]])
def test_a_path_without_a_picture_is_said(run: Path, tmp_path: Path, paths: list[str], capsys) -> None:
    (tmp_path / "empty").mkdir()
    assert classify.main([str(run), *(str(tmp_path / path) for path in paths)]) == 2
    assert str(tmp_path / paths[0]) in capsys.readouterr().err


def test_no_run_is_said(tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKPROP_HOME", str(tmp_path))
    assert classify.main(["nothing", str(drawn(tmp_path / "7.png"))]) == 2
    assert "There is no run nothing" in capsys.readouterr().err


def test_a_hundred_test_images_have_the_probabilities_that_evaluate_counts(run: Path) -> None:
    images, network = data.load("digits"), predict.load(run)
    found = network.probabilities(images.pixels()).argmax(1) == images.test.labels
    with torch.no_grad():
        own = network.network(images.test.images).argmax(1) == images.test.labels
    assert (found == own).float().mean() > 0.98  # digits are no whole numbers from 0 to 255
    assert own.float().mean() == pytest.approx(runs.read(run).epochs[-1]["test_accuracy"])


def test_weights_of_an_earlier_version_are_normalised_as_their_images(run: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    for name in ("config.json", "log.jsonl"):
        (tmp_path / name).write_bytes((run / name).read_bytes())
    save_file(load_file(run / "weights.safetensors"), tmp_path / "weights.safetensors", {"model": "tiny"})
    old, new = predict.load(tmp_path), predict.load(run)
    assert (old.mean, old.deviation) == (new.mean, new.deviation) == (0.1307, 0.3081)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--out", "scan.png"], "scan.png does not say what to write. Name it as .csv."),
        (["--sheet", "config.json"], "config.json does not say what to write. Name it as .xlsx."),
        (["--out", "."], " is a folder. Name a file in it that ends on .csv."),
    ],
)
def test_no_file_of_the_users_is_written_over(
    run: Path, tmp_path: Path, options: list[str], said: str, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("scan.png", "config.json"):
        (tmp_path / name).write_bytes(b"mine")
    assert trained.main(["classify", str(run), "scan.png", *options]) == 2
    assert said in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "scan.png": b"mine",
        "config.json": b"mine",
    }
