"""The README and the pages beside it tell the truth: tables, links, commands and the picture of the code."""

import re
from pathlib import Path
from unicodedata import numeric

import pytest

import start
from addin.functions import FUNCTIONS
from pyfuncs.presets import PRESETS

PROJECT = Path(__file__).resolve().parents[1]
PAGES = [*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md")]
README = (PROJECT / "README.md").read_text("utf-8")


def test_the_function_reference_is_the_table() -> None:
    rows = re.findall(r"^\| `((?:BACKPROP|CNN)_[^`]*)` \| (.*) \|$", README, re.MULTILINE)
    assert rows == [(function.signature, function.help) for function in FUNCTIONS.values()]


def test_every_command_is_told() -> None:
    assert [
        command for command in start.COMMANDS if command != "run" and f"python start.py {command}" not in README
    ] == []


def test_the_presets_named_are_those_there_are() -> None:
    (sentence,) = re.findall(r"Presets: ([^.]*)\.", README)
    assert re.findall(r"`([\w-]+)`", sentence) == list(PRESETS)


@pytest.mark.parametrize("system", ["Windows", "macOS"])
def test_each_systems_list_for_excel_is_ten_minutes(system: str) -> None:
    text = (PROJECT / "tests/excel-checklist.md").read_text("utf-8")
    steps = text.partition(f"\n## {system}\n")[2].partition("\n## ")[0]
    minutes = re.findall(r"^\| \d+ \| (\d*)([¼½¾]?) \|", steps, re.MULTILINE)
    assert sum(int(whole or 0) + numeric(part or "0") for whole, part in minutes) == 10


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_linked_to_is_there(page: Path) -> None:
    for target in re.findall(r"\]\((?!http|#)([^)#]*)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_sentence_tells_to_type_is_a_command(page: Path) -> None:
    for word in re.findall(r"`python start\.py (\w+)", page.read_text("utf-8")):
        assert word in start.COMMANDS


def test_the_picture_of_the_code_is_drawn_from_todays_imports() -> None:
    pytest.importorskip("grimp", reason="grimp is not installed")
    from docs import map as picture

    assert picture.SVG.read_text("utf-8") == picture.picture(), "draw it: .venv/bin/python -m docs.map"
