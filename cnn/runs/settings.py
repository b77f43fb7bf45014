"""The settings of a training run: their names, defaults and what is allowed.

Standard library only, and Python 3.9: the spreadsheets check a cell's value with it before they start a run, as the
command line does an option's.
"""

from __future__ import annotations

import math
import os
import sys
from dataclasses import dataclass
from typing import Any

from cnn.runs.log import Failure

MODELS = ("tuned", "compact", "small", "tiny-2", "tiny", "reference")
PARAMETER_LIMIT = 20_000  # of a network, the exercise's
DATASETS = {  # name: whose the images are, and under which licence
    "mnist": "MNIST, © Yann LeCun and Corinna Cortes, with Christopher J. C. Burges; CC BY-SA 3.0",
    "fashionmnist": "Fashion-MNIST, © Zalando SE, MIT licence",
    "kmnist": "KMNIST, created by CODH from a data set of NIJL and others, CC BY-SA 4.0",
    "digits": "Optical Recognition of Handwritten Digits, E. Alpaydin and C. Kaynak, UCI, CC BY 4.0",
}


class SettingsError(Failure, ValueError):
    """A setting, or a combination of them, that cannot be meant; the message names it and what is allowed."""

    exit_code = 2


@dataclass(frozen=True)
class Setting:
    """One of `choices`, or a number of `kind`: an int from `lowest`, a float above 0 (or `zero` too), to `highest`.

    `before` is what acted before there was this setting: every one that comes after version 0.1.0 says it.
    """

    default: Any
    help: str
    choices: tuple[str, ...] = ()
    kind: type = str
    lowest: int = 1
    highest: float = math.inf
    zero: bool = False
    before: Any = None

    @property
    def allowed(self) -> str:
        if self.choices:
            return "one of " + ", ".join(self.choices)
        most = "" if self.highest == math.inf else f" to {self.highest}"
        if self.kind is float:
            example = f", such as {self.default}" if self.default else ""
            return f"a number {'from' if self.zero else 'above'} 0{most}{example}"
        return f"a whole number from {self.lowest}{most}"

    def read(self, value: Any) -> Any:
        """The setting in `value`, a cell's number or text. Raises ValueError or TypeError where it is not allowed."""
        if self.choices:
            return self.choices[self.choices.index(str(value).strip().lower())]
        number = math.nan if isinstance(value, bool) else float(value)
        lowest = self.lowest if self.kind is int else 0.0 if self.zero else math.ulp(0.0)
        if not lowest <= number <= min(self.highest, sys.float_info.max) or number != self.kind(number):
            raise ValueError(value)
        return self.kind(number)


SHEET = ("model", "dataset", "epochs", "batch_size", "learning_rate", "seed", "device")  # have a cell in the workbook
MOMENTUM = 0.9  # of sgd
SETTINGS = {  # the defaults are the recipe "tuned"
    "model": Setting("tuned", "the network; python start.py models prints them", MODELS),
    "dataset": Setting("mnist", "the images; auto is mnist, or digits where it is missing", (*DATASETS, "auto")),
    "epochs": Setting(19, "how often the training goes through all images", kind=int, highest=1000),
    "batch_size": Setting(256, "images that one update is computed from; a small data set wants fewer", kind=int),
    "learning_rate": Setting(0.05, "the factor from gradient to update, at its highest", kind=float),
    "seed": Setting(0, "fixes initial weights, order and augmentation", kind=int, lowest=0, highest=2**32 - 1),
    "device": Setting("auto", "where to compute; auto takes a GPU if there is one", ("auto", "cpu", "cuda", "mps")),
    "recipe": Setting("tuned", "sets the defaults of the others; reference is the exercise's", ("tuned", "reference")),
    "optimizer": Setting("adamw", f"sgd has momentum {MOMENTUM}", ("adamw", "sgd")),
    "schedule": Setting("linear", "of the learning rate: up, then down to 0, or constant", ("linear", "constant")),
    "warmup": Setting(0.2, "the fraction of all updates in which a linear schedule goes up", kind=float, highest=0.9),
    "weight_decay": Setting(0.01, "how fast AdamW, or SGD, shrinks the weights", kind=float, zero=True),
    "augment": Setting(
        "auto",
        "affine turns, resizes, shears and shifts images, elastic bends them too; auto: elastic, none for fashionmnist",
        ("auto", "elastic", "affine", "none"),
    ),
    "plain": Setting(
        0.1, "the last epochs, this fraction of all, are not augmented: one at least", kind=float, highest=1, zero=True
    ),
    "average": Setting(
        0.1,
        "average the weights over this fraction of the updates so far; 0 is no average",
        kind=float,
        highest=1,
        zero=True,
    ),
    "average_every": Setting(1, "the updates from one step of the average to the next", kind=int, before=5),
    "label_smoothing": Setting(
        0.0,
        "the part of each label that is spread over all classes",
        kind=float,
        highest=0.9,
        zero=True,
        before=0.0,
    ),
    "precision": Setting(
        "auto", "auto is bfloat16 where it is quicker: on CUDA, on some CPUs", ("auto", "float32", "bfloat16")
    ),
    "validate": Setting("no", "measure on the last sixth of the training images, held out, not on test", ("no", "yes")),
}
RECIPES: dict[str, dict[str, Any]] = {
    "tuned": {},
    "reference": {
        "batch_size": 128,
        "learning_rate": 0.01,
        "optimizer": "sgd",
        "schedule": "constant",
        "weight_decay": 0.0,
        "augment": "none",
        "average": 0.0,
        "precision": "float32",
    },
}


def check_setting(name: str, value: Any, shown: str | None = None) -> Any:
    """The value of the setting `name`; raises SettingsError, which calls it `shown`, and says what is allowed."""
    if name not in SETTINGS:
        raise SettingsError(f"There is no setting {name}", f"There are {', '.join(SETTINGS)}")
    try:
        return SETTINGS[name].read(value)
    except (ValueError, TypeError, OverflowError):
        found = "blank" if value is None or str(value).strip() == "" else repr(value)
        raise SettingsError(f"{shown or name} is {found}", f"It must be {SETTINGS[name].allowed}") from None


def check_settings(given: dict[str, Any]) -> dict[str, Any]:
    """All settings of a run: those given, checked, and the recipe's for the others. Raises SettingsError."""
    checked = {name: check_setting(name, value) for name, value in given.items()}
    defaults = {name: setting.default for name, setting in SETTINGS.items()}
    return {**defaults, **RECIPES[checked.get("recipe", "tuned")], **checked}


def as_begun(known: dict[str, Any]) -> dict[str, Any]:
    """What is known of a run's settings, and for those that its version lacked what acted then."""
    return {**{name: setting.before for name, setting in SETTINGS.items() if setting.before is not None}, **known}


def completed(begun: dict[str, Any]) -> dict[str, Any]:
    """All settings of a run that was begun with these, checked. Raises SettingsError; KeyError where one is missing."""
    return check_settings({name: as_begun(begun)[name] for name in SETTINGS})


def option(name: str) -> str:
    """A setting's option on the command line."""
    return f"--{name.replace('_', '-')}"


def words(settings: dict[str, Any]) -> list[str]:
    """Settings as one types them: --model tiny --epochs 2."""
    return [word for name, value in settings.items() for word in (option(name), str(value))]


def check_threads() -> None:
    """Raise SettingsError where OMP_NUM_THREADS is no number of threads, which PyTorch would pass over."""
    given = os.environ.get("OMP_NUM_THREADS") or "1"
    if not all(part.strip().isdigit() and int(part) > 0 for part in given.split(",")):  # several: one a nested level
        raise SettingsError(f"OMP_NUM_THREADS is {given!r}", "Let it be a whole number from 1, or unset it")
