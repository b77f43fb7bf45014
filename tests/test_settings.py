"""The settings of a run: from an option's text or a cell's number, and what is said of a wrong one."""

import math
import shutil
import subprocess
from pathlib import Path

import pytest

from cnn.runs import config
from cnn.runs.settings import DATASETS, MODELS, RECIPES, SETTINGS, SettingsError, check_setting, check_settings

GOOD = [
    ("epochs", "19", 19),
    ("epochs", 19.0, 19),
    ("batch_size", " 64 ", 64),
    ("learning_rate", "1e-3", 0.001),
    ("learning_rate", 1, 1.0),
    ("seed", 0.0, 0),
    ("seed", 2**32 - 1, 4294967295),
    ("dataset", "MNIST", "mnist"),
    ("device", " Auto ", "auto"),
    ("average", "0", 0.0),
    ("average", 1, 1.0),
    ("plain", 0, 0.0),
]
WHOLE, EPOCHS, RATE = "a whole number from 1.", "a whole number from 1 to 1000.", "a number above 0, such as 0.05."
WRONG = [
    ("learning_rate", 0, "0", RATE),
    ("learning_rate", -0.1, "-0.1", RATE),
    ("learning_rate", "10%", "'10%'", RATE),
    ("learning_rate", "0,5", "'0,5'", RATE),
    ("learning_rate", math.inf, "inf", RATE),
    ("learning_rate", "nan", "'nan'", RATE),
    ("learning_rate", None, "blank", RATE),
    ("learning_rate", True, "True", RATE),
    ("epochs", 0, "0", EPOCHS),
    ("epochs", -1, "-1", EPOCHS),
    ("epochs", 1.5, "1.5", EPOCHS),
    ("epochs", "1e9", "'1e9'", EPOCHS),
    ("epochs", " ", "blank", EPOCHS),
    ("epochs", [3], "[3]", EPOCHS),
    ("batch_size", 0, "0", WHOLE),
    ("average", 1.1, "1.1", "a number from 0 to 1, such as 0.1."),
    ("plain", "1 epoch", "'1 epoch'", "a number from 0 to 1, such as 0.1."),
    ("weight_decay", -0.1, "-0.1", "a number from 0, such as 0.01."),
    ("warmup", 0, "0", "a number above 0 to 0.9, such as 0.2."),
    ("batch_size", "many", "'many'", WHOLE),
    ("seed", -1, "-1", "a whole number from 0 to 4294967295."),
    ("dataset", "cifar", "'cifar'", f"one of {', '.join(DATASETS)}, auto."),
    ("dataset", "", "blank", f"one of {', '.join(DATASETS)}, auto."),
    ("device", "gpu", "'gpu'", "one of auto, cpu, cuda, mps."),
    ("model", 7, "7", f"one of {', '.join(MODELS)}."),
]


@pytest.mark.parametrize(("name", "value", "meant"), GOOD)
def test_a_setting_is_read_from_text_and_from_a_number(name: str, value: object, meant: object) -> None:
    read = check_setting(name, value)
    assert (read, type(read)) == (meant, type(meant))


@pytest.mark.parametrize(("name", "value", "shown", "allowed"), WRONG)
def test_a_wrong_value_is_named_with_what_is_allowed(name: str, value: object, shown: str, allowed: str) -> None:
    with pytest.raises(SettingsError) as caught:
        check_setting(name, value)
    assert str(caught.value) == f"{name} is {shown}. It must be {allowed}"


def test_a_setting_that_is_not_given_has_the_default_of_its_recipe() -> None:
    tuned, reference = check_settings({"seed": 3}), check_settings({"recipe": "reference", "epochs": 2})
    shown = ("model", "dataset", "epochs", "batch_size", "learning_rate", "seed", "device", "optimizer", "average")
    assert [tuned[name] for name in shown] == ["tuned", "mnist", 19, 256, 0.05, 3, "auto", "adamw", 0.1]
    assert [reference[name] for name in shown] == ["tuned", "mnist", 2, 128, 0.01, 0, "auto", "sgd", 0.0]


def test_the_exercises_recipe_is_plain_sgd_with_momentum_at_one_rate_and_nothing_else() -> None:
    exercise = check_settings({"recipe": "reference"})
    plain = {"learning_rate": 0.01, "schedule": "constant", "weight_decay": 0, "augment": "none", "average": 0}
    assert {**exercise, **plain, "optimizer": "sgd", "batch_size": 128, "epochs": 19} == exercise


def test_what_is_given_goes_before_the_recipe() -> None:
    assert check_settings({"recipe": "reference", "augment": "affine"})["augment"] == "affine"


@pytest.mark.parametrize("name", sum((list(recipe) for recipe in RECIPES.values()), []))
def test_every_value_of_a_recipe_is_allowed(name: str) -> None:
    for recipe in RECIPES.values():
        assert name not in recipe or check_setting(name, recipe[name]) == recipe[name]


def test_an_unknown_setting_is_answered_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=r"There is no setting momentum\. There are model, dataset, epochs"):
        check_settings({"momentum": 0.9})


@pytest.mark.parametrize("name", SETTINGS)
def test_every_default_is_allowed(name: str) -> None:
    assert check_setting(name, SETTINGS[name].default) == SETTINGS[name].default


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_the_revision_is_dirty_where_a_source_file_was_changed_and_only_there(tmp_path: Path, monkeypatch) -> None:
    def git(*words: str) -> str:
        command = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b", *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    monkeypatch.setattr(config, "PROJECT", tmp_path)
    assert config._revision() is None
    git("init")
    for name in ("source.py", "RESULTS.md"):
        (tmp_path / name).write_text("")
    git("add", ".")
    git("commit", "-m", "first")
    (tmp_path / "RESULTS.md").write_text("figures")
    assert config._revision() == git("rev-parse", "HEAD")
    (tmp_path / "source.py").write_text("changed")
    assert config._revision() == git("rev-parse", "HEAD") + "-dirty"
