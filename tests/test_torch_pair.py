"""Where torch and torchvision come from: PyTorch's own index where its builds fit better, and only if it answers."""

import os
import socket
import sys
import time
from pathlib import Path

import pytest

from addin.setup import packages, torch_pair


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for nvidia-smi is a shell script")
@pytest.mark.parametrize(
    ("script", "cuda"),
    [("echo '| Driver Version: 571.96   CUDA Version: 12.8 |'", 12.8), ("echo 'no driver'; exit 9", 0.0)],
)
def test_the_gpu_is_asked_through_its_driver(tmp_path: Path, monkeypatch, script: str, cuda: float):
    (tmp_path / "nvidia-smi").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert torch_pair.cuda_of_driver() == cuda


@pytest.mark.parametrize(
    ("system", "cuda", "builds"),
    [
        ("Windows", 13.1, "cu130"),
        ("Windows", 12.9, "cu128"),
        ("Windows", 12.2, "cu126"),
        ("Windows", 0.0, ""),
        ("Linux", 0.0, "cpu"),
        ("Linux", 12.8, ""),
        ("Darwin", 0.0, ""),
    ],
)
def test_pytorchs_own_builds_are_wanted_where_the_registrys_do_not_fit(system: str, cuda: float, builds: str):
    assert torch_pair.wanted_builds(system, cuda) == builds


@pytest.mark.parametrize("variable", ["PIP_INDEX_URL", "PIP_NO_INDEX"])
def test_an_index_of_the_users_own_is_used_as_it_is(monkeypatch, variable: str):
    monkeypatch.setattr(torch_pair, "answers", lambda address: True)
    monkeypatch.setattr(torch_pair, "wanted_builds", lambda *_: "cpu")
    for name in ("PIP_INDEX_URL", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)
    assert torch_pair.own_index() == "https://download.pytorch.org/whl/cpu"
    monkeypatch.setenv(variable, "1")
    assert torch_pair.own_index() == ""


def test_an_index_that_never_answers_costs_seconds(monkeypatch):
    monkeypatch.setattr(torch_pair, "PROBE_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        begin = time.monotonic()
        assert not torch_pair.answers(f"http://127.0.0.1:{silent.getsockname()[1]}/")
    assert time.monotonic() - begin < 2


def test_a_name_that_takes_long_to_resolve_costs_seconds(monkeypatch):
    monkeypatch.setattr(torch_pair, "PROBE_SECONDS", 0.5)
    monkeypatch.setattr(torch_pair, "_opens", lambda address: time.sleep(5))
    begin = time.monotonic()
    assert not torch_pair.answers("http://index.invalid/")
    assert time.monotonic() - begin < 2


@pytest.mark.parametrize(
    ("index", "system", "room"),
    [("", "Linux", 8), ("", "Darwin", 3), ("", "Windows", 3), ("…/whl/cpu", "Linux", 3), ("…/whl/cu130", "Windows", 8)],
)
def test_much_room_is_asked_for_only_where_cuda_comes_with_it(monkeypatch, index: str, system: str, room: int):
    monkeypatch.setattr("platform.system", lambda: system)
    assert torch_pair.gigabytes(index) == room


@pytest.mark.parametrize("lack", ["[WinError 126] … Error loading c10.dll", "DLL load failed while importing _C: …"])
def test_a_windows_without_the_runtime_is_told_where_it_is_and_nothing_is_installed_anew(monkeypatch, lack: str):
    fetched = []
    monkeypatch.setattr(packages, "fetch", lambda *words: fetched.append(words))
    monkeypatch.setattr(packages, "python", lambda: Path(sys.executable))
    monkeypatch.setattr(torch_pair, "IMPORT", f"raise ImportError({lack!r})")
    with pytest.raises(
        packages.SetupError, match=r"Visual C\+\+ runtime.*https://aka\.ms/vs/17/release/vc_redist\.x64\.exe"
    ):
        torch_pair._from_registry()
    assert len(fetched) == 1
