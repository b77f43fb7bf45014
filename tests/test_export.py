"""A network for other programs: ONNX Runtime and torch.export's own loader answer as PyTorch does."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="python start.py setup without --no-torch")

import torch

from cnn import export
from cnn.runs.settings import MODELS
from tests import unfolded
from tests.trainer import PROJECT

TESTS = (1, 5)  # images at once: another number than the example's


@pytest.fixture(scope="module", params=MODELS)
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, torch.nn.Module]:
    network = unfolded.made_up(request.param)
    return unfolded.run_of(request.param, network, tmp_path_factory.mktemp(request.param)), network


def images(count: int) -> torch.Tensor:
    return torch.randn(count, 1, 28, 28, generator=torch.Generator().manual_seed(count))


def written(run: Path, name: str) -> Path:
    assert export.main([str(run), str(run / name)]) == 0
    return run / name


def test_onnx_runtime_gives_the_same_logits(trained: tuple[Path, torch.nn.Module]) -> None:
    pytest.importorskip("onnxscript")
    checker, runtime = pytest.importorskip("onnx.checker"), pytest.importorskip("onnxruntime")
    file = written(trained[0], "network.onnx")
    checker.check_model(str(file), full_check=True)
    session = runtime.InferenceSession(file, providers=["CPUExecutionProvider"])
    for count in TESTS:
        (found,) = session.run(["logits"], {"images": images(count).numpy()})
        with torch.no_grad():
            np.testing.assert_allclose(found, trained[1](images(count)), rtol=1e-4, atol=1e-4)


def test_what_torch_export_saved_needs_no_code_of_ours(trained: tuple[Path, torch.nn.Module]) -> None:
    program = torch.export.load(written(trained[0], "network.pt2")).module()
    for count in TESTS:
        with torch.no_grad():
            torch.testing.assert_close(program(images(count)), trained[1](images(count)), rtol=1e-5, atol=1e-5)


def test_a_file_that_is_there_stays_as_it_is(trained: tuple[Path, torch.nn.Module], capsys) -> None:
    file = trained[0] / "mine.pt2"
    file.write_text("mine")
    assert export.main([str(trained[0]), str(file)]) == 0
    assert file.read_text() == "mine"
    assert capsys.readouterr().out.startswith(str(file.with_name("mine 2.pt2")))


def test_what_cannot_be_written_is_said(trained: tuple[Path, torch.nn.Module], tmp_path: Path, capsys) -> None:
    assert export.main([str(trained[0]), str(tmp_path / "network.h5")]) == 2
    assert "network.h5 does not say what to write. Name it as .onnx or .pt2." in capsys.readouterr().err
    assert export.main([str(tmp_path), str(tmp_path / "network.pt2")]) == 2
    assert "config.json" in capsys.readouterr().err


def test_a_package_that_is_missing_is_named(trained: tuple[Path, torch.nn.Module], tmp_path: Path) -> None:
    words = [str(trained[0]), str(tmp_path / "network.onnx")]
    program = f"import sys; sys.modules['onnxscript'] = None; from cnn import export; sys.exit(export.main({words}))"
    done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith(".venv: python -m pip install onnxscript.")
    assert not list(tmp_path.iterdir())
