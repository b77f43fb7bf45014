"""One derivative of any expression, by each operation's slopes: a referee of the sheets' own derivations."""

from __future__ import annotations

import math
import random

import pytest

from pyfuncs.network import Network
from tests.descents import NETWORKS
from xlsx import chains, formulas
from xlsx.expressions import OPERATIONS, Expression, call, derivative, evaluate, name, names_in, number

X, Y, Z = name("x"), name("y"), name("z")
AT = {"x": 0.7, "y": 1.3, "z": -0.4, "t": 0.3}
PARTS = {
    **dict.fromkeys(("sigmoid", "tanh", "relu", "above_zero", "square", "root"), (X,)),
    "softmax": (X, X, Y, Z),
    "cross_entropy": (name("t"), Y, X, X, Y, Z),
    "binary_cross_entropy": (name("t"), Y, X),
    **dict.fromkeys("+-*/", (X, Y)),
    "^": (X, number(3)),
}


def central(expression: Expression, by: str, values: dict[str, float], step: float = 1e-6) -> float:
    up, down = (evaluate(expression, values | {by: values[by] + move}) for move in (step, -step))
    return (up - down) / (2 * step)


def test_every_operation_has_a_slope_in_the_table() -> None:
    assert set(PARTS) == set(OPERATIONS)


@pytest.mark.parametrize("operation", PARTS)
def test_the_slopes_of_an_operation_are_the_central_differences(operation: str) -> None:
    expression = Expression(operation, PARTS[operation])
    for by in dict.fromkeys(names_in(expression)):
        if operation.endswith("cross_entropy") and by == "y":
            continue  # read from a, but computed from z
        found = evaluate(derivative(expression, by), AT)
        assert found == pytest.approx(central(expression, by, AT), rel=1e-7, abs=1e-9)


def test_the_chain_rule_and_what_is_left_out() -> None:
    inner = call("square", X * Y - number(2))
    assert evaluate(derivative(call("sigmoid", inner), "x"), AT) == pytest.approx(
        central(call("sigmoid", inner), "x", AT), rel=1e-7
    )
    assert derivative(inner, "z") == number(0)
    assert derivative(X + Y, "x") == number(1)


def test_a_derivative_by_an_exponent_is_refused() -> None:
    with pytest.raises(ValueError, match="x stands in an exponent"):
        derivative(Y**X, "x")


@pytest.mark.parametrize("text", [*dict.fromkeys(NETWORKS), "2-3-2-1 tanh"])
def test_the_sheets_gradients_are_the_derivatives_of_their_own_loss(text: str) -> None:
    """E_total with everything put in, derived by each weight, against the formulas of dE/dw."""
    network = Network.parse(text)
    steps = {each.name: each.expression for each in (*formulas.forward(network), *formulas.losses(network))}
    loss = steps["E_total"]
    while set(names_in(loss)) & set(steps):
        loss = chains.replaced(loss, steps)
    chance = random.Random(3)
    values = {each: chance.uniform(0.1, 0.9) for each in (*network.input_names, *network.weight_names)}
    shares = [chance.uniform(0.1, 0.9) for _ in network.target_names]
    values |= {each: share / sum(shares) for each, share in zip(network.target_names, shares, strict=True)}
    for each in formulas.derivation(network):
        values[each.name] = evaluate(each.expression, values)
    for weight in network.weight_names:
        found = evaluate(derivative(loss, weight), values)
        assert math.isclose(found, values[f"dE/d{weight}"], rel_tol=1e-10, abs_tol=1e-13), weight
