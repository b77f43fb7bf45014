"""The README tells the truth: its function reference is the table, and each of its commands does what it says."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import start
from addin.functions import FUNCTIONS
from pyfuncs.presets import PRESETS

PROJECT = Path(__file__).resolve().parents[1]
README = (PROJECT / "README.md").read_text("utf-8")
COMMANDS = re.findall(r"^    (python .*)$", README, re.MULTILINE) + re.findall(r"`(python -m addin[^`]*)`", README)
STARTS = [command for command in COMMANDS if command.startswith("python start.py")]
MODULES = [command for command in COMMANDS if command.startswith("python -m")]


def test_the_function_reference_is_the_table() -> None:
    rows = re.findall(r"^\| `(BACKPROP_[^`]*)` \| (.*) \|$", README, re.MULTILINE)
    assert rows == [(function.signature, function.help) for function in FUNCTIONS.values()]


def test_the_presets_named_are_those_there_are() -> None:
    (sentence,) = re.findall(r"Presets: ([^.]*)\.", README)
    assert re.findall(r"`([\w-]+)`", sentence) == list(PRESETS)


def test_every_file_linked_to_is_there() -> None:
    for target in re.findall(r"\]\((?!http)([^)]*)\)", README):
        assert (PROJECT / target).exists(), target


@pytest.mark.parametrize("command", STARTS)
def test_every_command_of_start_py_is_one_it_knows(command: str) -> None:
    words = shlex.split(command)[2:]
    assert not words or words[0] in start.COMMANDS or words == ["--no-torch"]


@pytest.mark.parametrize("command", [command for command in STARTS if " train " in command])
def test_every_option_of_train_is_one_it_has(command: str) -> None:
    help_text = subprocess.run(
        [sys.executable, "-m", "cnn.train", "--help"], cwd=PROJECT, capture_output=True, text=True
    )
    for word in shlex.split(command):
        assert not word.startswith("--") or word in help_text.stdout


@pytest.mark.parametrize("command", MODULES)
def test_every_module_command_does_its_work(command: str, tmp_path: Path) -> None:
    if "runs/first" in command:
        pytest.importorskip("torch", reason="torch is not installed")
        options = ["--dataset", "digits", "--model", "tiny", "--epochs", "1", "--out", str(tmp_path / "runs/first")]
        subprocess.run(
            [sys.executable, "-m", "cnn.train", *options], env=environment(), check=True, capture_output=True
        )
    words = [sys.executable, *shlex.split(command)[1:]]
    done = subprocess.run(words, cwd=tmp_path, env=environment(), check=True, capture_output=True, text=True)
    assert (
        done.stdout
        if " cnn." in command
        else [path for path in tmp_path.rglob("*") if path.suffix in (".xlsx", ".oxt")]
    )


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(PROJECT), "OMP_NUM_THREADS": "1"}
