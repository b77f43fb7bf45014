"""What a run leaves: weights to be loaded anywhere, tables that agree with scikit-learn, pictures; measured anew."""

import csv
import io
import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import sklearn.datasets
import torch
from matplotlib.image import imread
from PIL import Image
from safetensors import safe_open
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from cnn import data, evaluate, models, pictures, runs, train, weights
from cnn.runs.scores import PICTURED, scores
from tests.trainer import DIGITS


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run on digits, short enough to make mistakes."""
    folder, threads = tmp_path_factory.mktemp("outcome") / "run", torch.get_num_threads()
    assert train.main([*DIGITS, "--epochs", "3", "--out", str(folder)]) == 0
    torch.set_num_threads(threads)
    return folder


def datasets_folder() -> Path:
    return Path(sklearn.datasets.__file__).parent / "data"


def rows(folder: Path, name: str) -> list[dict]:
    return list(csv.DictReader(io.StringIO((folder / name).read_text())))


def probabilities(folder: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """True classes and probabilities, by the saved weights in a network of one's own."""
    network, test = models.build("tiny").eval(), data.load("digits").test
    with safe_open(folder / "weights.safetensors", "pt") as file:
        network.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
    with torch.no_grad():
        return test.labels, network(test.images).softmax(1)


def predicted(folder: Path) -> tuple[torch.Tensor, torch.Tensor]:
    true, chances = probabilities(folder)
    return true, chances.argmax(1)


def test_the_log_as_csv_holds_its_epochs(run: Path) -> None:
    read = [{key: float(value) for key, value in row.items()} for row in rows(run, "log.csv")]
    logged = [{key: epoch[key] for key in runs.EPOCH_KEYS} for epoch in runs.read(run).epochs]
    assert read == logged


def test_the_model_card_says_what_was_reached_and_how_to_reach_it_again(run: Path, tmp_path: Path) -> None:
    card, last = (run / "model-card.md").read_text("utf-8"), runs.read(run).epochs[-1]
    assert f"| test accuracy | {100 * last['test_accuracy']:.2f} % of 360 images |" in card
    counts = confusion_matrix(*predicted(run))
    (said,) = re.findall(r"most often mistaken \| (\d) for (\d) \((\d+) times\)", card.replace(", ", " |", 1))
    true, taken, times = map(int, said)
    assert counts[true, taken] == times == (counts - np.diag(counts.diagonal())).max()
    (typed,) = re.findall(r"^    python start.py train (.*)$", card, re.MULTILINE)
    assert train.main([*shlex.split(typed), "--out", str(tmp_path / "again")]) == 0
    assert (tmp_path / "again" / runs.WEIGHTS).read_bytes() == (run / runs.WEIGHTS).read_bytes()


def test_the_model_card_of_one_with_a_parent_names_it(run: Path, tmp_path: Path) -> None:
    assert train.main(["--more", "1", str(run), "--out", str(tmp_path / "more")]) == 0
    card = (tmp_path / "more" / "model-card.md").read_text("utf-8")
    assert f"It began with the weights of {run}." in card
    (typed,) = re.findall(r"^    python start.py train (.*)$", card, re.MULTILINE)
    assert train.main([*shlex.split(typed), "--out", str(tmp_path / "again")]) == 0
    assert (tmp_path / "again" / runs.WEIGHTS).read_bytes() == (tmp_path / "more" / runs.WEIGHTS).read_bytes()


def test_the_saved_weights_reach_what_the_log_says(run: Path) -> None:
    true, found = predicted(run)
    accuracy = runs.read(run).epochs[-1]["test_accuracy"]
    assert 0 < (true == found).sum() < 360
    assert (true == found).sum() / 360 == pytest.approx(accuracy)
    with safe_open(run / "weights.safetensors", "pt") as file:
        normal = {"mean": "0.1307", "deviation": "0.3081"}
        assert file.metadata() == {"model": "tiny", "dataset": "digits", **normal}


def test_the_confusion_matrix_and_the_classes_are_scikit_learns(run: Path) -> None:
    true, found = predicted(run)
    table = [[int(row[name]) for name in "0123456789"] for row in rows(run, "confusion.csv")]
    assert table == confusion_matrix(true, found).tolist()
    assert [row["true"] for row in rows(run, "confusion.csv")] == list("0123456789")
    classes = rows(run, "classes.csv")
    expected = precision_recall_fscore_support(true, found)[:3]
    for name, fractions in zip(("precision", "recall", "f1"), expected, strict=True):
        assert [float(row[name]) for row in classes] == pytest.approx(fractions)
    assert sum(int(row["images"]) for row in classes) == 360


def test_the_mistakes_are_listed_the_surest_first(run: Path) -> None:
    true, chances = probabilities(run)
    listed = rows(run, "mistakes.csv")
    found = [(int(row["index"]), int(row["true"]), int(row["predicted"])) for row in listed]
    wrong = (chances.argmax(1) != true).nonzero().flatten().tolist()
    assert sorted(found) == [(index, int(true[index]), int(chances[index].argmax())) for index in wrong]
    sure = [float(row["probability"]) for row in listed]
    assert sure == sorted(sure, reverse=True)
    assert sure == pytest.approx([float(chances[index].max()) for index, *_ in found])


def test_each_picture_of_a_mistake_is_the_test_image_of_its_index(run: Path) -> None:
    package = np.loadtxt(datasets_folder() / "digits.csv.gz", delimiter=",")[-360:, :64].reshape(-1, 8, 8)
    listed = rows(run, "mistakes.csv")[:PICTURED]
    assert len(listed) > 5
    assert len(list((run / "pictures").glob("mistake-*"))) == len(listed)
    for row in listed:
        drawn = np.asarray(Image.open(run / "pictures" / f"mistake-{row['index']}.png"))
        assert drawn.shape == (84, 84)
        assert all((drawn[y::3, x::3] == drawn[::3, ::3]).all() for y in range(3) for x in range(3))
        scan = Image.fromarray((255 * package[int(row["index"])] / 16).astype(np.float32))
        smooth = np.asarray(scan.resize((28, 28), Image.Resampling.BILINEAR))
        assert np.abs(255 - drawn[::3, ::3].astype(float) - smooth).max() < 2


def test_the_kernels_are_pictures_blue_above_and_orange_below_zero(run: Path) -> None:
    with safe_open(run / "weights.safetensors", "pt") as file:
        kernels = file.get_tensor("0.weight")[:, 0]
    for number, kernel in enumerate(kernels, 1):
        drawn = np.asarray(Image.open(run / "pictures" / f"filter-{number}.png")).astype(int)[8::16, 8::16]
        clear = (kernel.abs() > 0.05 * kernels.abs().max()).numpy()
        assert ((drawn[..., 2] > drawn[..., 0]) == (kernel.numpy() > 0))[clear].all()


def test_a_class_that_is_never_taken_has_no_precision() -> None:
    first, second = scores([[3, 0], [2, 0]])
    assert (first["precision"], first["recall"], first["f1"]) == (0.6, 1.0, 0.75)
    assert (second["precision"], second["recall"], second["f1"]) == (None, 0.0, 0.0)


def test_the_layers_are_listed_with_all_parameters(run: Path) -> None:
    total = sum(int(row["parameters"]) for row in rows(run, "layers.csv"))
    assert total == runs.read(run).started["parameters"]


def test_the_pictures_are_pictures(run: Path) -> None:
    for name in ("mistakes.png", "curves.png"):
        pixels = imread(run / name)
        assert min(pixels.shape[:2]) > 100
        assert pixels.std() > 0.05


@pytest.mark.parametrize("wrong", [0, 1, 7, 600])
def test_every_mistake_is_drawn_up_to_a_limit_that_is_said(wrong: int, monkeypatch: pytest.MonkeyPatch) -> None:
    texts, images = [], data.Split(torch.rand(600, 1, 28, 28), torch.zeros(600, dtype=torch.long))
    monkeypatch.setattr(pictures.Figure, "suptitle", lambda figure, text, **_: texts.append(text))
    monkeypatch.setattr(pictures, "MOST_MISTAKES", 10)
    found = torch.zeros(600, dtype=torch.long)
    found[:wrong] = 3
    pictures.mistakes(data.DataSet("digits", images, images), found)
    more = ", the first 10 of them" if wrong == 600 else ""
    assert texts == [f"digits, test: {wrong} of 600 wrong (true→predicted){more}"]


# --- measured anew -----------------------------------------------------------------------------------------------


def test_a_run_is_measured_anew_from_its_weights(run: Path, capsys: pytest.CaptureFixture) -> None:
    assert evaluate.main([str(run)]) == 0
    accuracy, loss = (runs.read(run).epochs[-1][f"test_{kind}"] for kind in ("accuracy", "loss"))
    hits = round(360 * accuracy)
    expected = f"digits, test: accuracy {100 * accuracy:.2f} % ({hits} of 360), loss {loss:.4f}; the log agrees\n"
    assert capsys.readouterr().out == expected


def test_weights_that_differ_from_the_log_are_noticed(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    for name in ("config.json", "log.jsonl"):
        (tmp_path / name).write_bytes((run / name).read_bytes())
    (tmp_path / runs.WEIGHTS).write_bytes(weights.write(models.build("tiny"), {}))
    assert evaluate.main([str(tmp_path)]) == evaluate.DIFFERS == 3
    assert "; the log differs: " in capsys.readouterr().out
    assert evaluate.main([str(tmp_path), "--json"]) == 3
    found = json.loads(capsys.readouterr().out)
    assert (found["images"], found["part"]) == (360, "test")
    assert found["accuracy"] != found["logged_accuracy"] == runs.read(run).epochs[-1]["test_accuracy"]


SPOILT = {
    "There is no": lambda path: path.unlink(),
    "is cut short or damaged": lambda path: path.write_bytes(path.read_bytes()[:900]),
    "does not fit the network tiny": lambda path: path.write_bytes(weights.write(models.build("compact"), {})),
}


@pytest.mark.parametrize("flaw", SPOILT)
def test_weights_that_cannot_be_used_are_said(run: Path, tmp_path: Path, flaw: str, capsys) -> None:
    for path in filter(Path.is_file, run.iterdir()):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    SPOILT[flaw](tmp_path / runs.WEIGHTS)
    assert evaluate.main([str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert said.startswith("evaluate: ")
    assert flaw in said
    assert str(tmp_path / runs.WEIGHTS) in said


def test_a_folder_that_is_no_run_is_wrong_use(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert evaluate.main([str(tmp_path)]) == 2
    assert f"There is no {tmp_path / 'config.json'}" in capsys.readouterr().err
