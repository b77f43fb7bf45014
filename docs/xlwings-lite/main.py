"""Backprop's cell functions for xlwings Lite: paste all of this over its main.py, once for each workbook.

Generated from addin/functions.py by `python -m addin.excel.lite`. MIT licence, as the rest of Backprop.
"""

import importlib.abc
import importlib.util
import sys

from xlwings import arg, func

SOURCES = {  # the project's own modules, as they are
    'addin': r'''"""Where spreadsheets meet the mathematics: the cell functions, their hosts, and the start of training runs."""

from cnn import __version__

__all__ = ["__version__"]

FOREIGN = ("PYTHONPATH", "PYTHONHOME", "PYTHONSAFEPATH")  # variables by which a Python finds other modules than its own
IDENTIFIER = "org.backprop.addin"  # of the extension for LibreOffice
COMMAND = f"service:{IDENTIFIER}.Commands"  # the address of its commands: ? and a name follow
''',
    'addin.cells': r'''"""Cell values to arrays and back. Every error names the argument, the row and the column.

A range arrives as rows of values (a sequence of sequences), a single cell as one value. Calc hands over numbers as
float, TRUE as 1.0, text as str and a blank inside a range as ''; xlwings hands over None for a blank, errors as texts,
bool and datetime objects.
"""

import datetime
import math
from collections.abc import Callable, Sequence
from typing import SupportsFloat, cast

import numpy as np

from pyfuncs.network import Network

Value = float | str
Rows = list[list[Value]]

SIDE = 28  # pixels of a picture
MOST_EPOCHS = 100_000
MOST_CELLS = 5_000_000
LONGEST_QUOTE = 60
ERRORS = {  # Excel's, by the numbers that its enumeration XlCVError has for them
    2000: "#NULL!",
    2007: "#DIV/0!",
    2015: "#VALUE!",
    2023: "#REF!",
    2029: "#NAME?",
    2036: "#NUM!",
    2042: "#N/A",
    2043: "#GETTING_DATA",
    2045: "#SPILL!",
    2046: "#CONNECT!",
    2047: "#BLOCKED!",
    2048: "#UNKNOWN!",
    2049: "#FIELD!",
    2050: "#CALC!",
}
ERROR_TEXTS = frozenset(ERRORS.values())
COM_ERROR = -2146828288  # plus such a number is what COM hands over, and xlwings, where it does not know that error
FLOAT = frozenset([float])


class ArgumentError(ValueError):
    """A cell that cannot be computed with; the text is what the calling cell shows."""


def rows_of(value: object) -> Sequence[Sequence[object]]:
    """The value of an argument as rows: a single cell is one row of one."""
    if not isinstance(value, (tuple, list)):
        return ((value,),)
    return value if value and isinstance(value[0], (tuple, list)) else (value,)


def numbers(argument: str, value: object) -> np.ndarray:
    """The numbers of a range, float64, shape (rows, columns).

    Raises ArgumentError naming the first cell that is text, blank, a date, or not finite.
    """
    rows = rows_of(value)
    for r, row in enumerate(rows, 1):
        if FLOAT.issuperset(map(type, row)) and math.isfinite(sum(cast("Sequence[float]", row))):
            continue  # as nearly all rows are
        for c, cell in enumerate(row, 1):
            if fault := _fault(cell):
                raise ArgumentError(f"#{argument}: row {r}, column {c} {fault}")
    return np.array(rows, dtype=float)


def _fault(cell: object) -> str:
    """What is wrong with a cell that should hold a number, or '' for a number."""
    if type(cell) is float and math.isfinite(cell):
        return ""
    if cell is None or cell == "":
        return "is blank"
    if error := error_in(cell):
        return f"is the error {error}"
    if isinstance(cell, str):
        return f'is text ("{shortened(cell)}")'
    if isinstance(cell, datetime.date):
        return f"is a date ({cell:%Y-%m-%d})"
    return "" if isinstance(cell, SupportsFloat) and math.isfinite(cell) else "is not a finite number"


def error_in(cell: object) -> str:
    """The error value that a cell holds, such as #N/A; '' where it holds something else."""
    if isinstance(cell, str):
        return cell if cell in ERROR_TEXTS else ""
    return ERRORS.get(cell - COM_ERROR, "") if type(cell) is int else ""


def shortened(text: str) -> str:
    """The text, cut where a cell could no longer show it."""
    return text if len(text) <= LONGEST_QUOTE else text[: LONGEST_QUOTE - 1] + "…"


def weights(value: object, network: Network) -> np.ndarray:
    """All weights and biases of the network, shape (weight_count,); a range of any shape is read row by row."""
    flat = numbers("weights", value).ravel()
    if flat.size != network.weight_count:
        raise ArgumentError(
            f"#weights: {flat.size} numbers, but the network {network.text} has {network.weight_count} weights"
        )
    return flat


def samples(argument: str, value: object, names: Sequence[str]) -> np.ndarray:
    """A row per sample, shape (samples, len(names)); one column of exactly that many cells is one sample."""
    block = numbers(argument, value)
    if block.shape == (len(names), 1):
        block = block.T
    if block.shape[1] != len(names):
        shape = f"{block.shape[0]} × {block.shape[1]}"
        raise ArgumentError(f"#{argument}: {shape} cells, but a sample is a row of {len(names)} ({', '.join(names)})")
    return block


def targets(value: object, network: Network) -> np.ndarray:
    """As samples. Raises ArgumentError for the first that is not a probability where the loss is cross-entropy."""
    if network.loss == "cross-entropy":
        for (r, c), target in np.ndenumerate(numbers("targets", value)):
            if not 0 <= target <= 1:
                wrong = f"#targets: row {r + 1}, column {c + 1} is {target:.15g}"
                raise ArgumentError(f"{wrong}, but cross-entropy takes targets from 0 to 1")
    return samples("targets", value, network.target_names)


def same_count(inputs: np.ndarray, targets: np.ndarray) -> None:
    """Raise ArgumentError unless there is one row of targets for each row of inputs."""
    if len(inputs) != len(targets):
        raise ArgumentError(f"#targets: {len(targets)} rows, but inputs has {len(inputs)}: one row of each per sample")


def positive(argument: str, value: object) -> float:
    """One number above 0, from a single cell."""
    block = rows_of(value)
    if len(block) != 1 or len(block[0]) != 1:
        raise ArgumentError(f"#{argument}: {len(block)} × {len(block[0])} cells, but it is one number")
    cell = block[0][0]
    if cell in (0, None, ""):
        raise ArgumentError(f"#{argument}: is 0 or blank")
    if fault := _fault(cell):
        raise ArgumentError(f"#{argument}: {fault}")
    number = float(cast("float", cell))
    if number < 0:
        raise ArgumentError(f"#{argument}: is {number:g}, but must be above 0")
    return number


def rates(value: object) -> np.ndarray:
    """Learning rates, shape (rates,), each above 0."""
    block = numbers("learning_rates", value)
    for (r, c), rate in np.ndenumerate(block):
        if rate <= 0:
            raise ArgumentError(f"#learning_rates: row {r + 1}, column {c + 1} is {rate:g}, but must be above 0")
    return block.ravel()


def epochs(value: object) -> int:
    """A whole number of updates, 1 to MOST_EPOCHS."""
    number = positive("epochs", value)
    if number != int(number):
        raise ArgumentError(f"#epochs: is {number:g}, but must be a whole number")
    if number > MOST_EPOCHS:
        raise ArgumentError(f"#epochs: is {number:g}, but {MOST_EPOCHS} is the most")
    return int(number)


def room_for(rows: int, columns: int) -> None:
    """Raise ArgumentError when a history would not fit a sheet (and would take the office's memory with it)."""
    if rows * columns > MOST_CELLS:
        raise ArgumentError(
            f"#epochs: {rows} rows of {columns} numbers; {MOST_CELLS // columns} rows are the most here"
        )


def text(value: object, default: str) -> str:
    """A text from a single cell; a blank or missing one gives the default."""
    cell = rows_of(value)[0][0]
    if cell in (None, "", 0):
        return default
    return cell if isinstance(cell, str) else error_in(cell) or f"{cell:g}"


def pixels(value: object) -> np.ndarray:
    """A picture, shape (28, 28), from 0 to 255. Raises ArgumentError, also where it is empty."""
    found = numbers("pixels", value)
    if found.shape != (SIDE, SIDE):
        raise ArgumentError(f"#pixels: {found.shape[0]} × {found.shape[1]} cells, but a picture has {SIDE} × {SIDE}")
    for (r, c), number in np.ndenumerate(found):
        if not 0 <= number <= 255:
            raise ArgumentError(f"#pixels: row {r + 1}, column {c + 1} is {number:.15g}, but must be from 0 to 255")
    if not found.any():
        raise ArgumentError("#pixels: the field is empty: all cells are 0")
    return found


def block(array: np.ndarray, not_finite: Callable[[int, int], str]) -> Rows:
    """Rows of floats; a cell that is not finite holds the text that not_finite gives for its row and column."""
    rows = array if array.ndim == 2 else np.atleast_2d(array)
    values: Rows = rows.tolist()
    if not all_finite(rows):
        for r, c in np.argwhere(~np.isfinite(rows)):
            values[r][c] = not_finite(int(r), int(c))
    return values


def all_finite(array: np.ndarray) -> bool:
    """Whether all numbers are finite: their squares' sum says so at once, unless it is too large a number itself."""
    return math.isfinite(np.vdot(array, array)) or bool(np.isfinite(array).all())


def too_large(names: Sequence[str]) -> Callable[[int, int], str]:
    """For `block`: say which quantity left the range of numbers."""
    return lambda r, c: f"#{names[c % len(names)]}: too large a number"


def history_block(array: np.ndarray) -> Rows:
    """Rows over epochs; in each column, from the first row that is not finite on, the text 'diverged at epoch n'."""
    if all_finite(array):
        rows: Rows = array.tolist()
        return rows
    bad = np.logical_or.accumulate(~np.isfinite(array), axis=0)
    first = bad.argmax(axis=0)
    array = np.where(bad, np.nan, array)
    return block(array, lambda r, c: f"diverged at epoch {first[c]}")
''',
    'addin.functions': r'''"""The one table of cell functions: name, parameters, help and what computes it.

The Calc type library and registry, the worker's dispatch, the Excel wrappers, the README's reference and the tests are
generated from FUNCTIONS or walk it. A new function is one entry.
"""

import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from addin import __version__, cells
from addin.cells import ArgumentError, Rows
from pyfuncs import descent, gradient_check, optimizers, propagation, rounding
from pyfuncs.network import Array, Network, NetworkError, unknown
from xlsx.contract import PREDICT_RUN

ERROR = "An error such as #N/A in it gives Err:504 in LibreOffice."
PARAMETERS = {
    "weights": f"All weights w1, w2, … and then the biases; a range of any shape is read row by row. {ERROR}",
    "inputs": f"The inputs i1, i2, …: a row for each sample. {ERROR}",
    "targets": f"The targets t1, t2, …: a row for each sample; with cross-entropy from 0 to 1. {ERROR}",
    "learning_rate": "The learning rate η, above 0.",
    "learning_rates": f"Several learning rates, each above 0. {ERROR}",
    "epochs": "How many updates: a whole number above 0.",
    "network": 'The network, for example "2-2-2" (the default), "2-3-1 tanh bias" or "4-8-3 relu softmax".',
    "optimizer": '"sgd", plain gradient descent (the default), "momentum 0.9" or "adam 0.9 0.999 1e-8".',
    "pixels": f"28 × 28 cells with numbers from 0, the ground, to 255, the ink. {ERROR}",
    "run": f"A finished run: its folder or its name. Left out, it is the cell {PREDICT_RUN}.",
    "kind": 'Which columns: "forward" (the default), "loss", "gradient" or "train".',
    "of": 'Of which numbers: "forward" (the default), "loss" or "gradient".',
}
Task = tuple[Network, Array, Array, Array]  # the network, its weights (n,), inputs (samples, i), targets (samples, o)
OPTIONAL = {"network", "optimizer", "kind", "of", "run"}


@dataclass(frozen=True)
class Function:
    """One cell function. `compute` takes the raw cell values in the order of `parameters`.

    A function that takes seconds to load names a worker of its own, a module that answers it in `compute`'s place:
    no other function waits for it.
    """

    name: str
    parameters: tuple[str, ...]
    help: str
    compute: Callable[..., Rows]
    worker: str = ""

    def is_optional(self, parameter: str) -> bool:
        """Optional parameters stand last; HEADERS cannot do without its network."""
        return parameter in OPTIONAL and self.parameters[0] != parameter

    @property
    def signature(self) -> str:
        """As the function reference writes it: NAME(weights, inputs, [network])."""
        names = [f"[{name}]" if self.is_optional(name) else name for name in self.parameters]
        return f"{self.name}({', '.join(names)})"


def _network(value: object) -> Network:
    return Network.parse(cells.text(value, default="2-2-2"))


def _shaped_like(value: object, flat: np.ndarray) -> np.ndarray:
    rows = cells.rows_of(value)
    return flat.reshape(len(rows), len(rows[0]))


def _task(weights: object, inputs: object, targets: object, network: object) -> Task:
    """The arguments that most functions share: network, weights (n,), inputs (samples, i), targets (samples, o)."""
    parsed = _network(network)
    w = cells.weights(weights, parsed)
    i = cells.samples("inputs", inputs, parsed.input_names)
    t = cells.targets(targets, parsed)
    cells.same_count(i, t)
    return parsed, w, i, t


def _step(weights: object, inputs: object, targets: object, learning_rate: object, network: object = None) -> Rows:
    task = _task(weights, inputs, targets, network)
    updated = descent.step(*task, cells.positive("learning_rate", learning_rate))
    return cells.block(_shaped_like(weights, updated), lambda r, c: "diverged at epoch 1")


def _forward(weights: object, inputs: object, network: object = None) -> Rows:
    parsed = _network(network)
    w, i = cells.weights(weights, parsed), cells.samples("inputs", inputs, parsed.input_names)
    return cells.block(propagation.units(parsed, w, i), cells.too_large(parsed.unit_names))


def _predict(weights: object, inputs: object, network: object = None) -> Rows:
    parsed = _network(network)
    w, i = cells.weights(weights, parsed), cells.samples("inputs", inputs, parsed.input_names)
    names = [f"a_{unit}" for unit in parsed.layer_units[-1]]
    return cells.block(propagation.predict(parsed, w, i), cells.too_large(names))


def _loss(weights: object, inputs: object, targets: object, network: object = None) -> Rows:
    task = _task(weights, inputs, targets, network)
    return cells.block(propagation.loss(*task), cells.too_large(task[0].loss_names))


def _gradient(weights: object, inputs: object, targets: object, network: object = None) -> Rows:
    task = _task(weights, inputs, targets, network)
    gradient = _shaped_like(weights, propagation.gradient(*task))
    return cells.block(
        gradient, lambda r, c: f"#{task[0].gradient_names[r * gradient.shape[1] + c]}: too large a number"
    )


def _gradient_check(weights: object, inputs: object, targets: object, network: object = None) -> Rows:
    rows = gradient_check.check(*_task(weights, inputs, targets, network))
    if not all(np.isfinite(row[:3]).all() for row in rows):
        raise ArgumentError("#weights: too large a number for a gradient check")
    return [
        [float(analytic), float(numeric), float(difference), verdict] for analytic, numeric, difference, verdict in rows
    ]


def _train(
    weights: object,
    inputs: object,
    targets: object,
    learning_rate: object,
    epochs: object,
    network: object = None,
    optimizer: object = None,
) -> Rows:
    task = _task(weights, inputs, targets, network)
    rate, count = cells.positive("learning_rate", learning_rate), cells.epochs(epochs)
    cells.room_for(count + 1, len(task[0].headers("train")))
    return cells.history_block(descent.train_table(*task, rate, count, _optimizer(optimizer)))


def _sweep(
    weights: object,
    inputs: object,
    targets: object,
    learning_rates: object,
    epochs: object,
    network: object = None,
    optimizer: object = None,
) -> Rows:
    task = _task(weights, inputs, targets, network)
    rates, count = cells.rates(learning_rates), cells.epochs(epochs)
    cells.room_for(count + 1, rates.size * task[0].weight_count)
    return cells.history_block(descent.sweep(*task, rates, count, _optimizer(optimizer)))


def _chaos(
    weights: object,
    inputs: object,
    targets: object,
    learning_rates: object,
    epochs: object,
    network: object = None,
    optimizer: object = None,
) -> Rows:
    task = _task(weights, inputs, targets, network)
    rates, count = cells.rates(learning_rates), cells.epochs(epochs)
    cells.room_for(count + 1, rates.size * task[0].weight_count)
    return [list(map(float, descent.chaotic_from(*task, rates, count, _optimizer(optimizer))))]


def _rounding(weights: object, inputs: object, targets: object, network: object = None, of: object = None) -> Rows:
    task = _task(weights, inputs, targets, network)
    wanted, found = cells.text(of, default="forward").strip().lower(), rounding.bounds(*task)._asdict()
    if wanted not in found:
        raise ArgumentError(f"#of: {unknown('kind', wanted, found)}")
    rows, names = found[wanted], task[0].headers(wanted)
    rows = _shaped_like(weights, rows) if wanted == "gradient" else np.atleast_2d(rows)
    return cells.block(rows, lambda r, c: f"#{names[(r * rows.shape[1] + c) % len(names)]}: too large a number")


def _optimizer(value: object) -> str:
    text = cells.text(value, default="sgd")
    try:
        optimizers.parse(text)
    except NetworkError as error:
        raise ArgumentError(f"#optimizer: {error}") from None
    return text


def _headers(network: object, kind: object = None) -> Rows:
    return [list(_network(network).headers(cells.text(kind, default="forward")))]


def _version() -> Rows:
    return [[f"{__version__}, Python {platform.python_version()}, {sys.prefix}"]]


def _no_worker(pixels: object, run: object = None) -> Rows:
    """Where its worker is not asked."""
    cells.pixels(pixels)
    raise ArgumentError("#CNN_PREDICT: answers in LibreOffice Calc and in Excel on Windows only")


_SAMPLE = ("weights", "inputs", "targets")

FUNCTIONS = {
    function.name: function
    for function in (
        Function(
            "BACKPROP_STEP",
            (*_SAMPLE, "learning_rate", "network"),
            "The weights after one plain gradient-descent update, in the shape of weights.",
            _step,
        ),
        Function(
            "BACKPROP_FORWARD",
            ("weights", "inputs", "network"),
            "Every unit of the forward pass, a row for each sample: h1 a_h1 h2 a_h2 o1 a_o1 o2 a_o2.",
            _forward,
        ),
        Function(
            "BACKPROP_LOSS",
            (*_SAMPLE, "network"),
            "The loss of each output and in total: E1 E2 E_total.",
            _loss,
        ),
        Function(
            "BACKPROP_GRADIENT",
            (*_SAMPLE, "network"),
            "The derivative of E_total by each weight, dE/dw1 …, in the shape of weights.",
            _gradient,
        ),
        Function(
            "BACKPROP_GRADIENT_CHECK",
            (*_SAMPLE, "network"),
            "A row for each weight: analytic, numeric, relative difference, PASS or FAIL.",
            _gradient_check,
        ),
        Function(
            "BACKPROP_TRAIN",
            (*_SAMPLE, "learning_rate", "epochs", "network", "optimizer"),
            "epochs + 1 rows: row n is the whole state before update n + 1, so row 0 is the start.",
            _train,
        ),
        Function(
            "BACKPROP_SWEEP",
            (*_SAMPLE, "learning_rates", "epochs", "network", "optimizer"),
            "E_total over the epochs: epochs + 1 rows, a column for each learning rate.",
            _sweep,
        ),
        Function(
            "BACKPROP_CHAOS",
            (*_SAMPLE, "learning_rates", "epochs", "network", "optimizer"),
            "A row: for each learning rate the first epoch whose E_total the last digits decide; epochs + 1 for none.",
            _chaos,
        ),
        Function(
            "BACKPROP_ROUNDING",
            (*_SAMPLE, "network", "of"),
            "How far apart two right computations may be, because each rounds: in the shape of those numbers.",
            _rounding,
        ),
        Function(
            "BACKPROP_PREDICT",
            ("weights", "inputs", "network"),
            "The outputs, a row for each row of inputs.",
            _predict,
        ),
        Function(
            "BACKPROP_HEADERS",
            ("network", "kind"),
            "The names of the columns that the other functions give.",
            _headers,
        ),
        Function(
            "BACKPROP_VERSION",
            (),
            "Version, Python, and where it runs.",
            _version,
        ),
        Function(
            "CNN_PREDICT",
            ("pixels", "run"),
            "Ten probabilities: how likely each class is for 28 × 28 cells, by a finished run's network.",
            _no_worker,
            worker="addin.predictor",
        ),
    )
}


def call(name: str, arguments: tuple[object, ...]) -> Rows:
    """What the cell shows: rows of numbers and texts. A bad cell gives one text, which begins with '#'.

    `arguments` are raw cell values in the order of the function's parameters; missing optional ones are None.
    """
    try:
        return FUNCTIONS[name].compute(*arguments)
    except ArgumentError as error:
        return [[str(error)]]
    except NetworkError as error:
        return [[f"#network: {error}"]]
''',
    'cnn': r'''"""The network for images, trained by PyTorch. Importing this package imports none of it: `cnn.runs` needs no PyTorch.

The version is the whole project's. It stands here because all else may import it.
"""

import signal

__version__ = "0.1.0"

NO_RUNTIME = (  # what went wrong and what to do where Windows cannot load a library that PyTorch's own ones need
    "PyTorch cannot be loaded: Windows lacks Microsoft's Visual C++ runtime, or has an old one",
    "Install https://aka.ms/vs/17/release/vc_redist.x64.exe, then start this again",
)
NO_RUNTIME_SIGNS = r"WinError 12[67]\b|DLL load failed"  # no such library; one without a function that is asked for


def end_by_ctrl_c() -> None:
    """Let Ctrl-C just end this command, without a traceback, also while it imports, unless somebody hears it."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
''',
    'pyfuncs': r'''"""The mathematics of small fully connected networks. Needs numpy alone and knows no spreadsheet."""
''',
    'pyfuncs.descent': r'''"""Gradient descent, w ← w − learning_rate · dE_total/dw: one update, a history, a sweep over learning rates.

weights (n,), inputs (samples, i), targets (samples, o). Several samples are one batch, updated together. Row 0 of every
result is the start. `optimizer` is a text such as `adam 0.9 0.999 1e-8` (pyfuncs.optimizers); its state begins at zero
and is carried from update to update. A descent that diverges goes on as inf and nan, without a warning. Raises
NetworkError where something does not fit the network, for a wrong optimizer, and for a history too long to hold.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from . import optimizers, rounding
from .network import Array, Network, NetworkError
from .propagation import backpropagate, gradient, loss, quiet, samples, units

MAX_NUMBERS = 20_000_000
PIECE = 1_000_000
LAST_DIGIT = 1e-15  # of max(1, |w|)
PARTED = 1e-12  # a thousand last digits: from there on each update may multiply the difference again
UNKNOWN = 1e-10  # what rounding may make of the first E_total already, as a bound, which is mostly a hundred times it


@quiet
def step(network: Network, weights: Array, inputs: Array, targets: Array, learning_rate: float) -> Array:
    """The weights after one plain update: (n,)."""
    inputs, targets = samples(network, inputs, targets)
    now, count = network.fitting(weights).copy(), network.learned_count
    gradient = np.empty(now.shape)
    backpropagate(network, network.unpack(now), inputs, targets, network.unpack(gradient))
    learned = now[:count]
    learned -= learning_rate * gradient[:count]
    return now


@quiet
def history(
    network: Network,
    weights: Array,
    inputs: Array,
    targets: Array,
    learning_rate: float | Array,
    epochs: int,
    optimizer: str = "sgd",
) -> Array:
    """The weights before each update and after the last: (epochs + 1, n), or (epochs + 1, rates, n) for (rates,).

    With several rates the start may be one for all, or one for each: (rates, n).
    """
    direction = optimizers.parse(optimizer).start()
    inputs, targets = samples(network, inputs, targets)
    rates = np.asarray(learning_rate, dtype=float)[..., None]
    table = room(epochs + 1, *rates.shape[:-1], network.weight_count)
    table[0] = network.fitting(weights)
    now, gradient, count = table[0].copy(), np.empty(table[0].shape), network.learned_count
    layers, gradients = network.unpack(now), network.unpack(gradient)
    learned, slopes = now[..., :count], gradient[..., :count]
    for row in table[1:]:  # layers and learned are views of now, gradients and slopes of gradient
        backpropagate(network, layers, inputs, targets, gradients)
        learned -= rates * direction(slopes)
        row[:] = now
    moved = table[..., :count]
    moved[~np.isfinite(moved).all(axis=-1)] = (
        np.nan
    )  # it has diverged: the 0 or 1 that a unit makes of inf is no result
    return table


def sweep(
    network: Network,
    weights: Array,
    inputs: Array,
    targets: Array,
    learning_rates: Array,
    epochs: int,
    optimizer: str = "sgd",
) -> Array:
    """E_total before each update and after the last: (epochs + 1, rates), all rates in one pass."""
    table = history(network, weights, inputs, targets, np.ravel(learning_rates), epochs, optimizer)
    return np.concatenate([loss(network, piece, inputs, targets)[..., -1] for piece in pieces(network, table, inputs)])


@quiet
def chaotic_from(
    network: Network,
    weights: Array,
    inputs: Array,
    targets: Array,
    learning_rates: Array,
    epochs: int,
    optimizer: str = "sgd",
) -> NDArray[np.intp]:
    """The first epoch whose E_total the last digits of the weights decide, for each rate: (rates,).

    That is where descents which start a last digit apart have parted by more than PARTED · max(1, E_total); epoch 0
    where rounding may carry the first E_total by more than UNKNOWN · max(1, E_total); epochs + 1 where neither is so.
    """
    start, rates = network.fitting(weights), np.ravel(learning_rates)
    last_digit = LAST_DIGIT * np.maximum(1, np.abs(start))
    starts = np.vstack([start, start + nudges(network.weight_count) * last_digit])
    every = np.repeat(starts, len(rates), axis=0), inputs, targets, np.tile(rates, len(starts))
    losses = sweep(network, *every, epochs, optimizer).reshape(-1, len(starts), len(rates))
    path, others = losses[:, :1], losses[:, 1:]
    parted = np.abs(others - path) > PARTED * np.maximum(1, np.abs(path))
    apart = (parted | (np.isfinite(path) != np.isfinite(others))).any(axis=1)
    apart[0] |= rounding.bounds(network, start, inputs, targets).loss[-1] > UNKNOWN * np.maximum(1, abs(path[0, 0]))
    return np.where(apart.any(axis=0), apart.argmax(axis=0), epochs + 1)


def nudges(count: int) -> Array:
    """Directions of a change of the weights: (3, count) signs."""
    at = np.arange(count)
    return np.array([np.ones(count), 1.0 - 2 * (at % 2), 1.0 - 2 * (at // 2 % 2)])


def train_table(
    network: Network,
    weights: Array,
    inputs: Array,
    targets: Array,
    learning_rate: float,
    epochs: int,
    optimizer: str = "sgd",
) -> Array:
    """A row for each state: (epochs + 1, columns).

    One sample gives the columns of network.headers("train"): t i w b, units, E, gradients. A batch has no units of its
    own: w b, E (the mean), gradients.
    """
    table = history(network, weights, inputs, targets, learning_rate, epochs, optimizer)
    return np.concatenate([states(network, piece, inputs, targets) for piece in pieces(network, table, inputs)])


def states(network: Network, weights: Array, inputs: Array, targets: Array) -> Array:
    """The rows of a train table for weights (rows, n), evaluated together."""
    errors = [loss(network, weights, inputs, targets), gradient(network, weights, inputs, targets)]
    if len(inputs) > 1:
        return np.concatenate([weights, *errors], axis=-1)
    sample = np.concatenate([*targets, *inputs])
    sample = np.broadcast_to(sample, (len(weights), len(sample)))
    return np.concatenate([sample, weights, units(network, weights, inputs)[:, 0], *errors], axis=-1)


def pieces(network: Network, table: Array, inputs: Array) -> list[Array]:
    """A history in pieces of rows: the values of all units for all samples need not be held at once."""
    numbers = table.size // network.weight_count * len(inputs) * sum(network.sizes)
    return np.array_split(table, min(len(table), 1 + numbers // PIECE))


def room(*shape: int) -> Array:
    """An array to fill. Limited, because a system that runs out of memory ends the process without a word."""
    numbers = math.prod(shape)
    if numbers > MAX_NUMBERS:
        raise NetworkError(f"{numbers:,} weights to keep, {MAX_NUMBERS:,} at most; take fewer epochs or learning rates")
    return np.empty(shape)
''',
    'pyfuncs.gradient_check': r'''"""The analytic gradient beside central differences of the loss, which know nothing of the chain rule."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .network import Array, Network
from .propagation import forward, gradient, loss, quiet

STEP, LEAST = 1e-5, 1e-10
TOLERANCE = 1e-6
SMALLEST = 1e-8
CURVATURE = 3  # of tolerance, times the square of the move
ACTIVATION, LOSS = 3, 3  # operations: 1 / (1 + e^−z) has three, no loss has more
KINKED, CURVED = ("relu",), ("sigmoid", "tanh", "softmax")
FAR, STRAIGHT = 0.1, 1e-3  # a move of z; bend / rise of a loss that is straight
PIECE = 1_000_000

Row = tuple[float, float, float, str]


class Differences(NamedTuple):
    """For each weight, (n,): the central difference; how far the loss bends; whether the steps cross a kink; how far
    they carry z, the farthest of the curved units'.
    """

    numeric: Array
    bend: Array
    kink: NDArray[np.bool_]
    move: Array


@quiet
def check(network: Network, weights: Array, inputs: Array, targets: Array) -> list[Row]:
    """A row per weight: analytic, numeric, relative difference, verdict. Raises NetworkError as gradient does.

    numeric is (E(w + h) − E(w − h)) / 2h with the h of step_sizes, the relative difference is
    |analytic − numeric| / max(|analytic|, |numeric|, 1e-8). PASS: it is below 1e-6 (tolerance), or the two differ by
    less than the numeric one is exact (noise, 2e-10 for 2-2-2: else a nearly finished descent, whose gradient is as
    small, would fail). KINK: the steps carry a ReLU unit's z over 0, where the loss has no derivative; or the two
    differ and the steps are too long to say anything, as before weights of millions: they carry the z of a unit that is
    curved by more than 0.1, and the loss bends. FAIL: all else.
    """
    weights = np.asarray(weights, dtype=float)
    analytic = gradient(network, weights, inputs, targets)
    steps = step_sizes(network, weights, inputs)
    numeric, bend, kink, move = central_differences(network, weights, inputs, targets, steps)
    difference = abs(analytic - numeric)
    relative = difference / np.maximum(np.maximum(abs(analytic), abs(numeric)), SMALLEST)
    total = loss(network, weights, inputs, targets)[-1]
    exact, rise = noise(rounding(network, len(inputs)), total, weights, numeric, steps), abs(numeric) * steps
    agrees, far = (relative < tolerance(move)) | (difference < exact), (move > FAR) & (bend > STRAIGHT * rise)
    verdict = np.where(kink, "KINK", np.where(agrees, "PASS", np.where(far, "KINK", "FAIL")))
    return list(zip(analytic.tolist(), numeric.tolist(), relative.tolist(), verdict.tolist(), strict=True))


def tolerance(move: Array | float) -> Array:
    """How large a relative difference passes: 1e-6, and more where the steps carry a z far.

    A central difference is off by h²·E‴/6. The step is short for the weight's own z; but where large weights follow, it
    carries a later unit's by `move`, which is seen without the chain rule, and what a curved unit makes of that is off
    by about move² / 6, a product of several by some times as much.
    """
    return TOLERANCE + CURVATURE * np.square(np.minimum(move, FAR))


def noise(rounding: float, total: float, weights: Array, numeric: Array, steps: Array) -> Array:
    """How exact a central difference is, (n,): what the loss may be off by, over h.

    A pass that rounds is an exact one of weights that are off by their last digits (backward error). So a loss is off
    by rounding · (max(1, E_total) + Σ |w · dE/dw|), of which the sum counts where large numbers leave a small one. Its
    derivatives are the numeric ones, as the chain rule is what is to be checked.
    """
    off: Array = rounding * (np.maximum(1, total) + abs(weights * numeric).sum()) / steps
    return off


def rounding(network: Network, samples: int) -> float:
    """How far off a loss may be, in parts of the numbers that it is made of (noise).

    Every operation on the way through the network rounds by at most ε/2: a unit's product, the sum of as many as the
    layer before has, its bias and its activation; then the loss, its sum over the outputs and the mean of the samples.
    """
    before, after = network.sizes[:-1], network.sizes[1:]
    operations = sum(before) + len(after) * (1 + ACTIVATION) + LOSS + after[-1] + samples
    return float(operations * np.finfo(float).eps / 2)


def step_sizes(network: Network, weights: Array, inputs: Array) -> Array:
    """h = 1e-5 · ∛max(1, |w|·c) / c, but at least 1e-10 · |w|; c is the largest number that w carries, or 1: (n,).

    So a step of z = w·c is as long for an input in thousands as for one of 1. A central difference loses the square of
    that length, and by rounding ε·|z| over it: together least at ∛(ε·|z|) (Press et al., Numerical Recipes, 3rd ed.,
    section 5.7). In 1e-10 of w there are six digits.
    """
    carried = np.ones(network.weight_count)
    for (w, _), sources in zip(network.unpack(carried), forward(network, weights, inputs).a, strict=False):
        w[...] = np.maximum(1, abs(sources).max(axis=0))
    z = abs(weights) * carried
    steps: Array = np.maximum(STEP * np.maximum(1, z) ** (1 / 3), LEAST * z) / carried
    return steps


def central_differences(network: Network, weights: Array, inputs: Array, targets: Array, sizes: Array) -> Differences:
    """By steps of these sizes, (n,). A group of the weights at a time: the step of each is a whole row of weights."""
    numbers, numeric, bend, kink, move = np.arange(weights.size), [], [], [], []
    total = loss(network, weights, inputs, targets)[-1]
    for group in np.array_split(numbers, 1 + weights.size**2 // PIECE):
        steps = np.where(numbers == group[:, None], sizes, 0)
        below, above = weights - steps, weights + steps
        lower, upper = (loss(network, moved, inputs, targets)[:, -1] for moved in (below, above))
        numeric.append((upper - lower) / (2 * steps.sum(axis=-1)))
        bend.append(abs((upper - total) - (total - lower)))
        before, here, after = (forward(network, moved, inputs).z for moved in (below, weights, above))
        signs = [np.sign(units(network, z, KINKED)) for z in (before, here, after)]
        kink.append(((signs[0] != signs[1]) | (signs[1] != signs[2])).any(axis=(-2, -1)))
        moves = abs(units(network, after, CURVED) - units(network, before, CURVED)) / 2
        move.append(moves.max(axis=(-2, -1), initial=0))
    return Differences(*map(np.concatenate, (numeric, bend, kink, move)))


def units(network: Network, z: list[Array], activations: tuple[str, ...]) -> Array:
    """The z of the units that have one of these activations: (..., samples, units)."""
    chosen = [layer for layer, name in zip(z, network.activations, strict=True) if name in activations]
    return np.concatenate([z[0][..., :0], *chosen], axis=-1)
''',
    'pyfuncs.network': r'''"""What a network text such as `2-3-1 tanh linear bias` says: layers, units, loss, biases, and the name of every number.

The text is `sizes [hidden [output]] [loss] [bias|fixed-bias]`, in any case. Weights are one flat row: all w, layer by
layer, receiving unit by receiving unit (w1 = i1→h1, w2 = i2→h1, w3 = i1→h2 …), then all b in the same order.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property, lru_cache
from itertools import pairwise
from types import EllipsisType

import numpy as np
from numpy.typing import NDArray

UNITS = ("sigmoid", "tanh", "relu", "linear")
# The losses that each output unit goes with, its default first. Softmax is for outputs only.
OUTPUT_LOSSES = {
    "sigmoid": ("half-squared", "cross-entropy"),
    "tanh": ("half-squared",),
    "relu": ("half-squared",),
    "linear": ("half-squared",),
    "softmax": ("cross-entropy",),
}
OUTPUTS = tuple(OUTPUT_LOSSES)
LOSSES = ("half-squared", "cross-entropy")
BIASES = ("bias", "fixed-bias")
WORDS = {"unit": OUTPUTS, "loss": LOSSES, "bias": BIASES}
AT_MOST = {"unit": 2, "loss": 1, "bias": 1}
ALLOWED = {"unit": "a hidden and an output unit", "loss": "one loss", "bias": "one kind of biases"}

MAX_LAYERS = 20
MAX_UNITS = 1_000
MAX_WEIGHTS = 100_000

Array = NDArray[np.float64]
Place = tuple[EllipsisType, slice]
Layers = list[tuple[Array, Array | None]]


class NetworkError(ValueError):
    """A text or a row of numbers that no network can use; the message says what was wrong and what is allowed."""


@dataclass(frozen=True)
class Network:
    """Layer sizes (inputs first), the hidden and the output unit, the loss and the kind of biases.

    A blank `loss` is the output unit's default. `bias` is "none", "bias" (one learned bias per unit) or "fixed-bias"
    (one per layer, shared by its units and never updated). Raises NetworkError for sizes, words or pairs of an output
    unit and a loss that are not available.
    """

    sizes: tuple[int, ...]
    hidden: str = "sigmoid"
    output: str = "sigmoid"
    loss: str = ""
    bias: str = "none"

    def __post_init__(self) -> None:
        given = {"hidden unit": self.hidden, "output unit": self.output, "loss": self.loss, "bias": self.bias}
        allowed = {"hidden unit": UNITS, "output unit": OUTPUTS, "loss": (*LOSSES, ""), "bias": (*BIASES, "none")}
        for kind, word in given.items():
            if word not in allowed[kind]:
                raise NetworkError(unknown(kind, word, [each for each in allowed[kind] if each]))
        check_sizes(self.sizes)
        object.__setattr__(self, "loss", self.loss or OUTPUT_LOSSES[self.output][0])
        check_loss(self.output, self.loss, self.sizes[-1])
        if len(self.sizes) == 2:  # nothing is hidden: one network, one text
            object.__setattr__(self, "hidden", "sigmoid")
        if self.weight_count > MAX_WEIGHTS:
            raise NetworkError(f"{self.text} has {self.weight_count:,} weights; at most {MAX_WEIGHTS:,} are allowed")

    @staticmethod
    @lru_cache(maxsize=256)
    def parse(text: str) -> Network:
        """The network that a text describes. Raises NetworkError, which quotes the text."""
        try:
            return read(text.lower().split())
        except NetworkError as error:
            raise NetworkError(f'network "{text[:60]}": {error}') from None

    @cached_property
    def text(self) -> str:
        """The shortest text that parses to this network; the defaults are left out."""
        units = [self.hidden, self.output]
        while units and units[-1] == "sigmoid":
            units.pop()
        losses = [] if self.loss == OUTPUT_LOSSES[self.output][0] else [self.loss]
        biases = [] if self.bias == "none" else [self.bias]
        return " ".join(["-".join(map(str, self.sizes)), *units, *losses, *biases])

    @cached_property
    def weight_count(self) -> int:
        """Weights and biases together."""
        biases = {"none": 0, "bias": sum(self.sizes[1:]), "fixed-bias": len(self.sizes) - 1}
        return self._w_count + biases[self.bias]

    @cached_property
    def learned_count(self) -> int:
        """How many of the weights an update changes: all, or all but the fixed biases, which come last."""
        return self._w_count if self.bias == "fixed-bias" else self.weight_count

    @cached_property
    def learned(self) -> NDArray[np.bool_]:
        """(n,) booleans: False for the fixed biases."""
        learned = np.arange(self.weight_count) < self.learned_count
        learned.setflags(write=False)
        return learned

    @cached_property
    def activations(self) -> tuple[str, ...]:
        """The unit word of every layer after the inputs."""
        return (self.hidden,) * (len(self.sizes) - 2) + (self.output,)

    @cached_property
    def layer_units(self) -> tuple[tuple[str, ...], ...]:
        """The unit names of every layer after the inputs: h1, or h2_1 (layer 2, unit 1) with several hidden layers."""
        *hidden, outputs = self.sizes[1:]
        prefixes = ["h"] if len(hidden) == 1 else [f"h{layer}_" for layer, _ in enumerate(hidden, 1)]
        layers = [*zip(prefixes, hidden, strict=True), ("o", outputs)]
        return tuple(tuple(numbered(prefix, count)) for prefix, count in layers)

    @cached_property
    def input_names(self) -> tuple[str, ...]:
        return tuple(numbered("i", self.sizes[0]))

    @cached_property
    def target_names(self) -> tuple[str, ...]:
        return tuple(numbered("t", self.sizes[-1]))

    @cached_property
    def weight_names(self) -> tuple[str, ...]:
        return (*numbered("w", self._w_count), *numbered("b", self.weight_count - self._w_count))

    @cached_property
    def unit_names(self) -> tuple[str, ...]:
        return tuple(name for layer in self.layer_units for unit in layer for name in (unit, f"a_{unit}"))

    @cached_property
    def loss_names(self) -> tuple[str, ...]:
        return (*numbered("E", self.sizes[-1]), "E_total")

    @cached_property
    def gradient_names(self) -> tuple[str, ...]:
        return tuple(f"dE/d{name}" for name in self.weight_names)

    def headers(self, kind: str) -> tuple[str, ...]:
        """Column names of a forward, loss or gradient row, or of a train table for one sample."""
        kinds = {"forward": self.unit_names, "loss": self.loss_names, "gradient": self.gradient_names}
        state = self.target_names + self.input_names + self.weight_names
        kinds["train"] = state + self.unit_names + self.loss_names + self.gradient_names
        if kind.strip().lower() not in kinds:
            raise NetworkError(unknown("kind", kind, kinds))
        return kinds[kind.strip().lower()]

    def fitting(self, weights: Array) -> Array:
        """(..., n) as float64. Raises NetworkError for a wrong number of weights."""
        weights = np.asarray(weights, dtype=float)
        if weights.shape[-1:] != (self.weight_count,):
            raise NetworkError(f"{self.text} has {self.weight_count} weights, not {(weights.shape or (1,))[-1]}")
        return weights

    def unpack(self, weights: Array) -> Layers:
        """(..., n) numbers as one (W (..., out, in), b (..., out) or None) per layer, all views of float64 numbers.

        W[k, j] leads from unit j of the layer before to unit k. A fixed bias is (..., 1), for all units of its layer.
        Raises NetworkError for a wrong number of weights.
        """
        weights = self.fitting(weights)
        lead = weights.shape[:-1]
        return [(weights[w].reshape(lead + shape), b and weights[b]) for w, shape, b in self._layout]

    @cached_property
    def _w_count(self) -> int:
        return sum(size * following for size, following in pairwise(self.sizes))

    @cached_property
    def _layout(self) -> list[tuple[Place, tuple[int, int], Place | None]]:
        """Where each layer lies in a row of weights: (index of its w, shape of its W, index of its b or None)."""
        layout: list[tuple[Place, tuple[int, int], Place | None]] = []
        w, b = 0, self._w_count
        for size, following in pairwise(self.sizes):
            biases = {"none": 0, "bias": following, "fixed-bias": 1}[self.bias]
            bias = (..., slice(b, b + biases)) if biases else None
            layout.append(((..., slice(w, w + size * following)), (following, size), bias))
            w, b = w + size * following, b + biases
        return layout


def read(words: list[str]) -> Network:
    """The network of the lower-case words of a text."""
    sizes = read_sizes(words[0] if words else "")
    chosen: dict[str, list[str]] = {kind: [] for kind in WORDS}
    for word in words[1:]:
        chosen[kind_of(word)].append(word)
    for kind, found in chosen.items():
        if len(found) > AT_MOST[kind]:
            raise NetworkError(f"{' and '.join(found)}: too many; the text may name {ALLOWED[kind]}")
    if len(sizes) == 2 and len(chosen["unit"]) == 1 and chosen["unit"] != ["sigmoid"]:
        unit = chosen["unit"][0]
        raise NetworkError(f"there is no hidden layer for {unit} to set; for the outputs write sigmoid {unit}")
    hidden, output = (*chosen["unit"], "sigmoid", "sigmoid")[:2]
    if hidden == "softmax":
        raise NetworkError("softmax is for the outputs only, which the second unit word sets: write sigmoid softmax")
    return Network(sizes, hidden, output, (*chosen["loss"], "")[0], (*chosen["bias"], "none")[0])


def read_sizes(word: str) -> tuple[int, ...]:
    sizes = word.split("-")
    if not all(size.isascii() and size.isdigit() for size in sizes):
        raise NetworkError("the layer sizes come first: whole numbers joined by hyphens, such as 2-2-2 or 2-3-1 tanh")
    # Cut before the conversion: Python refuses numbers of thousands of digits, and any of seven is too many already.
    return tuple(int(size.lstrip("0")[:7] or 0) for size in sizes)


def check_sizes(sizes: tuple[int, ...]) -> None:
    if len(sizes) < 2:
        raise NetworkError(
            "inputs and outputs are two layers at least, such as 2-1 or 2-2-2 "
            "(where a cell makes a date of it, type an apostrophe first: '2-2-2)"
        )
    if len(sizes) > MAX_LAYERS:
        raise NetworkError(f"{len(sizes)} layers; at most {MAX_LAYERS} are allowed")
    for position, size in enumerate(sizes, 1):
        if not 1 <= size <= MAX_UNITS:
            wrong = "too large" if size > MAX_UNITS else "below 1"
            raise NetworkError(f"size {position} is {wrong}; a layer has 1 to {MAX_UNITS:,} units")


def check_loss(output: str, loss: str, outputs: int) -> None:
    if loss not in OUTPUT_LOSSES[output]:
        pairs = "; ".join(f"{unit}: {' or '.join(losses)}" for unit, losses in OUTPUT_LOSSES.items())
        raise NetworkError(f"{output} outputs do not go with {loss} (allowed: {pairs})")
    if output == "softmax" and outputs == 1:
        raise NetworkError("softmax of one output is always 1; take two outputs, or sigmoid with cross-entropy")


def kind_of(word: str) -> str:
    """Whether a word names a unit, a loss or the biases."""
    for kind, words in WORDS.items():
        if word in words:
            return kind
    raise NetworkError(unknown("word", word, OUTPUTS + LOSSES + BIASES))


def unknown(kind: str, word: str, allowed: Iterable[str]) -> str:
    """The message for a word that is not one of the allowed ones, with the nearest of them."""
    allowed = list(allowed)
    nearest = get_close_matches(word.strip().lower(), allowed, n=1)
    suggestion = f"; did you mean {nearest[0]}?" if nearest else ""
    return f'unknown {kind} "{word[:60]}"{suggestion} (allowed: {", ".join(allowed)})'


def numbered(prefix: str, count: int) -> list[str]:
    return [f"{prefix}{number}" for number in range(1, count + 1)]
''',
    'pyfuncs.optimizers': r'''"""What an optimizer text such as `momentum 0.9` or `adam 0.9 0.999 1e-8` says, and the direction that each rule gives.

An update is w ← w − learning_rate · direction. A rule is made anew for each descent, so that its state begins at zero;
it takes dE_total/dw of any shape, epoch after epoch. Momentum is that of torch.optim.SGD (without dampening), Adam that
of Kingma and Ba, Adam: A Method for Stochastic Optimization (2015), algorithm 1, and of torch.optim.Adam.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .network import Array, NetworkError, unknown

Direction = Callable[[Array], Array]


def sgd() -> Direction:
    """Plain gradient descent: the gradient itself."""
    return lambda gradient: gradient


def momentum(beta: float) -> Direction:
    """v ← β v + dE/dw: the direction is v, which remembers the gradients before."""
    v: Array | float = 0.0

    def direction(gradient: Array) -> Array:
        nonlocal v
        v = beta * v + gradient
        return v

    return direction


def adam(beta1: float, beta2: float, epsilon: float) -> Direction:
    """m ← β1 m + (1 − β1) dE/dw and v ← β2 v + (1 − β2) (dE/dw)², each divided by 1 − β^epoch for its start at zero.

    The direction is m̂ / (√v̂ + ε).
    """
    m: Array | float = 0.0
    v: Array | float = 0.0
    epoch = 0

    def direction(gradient: Array) -> Array:
        nonlocal m, v, epoch
        epoch += 1
        m = beta1 * m + (1 - beta1) * gradient
        v = beta2 * v + (1 - beta2) * gradient * gradient
        v = np.where(np.isinf(v), np.nan, v)  # too large a number has no root, and no step of 0 follows from it
        return m / (1 - beta1**epoch) / (np.sqrt(v / (1 - beta2**epoch)) + epsilon)

    return direction


class Setting(NamedTuple):
    """One number of an optimizer text."""

    name: str
    default: float
    fits: Callable[[float], bool]
    allowed: str


def decay(name: str, default: float) -> Setting:
    return Setting(name, default, lambda number: 0 <= number < 1, "from 0 to below 1")


EPSILON = Setting("epsilon", 1e-8, lambda number: 0 < number < 1, "above 0 and below 1")
RULES: dict[str, Callable[..., Direction]] = {"sgd": sgd, "momentum": momentum, "adam": adam}
SETTINGS = {
    "sgd": (),
    "momentum": (decay("beta", 0.9),),
    "adam": (decay("beta1", 0.9), decay("beta2", 0.999), EPSILON),
}


class Optimizer(NamedTuple):
    """A rule and the numbers in its text, those left out at their defaults: ("adam", (0.9, 0.999, 1e-8))."""

    name: str
    numbers: tuple[float, ...]

    def start(self) -> Direction:
        """The rule with its state at zero."""
        return RULES[self.name](*self.numbers)


def parse(text: str) -> Optimizer:
    """The optimizer that a text describes, in any case. Raises NetworkError."""
    name, *words = text.lower().split() or [""]
    if name not in RULES:
        raise NetworkError(unknown("optimizer", text, RULES))
    settings = SETTINGS[name]
    if len(words) > len(settings):
        taken = " ".join(each.name for each in settings) or "no numbers"
        raise NetworkError(f'"{text[:60]}" is too long: {name} takes {taken}')
    given = [number(name, *pair) for pair in zip(words, settings, strict=False)]
    return Optimizer(name, (*given, *(each.default for each in settings[len(given) :])))


def number(name: str, word: str, setting: Setting) -> float:
    try:
        value = float(word)
    except ValueError:
        wrong = f'{name}: {setting.name} is "{word[:60]}", but must be a number such as {setting.default:g}'
        raise NetworkError(wrong) from None
    if not setting.fits(value):
        raise NetworkError(f"{name}: {setting.name} is {value:g}, but must be {setting.allowed}")
    return value
''',
    'pyfuncs.propagation': r'''"""The forward and the backward pass, for one row of weights or for many at once.

weights (..., n), inputs (samples, i), targets (samples, o), float64. Leading axes of the weights (epochs, learning
rates) lead every result. What overflows comes back as inf or nan, without a warning. Raises NetworkError where weights,
inputs or targets do not fit the network, or targets its loss.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .network import Array, Layers, Network, NetworkError

Function = Callable[[Array], Array]
Slope = Callable[[Array], Array | NDArray[np.bool_]]
ONE = np.ones(())  # numpy takes an array without axes twice as fast as the Python number 1


def softmax(z: Array) -> Array:
    """e^z / Σ e^z over the units of a layer. Less the largest z, which changes nothing, no power overflows."""
    powers = np.exp(z - z.max(axis=-1, keepdims=True))
    shares: Array = powers / powers.sum(axis=-1, keepdims=True)
    return shares


# Each unit's value a = f(z). The sigmoid is not written as ½(1 + tanh ½z), which loses every digit of a value near 0.
ACTIVATIONS: dict[str, Function] = {
    "sigmoid": lambda z: ONE / (ONE + np.exp(-z)),
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "linear": lambda z: z,
    "softmax": softmax,
}
# Each unit's slope f'(z) in terms of a; ReLU's at 0 is taken as 0. Softmax mixes the units of its layer: it has none of
# its own, only its loss's delta.
SLOPES: dict[str, Slope] = {
    "sigmoid": lambda a: a * (ONE - a),
    "tanh": lambda a: ONE - a * a,
    "relu": lambda a: a > 0,
    "linear": np.ones_like,
}


class Loss(NamedTuple):
    """errors: E_k of each output from z, a and t. delta: dE_total/dz of each output from a and t. For each sample."""

    errors: Callable[[Array, Array, Array], Array]
    delta: Callable[[Array, Array], Array]


def half_squared(slope: Slope) -> Loss:
    """E_k = ½(t_k − a_k)²."""
    return Loss(lambda z, a, t: 0.5 * (t - a) ** 2, lambda a, t: (a - t) * slope(a))


def binary_errors(z: Array, a: Array, t: Array) -> Array:
    """E_k = −t_k ln a_k − (1 − t_k) ln(1 − a_k), from z: −ln a = ln(1 + e^−z) keeps its digits where a is nearly 1."""
    return t * np.logaddexp(0, -z) + (1 - t) * np.logaddexp(0, z)


def softmax_errors(z: Array, a: Array, t: Array) -> Array:
    """E_k = −t_k ln a_k, from z: −ln a_k = ln Σ e^z − z_k, both less the largest z."""
    z = z - z.max(axis=-1, keepdims=True)
    return t * (np.logaddexp.reduce(z, axis=-1, keepdims=True) - z)


# By output unit and loss. Softmax's delta is a_k Σt − t_k: the a_k − t_k of textbooks where the targets add up to 1.
LOSSES = {(unit, "half-squared"): half_squared(slope) for unit, slope in SLOPES.items()} | {
    ("sigmoid", "cross-entropy"): Loss(binary_errors, lambda a, t: a - t),
    ("softmax", "cross-entropy"): Loss(softmax_errors, lambda a, t: a * t.sum(axis=-1, keepdims=True) - t),
}

quiet = np.errstate(all="ignore")


class Pass(NamedTuple):
    """z: the weighted sums, (..., samples, units) for each layer. a: the inputs, then the values of each layer."""

    z: list[Array]
    a: list[Array]


@quiet
def forward(network: Network, weights: Array, inputs: Array) -> Pass:
    """z = W a + b and a = f(z), layer by layer."""
    return propagate(network, network.unpack(weights), rows("inputs", inputs, network.sizes[0]))


@quiet
def units(network: Network, weights: Array, inputs: Array) -> Array:
    """Every unit's z and a, in the order of network.unit_names: (..., samples, 2 · units)."""
    z, (_, *a) = forward(network, weights, inputs)
    pairs = np.stack([np.concatenate(z, axis=-1), np.concatenate(a, axis=-1)], axis=-1)
    return pairs.reshape(*pairs.shape[:-2], -1)


def predict(network: Network, weights: Array, inputs: Array) -> Array:
    """The values of the output units: (..., samples, o)."""
    return forward(network, weights, inputs).a[-1]


@quiet
def loss(network: Network, weights: Array, inputs: Array, targets: Array) -> Array:
    """E_k of the network's loss, the mean over the samples, and their sum E_total: (..., o + 1)."""
    inputs, targets = samples(network, inputs, targets)
    z, a = forward(network, weights, inputs)
    errors = LOSSES[network.output, network.loss].errors(z[-1], a[-1], targets).mean(axis=-2)
    return np.concatenate([errors, errors.sum(axis=-1, keepdims=True)], axis=-1)


@quiet
def gradient(network: Network, weights: Array, inputs: Array, targets: Array) -> Array:
    """dE_total/dw and dE_total/db, in the order of the weights: (..., n).

    A fixed bias has its true derivative too, the sum over the units that share it, though no update uses it.
    """
    inputs, targets = samples(network, inputs, targets)
    layers = network.unpack(weights)
    row = np.empty(np.shape(weights))
    backpropagate(network, layers, inputs, targets, network.unpack(row))
    return row


def propagate(network: Network, layers: Layers, inputs: Array) -> Pass:
    """The forward pass through unpacked layers."""
    z, a, times = [], [inputs], product(layers)
    for (w, b), activation in zip(layers, network.activations, strict=True):
        weighted = times(a[-1], w.mT)
        if b is not None:
            weighted += b[..., None, :]
        z.append(weighted)
        a.append(ACTIVATIONS[activation](weighted))
    return Pass(z, a)


def backpropagate(network: Network, layers: Layers, inputs: Array, targets: Array, gradients: Layers) -> None:
    """The backward pass through unpacked layers, by the chain rule: a delta is dE_total/dz, (..., samples, units).

    dE_total/dw and dE_total/db are written into `gradients`, an unpacked row of their own.
    """
    a, times = propagate(network, layers, inputs).a, product(layers)
    slope = SLOPES[network.hidden]
    delta = LOSSES[network.output, network.loss].delta(a[-1], targets)
    if len(targets) > 1:
        delta = delta / len(targets)
    for layer in range(len(layers) - 1, -1, -1):
        dw, db = gradients[layer]
        times(delta.mT, a[layer], dw)
        if db is not None:
            db[...] = delta.sum(axis=-2) if network.bias == "bias" else delta.sum(axis=(-2, -1))[..., None]
        if layer:
            delta = times(delta, layers[layer][0]) * slope(a[layer])


def product(layers: Layers) -> Callable[..., Array]:
    """The matrix product for these layers: np.dot takes half as long, but knows no leading axes."""
    return np.dot if layers[0][0].ndim == 2 else np.matmul


def samples(network: Network, inputs: Array, targets: Array) -> tuple[Array, Array]:
    """Inputs (samples, i) and targets (samples, o), as many of one as of the other; for cross-entropy t is 0 to 1."""
    inputs, targets = rows("inputs", inputs, network.sizes[0]), rows("targets", targets, network.sizes[-1])
    if len(inputs) != len(targets):
        raise NetworkError(f"{len(inputs)} rows of inputs, but {len(targets)} of targets; each sample is a row of both")
    if network.loss == "cross-entropy" and not ((targets >= 0) & (targets <= 1)).all():
        raise NetworkError("cross-entropy compares probabilities: its targets must be 0 to 1")
    return inputs, targets


def rows(name: str, values: Array, columns: int) -> Array:
    """(samples, columns) float64. Checked, because numpy would stretch a single column over all outputs."""
    values = np.asarray(values, dtype=float)
    if values.ndim != 2 or values.shape[1] != columns or not len(values):
        raise NetworkError(f"{name} have the shape {values.shape}; due is a row of {columns} for each sample")
    return values
''',
    'pyfuncs.rounding': r'''"""How far apart two right computations of a network may be, because each rounds: a bound for every number.

A running error analysis (N. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 3.3): beside every
value of the two passes goes a bound of its error, `d` and the value's name. A sum adds its terms' errors and UNIT of
their sizes, so that a small number that large ones leave has a large bound. Weights, inputs and targets are exact.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .network import Array, Network
from .propagation import ACTIVATIONS, LOSSES, SLOPES, forward, quiet, samples

UNIT = 2.0**-48  # a spreadsheet's: Calc and Excel call a difference 0 that is below about this part of its terms


class Rounding(NamedTuple):
    """forward: as propagation.units, (samples, 2 · units). loss: (o + 1,). gradient: (n,)."""

    forward: Array
    loss: Array
    gradient: Array


class Layer(NamedTuple):
    """The units of a layer and their bounds: (samples, units) each."""

    z: Array
    a: Array
    dz: Array
    da: Array


class Output(NamedTuple):
    """The bounds of E_k and of dE/dz, from the output layer and the targets."""

    errors: Callable[[Layer, Array], Array]
    delta: Callable[[Layer, Array], Array]


@quiet
def bounds(network: Network, weights: Array, inputs: Array, targets: Array) -> Rounding:
    """The bounds for weights (n,), inputs (samples, i), targets (samples, o). Raises NetworkError as gradient does."""
    inputs, targets = samples(network, inputs, targets)
    layers = forward_bounds(network, weights, inputs)
    losses = OUTPUTS[network.output, network.loss].errors(layers[-1], targets).mean(axis=0)
    pairs = [np.stack([layer.dz, layer.da], axis=-1).reshape(len(inputs), -1) for layer in layers[1:]]
    gradient = backward_bounds(network, weights, layers, targets)
    return Rounding(np.concatenate(pairs, axis=-1), np.append(losses, losses.sum()), gradient)


def forward_bounds(network: Network, weights: Array, inputs: Array) -> list[Layer]:
    """The inputs, which are exact, then every layer."""
    found, exact = forward(network, weights, inputs), np.zeros_like(inputs)
    layers = [Layer(inputs, inputs, exact, exact)]
    for (w, b), activation, z, a in zip(
        network.unpack(weights), network.activations, found.z, found.a[1:], strict=True
    ):
        dz = sum_bound(layers[-1].a, layers[-1].da, w.T) + (0 if b is None else UNIT * abs(b))
        layers.append(Layer(z, a, dz, moved(activation, z, dz) + UNIT * abs(a)))
    return layers


def backward_bounds(network: Network, weights: Array, layers: list[Layer], targets: Array) -> Array:
    """Those of dE/dw and dE/db, (n,)."""
    w, row = [w for w, _ in network.unpack(weights)], np.empty(network.weight_count)
    output, kind = layers[-1], (network.output, network.loss)
    delta = LOSSES[kind].delta(output.a, targets) / len(targets)
    off = OUTPUTS[kind].delta(output, targets) / len(targets)
    for at, (dw, db) in reversed(list(enumerate(network.unpack(row)))):
        before, rounded = layers[at], off + UNIT * abs(delta)
        dw[...] = rounded.T @ (abs(before.a) + before.da) + abs(delta).T @ before.da
        if db is not None:
            db[...] = rounded.sum(axis=0) if network.bias == "bias" else rounded.sum()
        if at:
            back, steep = delta @ w[at], slope(network.hidden, before)
            off = product_bound(back, sum_bound(delta, off, w[at]), steep, STEEPNESS[network.hidden](before))
            delta = back * steep
    return row


def moved(activation: str, z: Array, by: Array) -> Array:
    """How far a unit's value may move when z moves by at most `by`: none but softmax's falls as its z rises."""
    function = ACTIVATIONS[activation]
    if activation == "softmax":
        by = function(z) * np.expm1(2 * by.max(axis=-1, keepdims=True))
        return np.where(by < 1, by, 1.0)
    return np.maximum(function(z + by) - function(z), function(z) - function(z - by))


def slope(unit: str, layer: Layer) -> Array:
    return np.asarray(SLOPES[unit](layer.a), dtype=float)


# The bound of a slope. ReLU's may be 0 or 1 where z may lie on either side of 0.
STEEPNESS: dict[str, Callable[[Layer], Array]] = {
    "sigmoid": lambda at: at.da + UNIT,
    "tanh": lambda at: 2 * at.da + UNIT,
    "relu": lambda at: (abs(at.z) <= at.dz).astype(float),
    "linear": lambda at: np.zeros_like(at.a),
}


def product_bound(x: Array, dx: Array, y: Array, dy: Array) -> Array:
    """The bound of x · y, place by place."""
    return abs(x) * dy + dx * (abs(y) + dy) + UNIT * abs(x * y)


def sum_bound(x: Array, dx: Array, y: Array) -> Array:
    """The bound of the matrix product x @ y of an exact y."""
    return (dx + UNIT * abs(x)) @ abs(y)


def half_squared(unit: str) -> Output:
    """a − t is off by what a is off by; where it is 0 in a spreadsheet, it is less than that."""
    return Output(
        lambda at, t: product_bound(at.a - t, at.da, at.a - t, at.da) / 2,
        lambda at, t: product_bound(at.a - t, at.da, slope(unit, at), STEEPNESS[unit](at)),
    )


def softmax_errors(at: Layer, t: Array) -> Array:
    """Those of t · (ln Σ e^z − z), where both z are less the largest."""
    largest = abs(at.z).max(axis=-1, keepdims=True) + 1
    off: Array = t * (2 * at.dz.max(axis=-1, keepdims=True) + UNIT * (abs(at.z) + largest))
    return off


OUTPUTS = {(unit, "half-squared"): half_squared(unit) for unit in SLOPES} | {
    ("sigmoid", "cross-entropy"): Output(lambda at, t: at.dz + UNIT * (1 + abs(at.z)), lambda at, t: at.da),
    ("softmax", "cross-entropy"): Output(softmax_errors, lambda at, t: at.da * t.sum(axis=-1, keepdims=True)),
}
''',
    'xlsx': r'''"""The workbook: native formulas beside the cell functions, and the results of training runs. XlsxWriter writes it."""
''',
    'xlsx.contract': r'''"""What the sheets, the extension in Calc and the macros in Excel share: names, titles, buttons, limits, messages.

Data only. The sheets are laid out by it; what the extension and the macros are given is derived from it. Standard
library only, Python 3.9: it is read inside LibreOffice too.
"""

from __future__ import annotations

LAYOUT = 2  # of the workbook. A new one that the macros or the extension of an old file would not know gets the next
LAYOUT_PROPERTY = "Backprop layout"  # the file's own property with that number; the first layout has none

START, NETWORK, BATCH, PICTURE, FORWARD, BACKWARD = "Start", "Network", "Batch", "Picture", "Forward", "Backward"
GRADIENT_CHECK, LEARNING_RATES, OPTIMIZERS = "Gradient check", "Learning rates", "Optimizers"
TRAINING_LOG, SPOT_THE_MISTAKE, RESULTS, RUNS = "Training log", "Spot the mistake", "Results", "Runs"
KEY = "Key"  # the hidden sheet of an exercise

NAMES = {  # every defined name of the workbook, and what stands there
    "python_ready": "TRUE where the cell functions answer",
    "workbook_agrees": "whether the workbook agrees with itself",
    "answers_right": "how far an exercise is done",
    "network": "the network text",
    "preset": "the name of the preset, and its number among those that fit",
    "preset_number": "",
    "optimizer": "the optimizer text, and its number",
    "optimizer_number": "",
    "first_bad_input": "ALL_GOOD, or which cell is no number",
    "first_bad_sample": "the same of Batch; empty where nothing is wrong",
    "first_bad_rate": "the same of Learning rates",
    "problem": "why not everything can be compared, and where; empty where nothing is wrong",
    "state": "all of Network as one line",
    "pasted_state": "such a line, pasted, which is laid out; what is wrong with it, and its optimizer",
    "pasted_fault": "",
    "pasted_optimizer": "",
    "inputs": "the numbers that are used: a row or a column, or a row per sample",
    "targets": "",
    "weights": "",
    "learning_rate": "",
    "your_inputs": "those to edit",
    "your_targets": "",
    "your_weights": "",
    "your_learning_rate": "",
    "shown_inputs": "those of the epoch and the sample shown",
    "shown_targets": "",
    "shown_weights": "",
    "epoch": "the epoch to show, as typed, and as used",
    "epoch_used": "",
    "sample": "the sample to show, as typed, and as used",
    "sample_used": "",
    "last_epoch": "the last one that can be shown",
    "pictured": "the numbers beside the picture",
    "picture_view": "what the picture shows: weights or gradients",
    "gradient_check": "the verdicts: PASS, FAIL, KINK",
    "learning_rates": "the six rates of the sheet Learning rates",
    "rate_charted": "the number of the rate whose weights are charted",
    "mistake": "the mistake that is chosen, and its number",
    "mistake_number": "",
    "mistake_check": "the verdicts with it",
    "log_table": "the header of the training log; the row beneath is epoch 0",
    "log_next": "the row to come, as wide as log_table, by formulas",
    "log_steps": "the n of Run n",
    "log_stale": "LOG_STALE where the rows are those of another start, else empty",
    "run_table": "the header of the epochs of a run",
    "run_status": "how the run stands, in a line",
    "run_folder": "the folder of the run that is shown",
    "run_progress": "how far it is: PROGRESS",
    "series_curves": "above the numbers of a series' chart: the epochs, and MOST_COMPARED runs",
    "predict_run": "the run whose network CNN_PREDICT asks where it is told none",
    "runs_status": "how many runs there are, or what could not be done, in a line",
    "runs_table": "the header of the list of runs: RUN_COLUMNS",
    "runs_compared": "above the table of what differs: its labels, and MOST_COMPARED runs",
    "runs_curves": "above the numbers of the runs' chart: the epochs, and MOST_COMPARED runs",
}
PREDICT_RUN = "predict_run"  # the run of a CNN_PREDICT that names none
LOADING = "loading …"  # in its cells until the first answer
RESULTS_FILE = "results.xlsx"  # of a finished run, in its folder
OUTCOME = "The next run's sheets take the place of these: copy what you want to keep."  # tells them from others
OUTCOME_ROW = 3  # and stands in its first column
SETTING = "run_"  # before the name of a setting of a run: run_model, run_epochs …
SHOWN_BY_RUNS = ("run_progress", "run_status", "run_folder", "run_table")  # names that begin so and are no settings

BUTTONS = {  # by sheet: the caption, which a click is recognized by, and the command
    RESULTS: {
        "Train CNN": "train",
        "Stop": "stop",
        "Resume": "resume",
        "Unfold": "unfold",
        "Recalculate": "recalculate",
    },
    RUNS: {"List runs": "runs_list", "Compare": "runs_compare"},
    PICTURE: {
        "First epoch": "epoch_first",
        "Back": "epoch_back",
        "Next": "epoch_next",
        "Next 10": "epoch_next_10",
        "Last epoch": "epoch_last",
    },
    TRAINING_LOG: {"Step": "log_step", "Run n": "log_run", "Undo": "log_undo", "Reset": "log_reset"},
}

APART = {"Recalculate"}  # buttons that stand apart from those before them

DRAW_BUTTONS = {"Clear": "clear"}  # of an unfolded network, a workbook of its own: xlsx/unfold
PEN_BUTTON = "Pen"  # beside it where macros draw: pressed once a drag draws, pressed again it selects
PEN_RADIUS, PEN_EDGE = 0.7, 1.1  # of the pen, in cells: full ink so far from its line, which fades over the edge
INK = 255
STROKE, CLEARED = "Stroke", "Clear drawing"  # as the list of Undo calls them
DRAW_NAMES = {  # its names that the extension knows
    "yours": "the field to draw in",
    "used": "what the network sees",
    "pad": "an empty field, which Clear copies over it",
    "logits": "what it gives",
    "pen": "down or up, where macros draw",
}

CHECK = {"Check this workbook": "check", "Clear marks": "clear_marks"}  # of the menu, for any workbook
CHECK_BAR = {"Show the report": "show_report"}  # of the bar that says in Calc how a check ended
CHECK_SHEET = "Backprop check"  # the report
CHECK_REPORT = "report_of_a_check"  # the name, local to it, by which it is known; the next one takes its place
CHECK_STYLE, CHECK_COLOUR, CHECK_TEXT = "Backprop mistake", 0xFFC7CE, 0x9C0006
CHECK_LINK = 0x0563C1  # the colour of links in the report
CHECK_FORMULA = '"Backprop check"<>""'  # always true: the condition by which a mark is known, in every file format
CHECK_NOTE = "Backprop check: "  # the begin of our notes
MOST_CHECKED = 300_000  # cells of a sheet that the check looks at

COMMANDS = {
    caption: command for buttons in (*BUTTONS.values(), DRAW_BUTTONS, CHECK) for caption, command in buttons.items()
}

MOST_STEPS = 1_000  # of one press of Run n
LOG_ROWS = 20_000  # that the training log can hold
MOST_EPOCHS = 1_000  # of a run that Results has rows for
PRINTED_ROWS = 40  # under the heads of a table that grows; whoever writes more rows has them printed too

RUN_COLUMNS = ("tick", "run", "model", "data set", "settings", "epochs", "accuracy", "seconds", "state")
MOST_RUNS = 2_000  # that Runs lists
MOST_COMPARED = 6  # of the ticked ones, or of a series

PROGRESS = ("progress", "epoch", "batch", "images/s", "time left", "device")  # of a run that trains

ONE_CURVE = "accuracy"  # what the curve of a single run is called, where a series has the names of its runs
NOTHING = "–"  # in a cell that has no number
NOT_CONNECTED = "Python not connected"
ALL_GOOD = "all inputs are numbers"
LOG_FULL = "the log is full: press Undo or Reset"
LOG_STALE = "the start has changed since these rows were added: press Reset"
FRESH = 'close it, move it away, and run "python start.py" for a fresh one'
MESSAGES = {  # what the buttons say in a box; {…} is filled in
    "checking": "A check is under way already: wait for its report.",
    "check under way": "The workbook is being checked …",
    "checked": 'Checked. {found}. The report is the sheet "{sheet}".',
    "no workbook": "There is no workbook in front that can be edited.",
    "no answer": "Python did not answer. In the project's folder: python start.py doctor",
    "check failed": "The check could not be made: {reason}",
    "no report": "The structure of this workbook is protected, so that no sheet can be added: take that off, and check "
    "again.",
    "kept": "Something here is protected, so that marks or the report of a check are still there: take the protection "
    "off, and clear again.",
    "unmarked": 'The sheet "{sheet}" is protected: nothing is marked there.',
    "covered": "wrong from here on. A conditional format of your own comes first here; where it colours nothing, the "
    "mark's colour shows once the file is saved and opened again.",
    "covered cells": "Conditional formats of your own come first in {cells}: where they colour nothing, the mark's "
    "colour shows once the file is saved and opened again.",
    "edited": "Cells that have changed since the check began are not marked: {count}.",
    "no log": f'This workbook has no {TRAINING_LOG}. "python start.py" opens one that has.',
    "no results": f'This workbook has no {RESULTS} sheet. "python start.py" opens one that has.',
    "no field": 'This workbook has no field to draw in. "python start.py unfold RUN" writes one that has.',
    "no outcome": "it has no sheet of a run",
    "not copied": "The sheets of what the run left could not be copied in: {error}. They are in {file}.",
    "no runs": f'This workbook has no {RUNS} sheet. "python start.py new" writes one that has.',
    "no name": f"The name {{name}} is missing or broken in this workbook: {FRESH}.",
    "protected": 'The sheet "{sheet}" is protected: {where}, then press the button again.',
    "no start": "The row of epoch 0 is gone from the training log: undo that, or take a fresh workbook.",
    "wrong width": f"log_next is not as wide as log_table: {FRESH}.",
    "wrong n": f'Nothing was added: the n of "Run n" must be a whole number from 1 to {MOST_STEPS}, not "{{found}}".',
    "no next row": "Nothing was added after the rows that are there: {reason}",
    "bad input": f"{{state}} (on {NETWORK}).",
    "only buttons": f"Excel for Mac calls it from buttons only. Press Recalculate on the sheet {RESULTS}",
    "help": "The cell functions: type =BACKPROP_ into a cell. Train CNN, Stop and Resume act on the sheet "
    f"{RESULTS} of the workbook in front; New workbook writes one that has it. Everything else is in README.md, in "
    "{project}.",
    "diverged": "the next weights or their loss are no numbers. The descent has diverged: press Undo, take a lower "
    "rate.",
}


def macro_name(caption: str) -> str:
    """The macro of a button: Train CNN calls Button_TrainCNN, "Run n" Button_RunN.

    (Not Backprop_…: VBA knows no case, and Backprop_Step would be the cell function BACKPROP_STEP.)
    """
    return "Button_" + "".join(word[0].upper() + word[1:] for word in caption.split())
''',
}


class Project(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Lets the modules in SOURCES be imported."""

    def find_spec(self, name, path=None, target=None):
        packages = {other.rpartition(".")[0] for other in SOURCES}
        return importlib.util.spec_from_loader(name, self, is_package=name in packages) if name in SOURCES else None

    def exec_module(self, module):
        exec(compile(SOURCES[module.__name__], f"<{module.__name__}>", "exec"), module.__dict__)


for name in SOURCES:  # of the time before, where this file has been changed and runs again
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Project())

from addin.functions import PARAMETERS, call  # noqa: E402


@func
@arg('weights', ndim=2, err_to_str=True, doc=PARAMETERS['weights'])
@arg('inputs', ndim=2, err_to_str=True, doc=PARAMETERS['inputs'])
@arg('targets', ndim=2, err_to_str=True, doc=PARAMETERS['targets'])
@arg('learning_rate', ndim=2, err_to_str=True, doc=PARAMETERS['learning_rate'])
@arg('network', ndim=2, err_to_str=True, doc=PARAMETERS['network'])
def BACKPROP_STEP(weights, inputs, targets, learning_rate, network=None):
    """The weights after one plain gradient-descent update, in the shape of weights."""
    return call('BACKPROP_STEP', [weights, inputs, targets, learning_rate, network])


@func
@arg('weights', ndim=2, err_to_str=True, doc=PARAMETERS['weights'])
@arg('inputs', ndim=2, err_to_str=True, doc=PARAMETERS['inputs'])
@arg('network', ndim=2, err_to_str=True, doc=PARAMETERS['network'])
def BACKPROP_FORWARD(weights, inputs, network=None):
    """Every unit of the forward pass, a row for each sample: h1 a_h1 h2 a_h2 o1 a_o1 o2 a_o2."""
    return call('BACKPROP_FORWARD', [weights, inputs, network])


@func
@arg('weights', ndim=2, err_to_str=True, doc=PARAMETERS['weights'])
@arg('inputs', ndim=2, err_to_str=True, doc=PARAMETERS['inputs'])
@arg('targets', ndim=2, err_to_str=True, doc=PARAMETERS['targets'])
@arg('network', ndim=2, err_to_str=True, doc=PARAMETERS['network'])
def BACKPROP_LOSS(weights, inputs, targets, network=None):
    """The loss of each output and in total: E1 E2 E_total."""
    return call('BACKPROP_LOSS', [weights, inputs, targets, network])


@func
@arg('weights', ndim=2, err_to_str=True, doc=PARAMETERS['weights'])
@arg('inputs', ndim=2, err_to_str=True, doc=PARAMETERS['inputs'])
@arg('targets', ndim=2, err_to_str=True, doc=PARAMETERS['targets'])
@arg('network', ndim=2, err_to_str=True, doc=PARAMETERS['network'])
def BACKPROP_GRADIENT(weights, inputs, targets, network=None):
    """The derivative of E_total by each weight, dE/dw1 …, in the shape of weights."""
    return call('BACKPROP_GRADIENT', [weights, inputs, targets, network])


@func
@arg('weights', ndim=2, err_to_str=True, doc=PARAMETERS['weights'])
@arg('inputs', ndim=2, err_to_str=True, doc=PARAMETERS['inputs'])
@arg('targets', ndim=2, err_to_str=True, doc=PARAMETERS['targets'])
@arg('network', ndim=2, err_to_str=True, doc=PARAMETERS['network'])
def BACKPROP_GRADIENT_CHECK(weights, inputs, targets, network=None):
    """A row for each weight: analytic, numeric, relative difference, PASS or FAIL."""
    return call('BACKPROP_GRADIENT_CHECK', [weights, inputs, targets, network])


@func
@arg('weights', ndim=2, err_to_str=True, doc=PARAMETERS['weights'])
@arg('inputs', ndim=2, err_to_str=True, doc=PARAMETERS['inputs'])
@arg('targets', ndim=2, err_to_str=True, doc=PARAMETERS['targets'])
@arg('learning_rate', ndim=2, err_to_str=True, doc=PARAMETERS['learning_rate'])
@arg('epochs', ndim=2, err_to_str=True, doc=PARAMETERS['epochs'])
@arg('network', ndim=2, err_to_str=True, doc=PARAMETERS['network'])
@arg('optimizer', ndim=2, err_to_str=True, doc=PARAMETERS['optimizer'])
def BACKPROP_TRAIN(weights, inputs, targets, learning_rate, epochs, network=None, optimizer=None):
    """epochs + 1 rows: row n is the whole state before update n + 1, so row 0 is the start."""
    return call('BACKPROP_TRAIN', [weights, inputs, targets, learning_rate, epochs, network, optimizer])


@func
@arg('weights', ndim=2, err_to_str=True, doc=PARAMETERS['weights'])
@arg('inputs', ndim=2, err_to_str=True, doc=PARAMETERS['inputs'])
@arg('targets', ndim=2, err_to_str=True, doc=PARAMETERS['targets'])
@arg('learning_rates', ndim=2, err_to_str=True, doc=PARAMETERS['learning_rates'])
@arg('epochs', ndim=2, err_to_str=True, doc=PARAMETERS['epochs'])
@arg('network', ndim=2, err_to_str=True, doc=PARAMETERS['network'])
@arg('optimizer', ndim=2, err_to_str=True, doc=PARAMETERS['optimizer'])
def BACKPROP_SWEEP(weights, inputs, targets, learning_rates, epochs, network=None, optimizer=None):
    """E_total over the epochs: epochs + 1 rows, a column for each learning rate."""
    return call('BACKPROP_SWEEP', [weights, inputs, targets, learning_rates, epochs, network, optimizer])


@func
@arg('weights', ndim=2, err_to_str=True, doc=PARAMETERS['weights'])
@arg('inputs', ndim=2, err_to_str=True, doc=PARAMETERS['inputs'])
@arg('targets', ndim=2, err_to_str=True, doc=PARAMETERS['targets'])
@arg('learning_rates', ndim=2, err_to_str=True, doc=PARAMETERS['learning_rates'])
@arg('epochs', ndim=2, err_to_str=True, doc=PARAMETERS['epochs'])
@arg('network', ndim=2, err_to_str=True, doc=PARAMETERS['network'])
@arg('optimizer', ndim=2, err_to_str=True, doc=PARAMETERS['optimizer'])
def BACKPROP_CHAOS(weights, inputs, targets, learning_rates, epochs, network=None, optimizer=None):
    """A row: for each learning rate the first epoch whose E_total the last digits decide; epochs + 1 for none."""
    return call('BACKPROP_CHAOS', [weights, inputs, targets, learning_rates, epochs, network, optimizer])


@func
@arg('weights', ndim=2, err_to_str=True, doc=PARAMETERS['weights'])
@arg('inputs', ndim=2, err_to_str=True, doc=PARAMETERS['inputs'])
@arg('targets', ndim=2, err_to_str=True, doc=PARAMETERS['targets'])
@arg('network', ndim=2, err_to_str=True, doc=PARAMETERS['network'])
@arg('of', ndim=2, err_to_str=True, doc=PARAMETERS['of'])
def BACKPROP_ROUNDING(weights, inputs, targets, network=None, of=None):
    """How far apart two right computations may be, because each rounds: in the shape of those numbers."""
    return call('BACKPROP_ROUNDING', [weights, inputs, targets, network, of])


@func
@arg('weights', ndim=2, err_to_str=True, doc=PARAMETERS['weights'])
@arg('inputs', ndim=2, err_to_str=True, doc=PARAMETERS['inputs'])
@arg('network', ndim=2, err_to_str=True, doc=PARAMETERS['network'])
def BACKPROP_PREDICT(weights, inputs, network=None):
    """The outputs, a row for each row of inputs."""
    return call('BACKPROP_PREDICT', [weights, inputs, network])


@func
@arg('network', ndim=2, err_to_str=True, doc=PARAMETERS['network'])
@arg('kind', ndim=2, err_to_str=True, doc=PARAMETERS['kind'])
def BACKPROP_HEADERS(network, kind=None):
    """The names of the columns that the other functions give."""
    return call('BACKPROP_HEADERS', [network, kind])


@func
def BACKPROP_VERSION():
    """Version, Python, and where it runs."""
    return call('BACKPROP_VERSION', [])
