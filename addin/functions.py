"""The one table of cell functions: name, parameters, help and what computes it.

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
