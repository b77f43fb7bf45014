"""CNN_PREDICT in Excel: xlwings' real CallUDF, and behind it a process of its own with PyTorch, as cells use them."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_excel_functions import TESTS, Excel, course
from xlsx.contract import LOADING

torch = pytest.importorskip("torch", reason="torch is not installed")

from cnn import data, predict, train  # noqa: E402  they need PyTorch
from tests.trainer import DIGITS, variables  # noqa: E402

STEPS = 500


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's folder with a finished run."""
    made, threads = tmp_path_factory.mktemp("home"), torch.get_num_threads()
    assert train.main([*DIGITS, "--epochs", "2", "--out", str(made / "runs/mine")]) == 0
    torch.set_num_threads(threads)
    return made


@pytest.fixture
def excel(home: Path) -> Iterator[Excel]:
    """A server that has not been asked yet."""
    command = [sys.executable, str(TESTS / "excel/server.py")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": variables(home)}
    with subprocess.Popen(command, **pipes) as process:
        yield Excel(process)
        process.stdin.close()


def predicted(excel: Excel, cells: dict[str, object]) -> object:
    """What the cell shows once Excel computes it again after the answer has come."""
    end = time.monotonic() + 120
    while (found := excel.ask("CNN_PREDICT", **cells)) == LOADING:
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


def pixels(count: int) -> list[list]:
    return data.load("digits").pixels()[:count].tolist()


def test_a_text_comes_first_the_steps_go_on_and_the_numbers_come_at_the_next_calculation(excel: Excel, home: Path):
    cells = {"pixels": pixels(1)[0], "run": "mine"}
    assert excel.ask("CNN_PREDICT", **cells) == LOADING
    for number in range(STEPS):
        excel.ask("BACKPROP_STEP", **course(learning_rate=0.5 + number / 1000))
    assert excel.ask("CNN_PREDICT", **cells) == LOADING, "PyTorch takes longer to load than all steps"
    expected = predict.load(home / "runs/mine").probabilities(data.load("digits").pixels()[:1])[0]
    assert predicted(excel, cells) == pytest.approx(expected.tolist(), abs=1e-6)


def test_a_hundred_images_have_the_answers_that_evaluate_counts(excel: Excel, home: Path) -> None:
    images, network = data.load("digits"), predict.load(home / "runs/mine").network.eval()
    found = torch.tensor([predicted(excel, {"pixels": each, "run": "mine"}) for each in pixels(100)])
    with torch.no_grad():
        own = network((images.pixels()[:100].unsqueeze(1) / 255 - images.mean) / images.deviation).softmax(1)
        evaluated = network(images.test.images[:100]).argmax(1, keepdim=True)
    assert (found - own).abs().max() < 1e-6
    short = found.amax(1, keepdim=True) - found.gather(1, evaluated)
    assert short.max() < 0.01, "another class, and no tie: cells hold whole numbers of grey, and these images do not"


WRONG = {
    "too few": ({"pixels": [[1.0] * 28] * 27, "run": "mine"}, "#pixels: 27 × 28 cells, but a picture has 28 × 28"),
    "empty": ({"pixels": [[0.0] * 28] * 28, "run": "mine"}, "#pixels: the field is empty: all cells are 0"),
    "a text": ({"pixels": [[1.0, "ink", *[0.0] * 26]] * 28, "run": "mine"}, '#pixels: row 1, column 2 is text ("ink")'),
    "no run": (
        {"pixels": [[1.0] * 28] * 28, "run": "nothing"},
        "#run: There is no run nothing; python start.py runs lists them",
    ),
    "none chosen": (
        {"pixels": [[1.0] * 28] * 28, "run": ""},
        "#run: none is chosen: type a run's name or folder, here or in the cell predict_run",
    ),
}


def test_what_is_wrong_is_named(excel: Excel) -> None:
    assert {name: predicted(excel, cells) for name, (cells, _) in WRONG.items()} == {
        name: text for name, (_, text) in WRONG.items()
    }


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such priorities")
def test_its_worker_gives_way_to_that_of_the_small_functions(home: Path) -> None:
    command, pipes = [sys.executable, "-m", "addin.predictor"], {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=TESTS.parent, env=variables(home), **pipes) as process:
        end = time.monotonic() + 60
        own = os.getpriority(os.PRIO_PROCESS, 0)
        while os.getpriority(os.PRIO_PROCESS, process.pid) < min(own + 10, 19):  # the most there is
            assert time.monotonic() < end
            time.sleep(0.05)
        process.kill()
