"""One derivation gives each quantity's formula to read, its native formula and its value."""

import math
import re

import numpy as np
import pytest
from hypothesis import given, settings

from pyfuncs import propagation
from pyfuncs.descent import step
from pyfuncs.network import Network
from tests.networks import CANONICAL, STARTS, Case, canonical_case, cases, mazur_case
from xlsx import expressions, formulas

RATE = 0.5
SAMPLES = cases(samples=1).filter(lambda case: case.network.loss == "half-squared")
PARTS = (
    formulas.forward,
    formulas.losses,
    formulas.errors,
    formulas.deltas,
    formulas.gradients,
    formulas.updates,
)


def derivation(network: Network) -> list[formulas.Quantity]:
    return [quantity for part in PARTS for quantity in part(network)]


def given_values(case: Case) -> dict[str, float]:
    names = (*case.network.input_names, *case.network.target_names, *case.network.weight_names, "learning_rate")
    numbers = (*case.inputs[0], *case.targets[0], *case.weights, RATE)
    return dict(zip(names, map(float, numbers), strict=True))


def values(case: Case) -> dict[str, float]:
    """Every quantity of a case, by its expression."""
    known = given_values(case)
    for quantity in derivation(case.network):
        known[quantity.name] = expressions.evaluate(quantity.expression, known)
    return known


def read_aloud(text: str, known: dict[str, float]) -> float:
    """What a reader gets who follows the text of a formula with a pocket calculator."""
    python = text.replace("·", "*").replace("−", "-").replace("½", "0.5").replace("²", "**2").replace("^", "**")
    names = {"e": "math.e", "tanh": "math.tanh"}
    inserted = re.sub(
        r"[A-Za-z_][\w/]*",
        lambda word: f"({known[word[0]]!r})" if word[0] in known else names.get(word[0], word[0]),
        python,
    )
    return eval(inserted, {"math": math, "max": max})


def in_order(case: Case, names: tuple[str, ...]) -> list[float]:
    known = values(case)
    return [known[name] for name in names]


def test_the_formulas_of_2_2_2_read_as_in_the_exercise() -> None:
    read = {quantity.name: quantity.text for quantity in derivation(Network.parse("2-2-2"))}
    assert read["h2"] == "w3 · i1 + w4 · i2"
    assert read["a_h1"] == "1/(1 + e^(−h1))"
    assert read["o1"] == "w5 · a_h1 + w6 · a_h2"
    assert read["E2"] == "½ · (t2 − a_o2)²"
    assert read["E_total"] == "E1 + E2"
    assert read["dE/da_o1"] == "a_o1 − t1"
    assert read["dE/do1"] == "dE/da_o1 · a_o1 · (1 − a_o1)"
    assert read["dE/dh2"] == "(dE/do1 · w6 + dE/do2 · w8) · a_h2 · (1 − a_h2)"
    assert read["dE/dw3"] == "dE/dh2 · i1"
    assert read["dE/dw6"] == "dE/do1 · a_h2"
    assert read["new w7"] == "w7 − learning_rate · dE/dw7"


@pytest.mark.parametrize("start", STARTS)
def test_each_quantity_has_its_canonical_value(start: str) -> None:
    known = values(canonical_case(start))
    for name, expected in CANONICAL[start]["first"].items():
        assert known[name.replace("dE_d", "dE/d")] == pytest.approx(expected, abs=1e-15)


def test_mazurs_published_error_and_fixed_biases() -> None:
    known = values(mazur_case())
    assert known["E_total"] == pytest.approx(0.29837110876, abs=1e-11)
    assert known["new w5"] == pytest.approx(0.35891648, abs=1e-8)
    assert (known["new b1"], known["new b2"]) == (0.35, 0.6)
    assert known["dE/db2"] == pytest.approx(known["dE/do1"] + known["dE/do2"])


@given(SAMPLES)
@settings(max_examples=60)
def test_the_derivation_agrees_with_pyfuncs_on_random_networks(case: Case) -> None:
    network = case.network
    units = propagation.units(*case.arguments[:3])[0]
    np.testing.assert_allclose(in_order(case, network.unit_names), units, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(
        in_order(case, network.loss_names), propagation.loss(*case.arguments), rtol=1e-12, atol=1e-12
    )
    np.testing.assert_allclose(
        in_order(case, network.gradient_names), propagation.gradient(*case.arguments), rtol=1e-11, atol=1e-12
    )
    moved = tuple(f"new {weight}" for weight in network.weight_names)
    np.testing.assert_allclose(in_order(case, moved), step(*case.arguments, RATE), rtol=1e-11, atol=1e-12)


@given(SAMPLES)
@settings(max_examples=60)
def test_whoever_computes_the_text_gets_the_value(case: Case) -> None:
    known = values(case)
    for quantity in derivation(case.network):
        assert read_aloud(quantity.text, known) == pytest.approx(known[quantity.name], rel=1e-12, abs=1e-15)


@given(SAMPLES)
@settings(max_examples=30)
def test_the_numbers_put_in_give_the_value_to_their_six_decimals(case: Case) -> None:
    known = {name: round(value, expressions.SHOWN_DECIMALS) for name, value in values(case).items()}
    for quantity in derivation(case.network):
        shown = expressions.numbers_text(quantity.expression, known)
        expected = expressions.evaluate(quantity.expression, known)
        assert read_aloud(shown, {}) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_text_and_native_formula_name_the_same_quantities_in_the_same_order() -> None:
    for quantity in derivation(Network.parse("3-4-2-2 tanh relu bias")):
        named: list[str] = []

        def cell(name: str, named: list[str] = named) -> str:
            named.append(name)
            return name

        expressions.native(quantity.expression, cell)
        words = re.findall(r"[A-Za-z_][\w/]*", quantity.text)
        known = [word for word in words if word not in ("e", "tanh", "max", "if", "else")]
        assert named == known == list(expressions.names_in(quantity.expression))


def test_the_native_sigmoid_cannot_overflow() -> None:
    quantity = formulas.forward(Network.parse("2-1"))[1]
    assert expressions.native(quantity.expression, lambda name: "B2") == "IF(B2>=0,1/(1+EXP(-B2)),EXP(B2)/(1+EXP(B2)))"
    assert expressions.evaluate(quantity.expression, {"o1": 1000.0}) == 1
    assert expressions.evaluate(quantity.expression, {"o1": -1000.0}) == 0


def test_what_overflows_or_has_no_number_is_not_a_number() -> None:
    quantity = formulas.forward(Network.parse("1-1 sigmoid linear"))[0]
    assert math.isnan(expressions.evaluate(quantity.expression, {"w1": 1e200, "i1": 1e200}))
    assert math.isnan(expressions.evaluate(quantity.expression, {"w1": math.nan, "i1": 1.0}))


def test_a_connection_says_where_each_weight_and_bias_leads() -> None:
    assert formulas.connections(Network.parse("2-1-2 fixed-bias")) == {
        "w1": "i1 → h1",
        "w2": "i2 → h1",
        "b1": "1 → h1",
        "w3": "a_h1 → o1",
        "w4": "a_h1 → o2",
        "b2": "1 → o1 o2",
    }


def test_negative_numbers_put_in_stand_in_parentheses() -> None:
    error = formulas.errors(Network.parse("2-1"))[0]
    assert expressions.numbers_text(error.expression, {"a_o1": 0.25, "t1": -1.0}) == "0.25 − (-1)"
