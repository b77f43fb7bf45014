"""A list in one setting becomes a series: which lists there are, and what the runs are called."""

from pathlib import Path

import pytest

from cnn.runs import series
from cnn.runs.settings import SettingsError

LISTS = {
    ("learning_rate", "0.01, 0.05, 0.2"): [0.01, 0.05, 0.2],
    ("learning_rate", "0.01,0.05 , 0.2,"): [0.01, 0.05, 0.2],
    ("learning_rate", "0.01 1e-5"): [0.01, 0.00001],
    ("learning_rate", "0,01; 0,05"): [0.01, 0.05],
    ("learning_rate", "0.01, 0.05; 0.2"): [0.01, 0.05, 0.2],
    ("seed", "0-2, 7"): [0, 1, 2, 7],
    ("seed", "3-5"): [3, 4, 5],
    ("model", "tuned; Tiny"): ["tuned", "tiny"],
}


@pytest.mark.parametrize(("name", "text"), LISTS)
def test_a_list_in_one_setting_is_a_series_with_a_run_for_each_value(name: str, text: str) -> None:
    given = {"epochs": 2, "learning_rate": 0.05, "seed": 0.0, "model": "tuned", name: text}
    assert series.several(given) == (name, LISTS[name, text])
    planned = series.varied(name, LISTS[name, text], given)
    assert [settings[name] for settings in planned.values()] == LISTS[name, text]
    assert {settings["epochs"] for settings in planned.values()} == {2}
    assert all(Path(folder).name == folder for folder in planned)


@pytest.mark.parametrize(
    "given", [{"learning_rate": 0.05}, {"learning_rate": "0.05"}, {"seed": "3"}, {"model": "cats"}]
)
def test_one_value_is_no_series_and_is_checked_as_any_other_setting(given: dict[str, object]) -> None:
    assert series.several(given) is None


def test_two_lists_are_refused() -> None:
    with pytest.raises(SettingsError, match="learning_rate and seed each list several values"):
        series.several({"learning_rate": "0.1, 0.2", "seed": "0-1"})


def test_an_entry_that_is_not_allowed_is_named() -> None:
    with pytest.raises(SettingsError, match="learning_rate is '0'"):
        series.several({"learning_rate": "0,05"})
