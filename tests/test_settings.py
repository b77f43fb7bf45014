"""The settings of a run: from an option's text or a cell's number, and what is said of a wrong one."""

import math

import pytest

from cnn.settings import SETTINGS, SettingsError, check_setting, check_settings

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
]
WHOLE, EPOCHS, RATE = "a whole number from 1.", "a whole number from 1 to 1000.", "a number above 0, such as 0.01."
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
    ("batch_size", "many", "'many'", WHOLE),
    ("seed", -1, "-1", "a whole number from 0 to 4294967295."),
    ("dataset", "cifar", "'cifar'", "one of mnist, digits, auto."),
    ("dataset", "", "blank", "one of mnist, digits, auto."),
    ("device", "gpu", "'gpu'", "one of auto, cpu, cuda, mps."),
    ("model", 7, "7", "one of reference."),
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


def test_a_setting_that_is_not_given_has_the_default_of_the_exercise() -> None:
    assert check_settings({"seed": 3}) == {
        "model": "reference",
        "dataset": "mnist",
        "epochs": 19,
        "batch_size": 128,
        "learning_rate": 0.01,
        "seed": 3,
        "device": "auto",
    }


def test_an_unknown_setting_is_answered_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=r"There is no setting momentum\. There are model, dataset, epochs"):
        check_settings({"momentum": 0.9})


@pytest.mark.parametrize("name", SETTINGS)
def test_every_default_is_allowed(name: str) -> None:
    assert check_setting(name, SETTINGS[name].default) == SETTINGS[name].default
