"""One derivation gives each quantity's formula to read, its native formula and its value."""

import math
import re

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pyfuncs import optimizers, propagation
from pyfuncs.descent import history, step
from pyfuncs.network import Network
from tests.networks import CANONICAL, DEFAULT, STARTS, Case, canonical_case, cases, mazur_case
from xlsx import batches, expressions, formulas

RATE = 0.5
A, B, C = map(expressions.name, "abc")
TEXTS = {"sgd": "sgd", "momentum": "momentum 0.8", "adam": "adam 0.8 0.99 1e-6"}
NUMBERS = {"beta": 0.8, "beta1": 0.8, "beta2": 0.99, "epsilon": 1e-6}


def derivation(network: Network, samples: int = 1) -> list[formulas.Quantity]:
    return batches.derivation(network, samples) + formulas.updates(network)


def given_values(case: Case) -> dict[str, float]:
    """The numbers of a case by name; those of a batch's samples by name and number."""
    known = dict(zip(case.network.weight_names, map(float, case.weights), strict=True)) | {"learning_rate": RATE}
    for sample, numbers in enumerate(np.hstack([case.inputs, case.targets]).tolist(), 1):
        number = f" #{sample}" if len(case.inputs) > 1 else ""
        names = [text + number for text in case.network.input_names + case.network.target_names]
        known |= zip(names, numbers, strict=True)
    return known


def values(case: Case) -> dict[str, float]:
    """Every quantity of a case, by its expression."""
    return computed(derivation(case.network, len(case.inputs)), given_values(case))


def computed(quantities: list[formulas.Quantity], known: dict[str, float]) -> dict[str, float]:
    for quantity in quantities:
        known[quantity.name] = expressions.evaluate(quantity.expression, known)
    return known


NAME = r"(?<![\w.])(?:new )?[A-Za-z_][A-Za-z0-9_/]*(?: #\d+)?"


def read_aloud(text: str, known: dict[str, float]) -> float:
    """What a reader gets who follows the text of a formula with a pocket calculator."""
    python = text.replace("·", "*").replace("−", "-").replace("½", "0.5").replace("²", "**2").replace("^", "**")
    python = python.replace("√", "math.sqrt")
    names = {"e": "math.e", "tanh": "math.tanh", "ln": "math.log"}
    inserted = re.sub(
        NAME,
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


@given(cases(samples=1))
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


@given(cases(samples=1))
@settings(max_examples=60)
def test_whoever_computes_the_text_gets_the_value(case: Case) -> None:
    known = values(case)
    rounding = 1e-15 * max(1.0, *map(abs, known.values()))  # a small number may be the sum of large ones
    for quantity in derivation(case.network):
        assert read_aloud(quantity.text, known) == pytest.approx(known[quantity.name], rel=1e-12, abs=rounding)


def unlikely(network: str) -> Case:
    """Outputs so near to 0 and 1 that six decimals do not tell them apart."""
    parsed = Network.parse(network)
    weights = np.linspace(-18.0, 18.0, len(parsed.weight_names))
    return Case(parsed, weights, np.ones((1, parsed.sizes[0])), np.full((1, parsed.sizes[-1]), 0.25))


@given(cases(samples=1))
@example(unlikely("1-1-2 tanh softmax"))
@example(unlikely("1-1-2 tanh sigmoid cross-entropy"))
@example(unlikely("1-1-2 tanh sigmoid"))
@settings(max_examples=30)
def test_the_numbers_put_in_give_the_value_to_their_six_decimals(case: Case) -> None:
    exact = values(case)
    rounded = {name: round(value, expressions.SHOWN_DECIMALS) for name, value in exact.items()}
    logged = {name: exact[name] for name in exact if name.startswith("a_o") and rounded[name] in (0, 1)}
    for quantity in derivation(case.network):
        known = rounded | (logged if "ln(" in quantity.text else {})
        shown = expressions.numbers_text(quantity.expression, known)
        assert read_aloud(shown, {}) == pytest.approx(read_aloud(quantity.text, known), rel=1e-9, abs=1e-9)


def test_text_and_native_formula_name_the_same_quantities_in_the_same_order() -> None:
    half_squared, softmax = Network.parse("3-4-2-2 tanh relu bias"), Network.parse("2-2-3 tanh softmax")
    for quantity in derivation(half_squared) + formulas.forward(softmax) + formulas.deltas(softmax):
        named: list[str] = []

        def cell(name: str, named: list[str] = named) -> str:
            named.append(name)
            return name

        expressions.native(quantity.expression, cell)
        words = re.findall(NAME, quantity.text)
        known = [word for word in words if word not in ("e", "tanh", "max", "if", "else")]
        assert named == known == list(expressions.names_in(quantity.expression))


def test_the_native_sigmoid_cannot_overflow() -> None:
    quantity = formulas.forward(Network.parse("2-1"))[1]
    assert expressions.native(quantity.expression, lambda name: "B2") == "IF(B2>=0,1/(1+EXP(-B2)),EXP(B2)/(1+EXP(B2)))"
    assert expressions.evaluate(quantity.expression, {"o1": 1000.0}) == 1
    assert expressions.evaluate(quantity.expression, {"o1": -1000.0}) == 0


def test_softmax_and_cross_entropy_read_as_in_textbooks() -> None:
    read = {quantity.name: quantity.text for quantity in derivation(Network.parse("2-2-3 sigmoid softmax"))}
    assert read["a_o2"] == "e^o2 / (e^o1 + e^o2 + e^o3)"
    assert read["E3"] == "−t3 · ln(a_o3)"
    assert read["E_total"] == "E1 + E2 + E3"
    assert read["dE/do1"] == "a_o1 · (t1 + t2 + t3) − t1"
    assert read["dE/dh1"] == "(dE/do1 · w5 + dE/do2 · w7 + dE/do3 · w9) · a_h1 · (1 − a_h1)"
    read = {quantity.name: quantity.text for quantity in derivation(Network.parse("2-2-2 cross-entropy"))}
    assert read["E1"] == "−t1 · ln(a_o1) − (1 − t1) · ln(1 − a_o1)"
    assert read["dE/do2"] == "a_o2 − t2"
    assert "dE/da_o1" not in read


def test_the_native_softmax_and_cross_entropy_take_no_power_above_1_and_no_logarithm_of_0() -> None:
    known = {quantity.name: quantity.expression for quantity in derivation(Network.parse("1-2 sigmoid softmax"))}
    cell = {"o1": "B1", "o2": "B2", "t1": "B3", "a_o1": "B4"}.get
    assert expressions.native(known["a_o1"], cell) == "EXP(B1-MAX(B1,B2))/(EXP(B1-MAX(B1,B2))+EXP(B2-MAX(B1,B2)))"
    sum_of_powers = "LN(EXP(B1-MAX(B1,B2))+EXP(B2-MAX(B1,B2)))"
    assert expressions.native(known["E1"], cell) == f"B3*({sum_of_powers}+MAX(B1,B2)-B1)"
    binary = formulas.losses(Network.parse("1-1 cross-entropy"))[0]
    assert expressions.native(binary.expression, cell) == "MAX(B1,0)-B3*B1+LN(1+EXP(-ABS(B1)))"


@pytest.mark.parametrize(
    ("text", "z", "targets"),
    [
        ("1-1 cross-entropy", [1000.0], [0.0]),
        ("1-1 cross-entropy", [-1000.0], [0.25]),
        ("1-3 sigmoid softmax", [1000.0, -1000.0, 1000.0], [0.0, 1.0, 0.0]),
        ("1-3 sigmoid softmax", [-1000.0, 1000.0, 0.0], [0.25, 0.5, 0.25]),
    ],
)
def test_cross_entropy_of_saturated_units_is_exact(text: str, z: list[float], targets: list[float]) -> None:
    case = Case(Network.parse(text), np.array(z), np.ones((1, 1)), np.array([targets]))
    assert in_order(case, case.network.loss_names) == propagation.loss(*case.arguments).tolist()
    assert in_order(case, case.network.gradient_names) == propagation.gradient(*case.arguments).tolist()


def test_momentum_and_adam_read_as_in_textbooks() -> None:
    network = Network.parse("1-1")
    read = {q.name: q.text for q in formulas.states(network, "adam") + formulas.updates(network, "adam")}
    assert read == {
        "new update": "update + 1",
        "new m_w1": "beta1 · m_w1 + (1 − beta1) · dE/dw1",
        "new v_w1": "beta2 · v_w1 + (1 − beta2) · (dE/dw1)²",
        "new m_hat_w1": "new m_w1 / (1 − beta1^new update)",
        "new v_hat_w1": "new v_w1 / (1 − beta2^new update)",
        "new w1": "w1 − learning_rate · new m_hat_w1 / (√(new v_hat_w1) + epsilon)",
    }
    read = {q.name: q.text for q in formulas.states(network, "momentum") + formulas.updates(network, "momentum")}
    assert read == {"new v_w1": "beta · v_w1 + dE/dw1", "new w1": "w1 − learning_rate · new v_w1"}


def test_every_optimizer_of_pyfuncs_is_derived_with_its_own_numbers() -> None:
    assert list(formulas.RULES) == list(optimizers.RULES)
    for rule, numbers in optimizers.SETTINGS.items():
        quantities = formulas.states(DEFAULT, rule) + formulas.updates(DEFAULT, rule)
        read = {found for quantity in quantities for found in expressions.names_in(quantity.expression)}
        assert {setting.name for setting in numbers} == read & NUMBERS.keys()


@given(cases(samples=1), st.sampled_from(list(TEXTS)))
@settings(max_examples=40)
def test_an_optimizers_derivation_agrees_with_pyfuncs_update_by_update(case: Case, rule: str) -> None:
    network, known = case.network, given_values(case) | NUMBERS
    quantities, new = formulas.states(network, rule), formulas.updates(network, rule)
    known |= {quantity.name.removeprefix("new "): 0.0 for quantity in quantities}
    for expected in history(*case.arguments, RATE, 4, TEXTS[rule])[1:]:
        if not np.isfinite(expected).all():  # it diverged, and nobody reads that aloud
            break
        moved = computed([*formulas.derivation(network), *quantities, *new], dict(known))
        assert all(read_aloud(q.text, moved) == pytest.approx(moved[q.name], rel=1e-12) for q in [*quantities, *new])
        known |= {quantity.name.removeprefix("new "): moved[quantity.name] for quantity in [*quantities, *new]}
        np.testing.assert_allclose([known[w] for w in network.weight_names], expected, rtol=1e-9, atol=1e-9)


@given(cases(samples=4))
@settings(max_examples=40)
def test_a_batch_is_derived_sample_by_sample_and_agrees_with_pyfuncs(case: Case) -> None:
    network, count = case.network, len(case.inputs)
    numbers = [f" #{sample}" for sample in range(1, count + 1)] if count > 1 else [""]
    units = [in_order(case, tuple(unit + number for unit in network.unit_names)) for number in numbers]
    np.testing.assert_allclose(units, propagation.units(*case.arguments[:3]), rtol=1e-12, atol=1e-12)
    for names, function in ((network.loss_names, propagation.loss), (network.gradient_names, propagation.gradient)):
        np.testing.assert_allclose(in_order(case, names), function(*case.arguments), rtol=1e-11, atol=1e-12)
    moved = tuple(f"new {weight}" for weight in network.weight_names)
    np.testing.assert_allclose(in_order(case, moved), step(*case.arguments, RATE), rtol=1e-11, atol=1e-12)


def test_only_the_weights_are_shared_by_the_samples_of_a_batch() -> None:
    read = {quantity.name: quantity.text for quantity in derivation(Network.parse("2-1 bias"), 2)}
    assert read["o1 #2"] == "w1 · i1 #2 + w2 · i2 #2 + b1"
    assert read["dE/dw2 #1"] == "dE/do1 #1 · i2 #1"
    assert read["E_total"] == "(E_total #1 + E_total #2) / 2"
    assert read["dE/dw2"] == "(dE/dw2 #1 + dE/dw2 #2) / 2"
    assert read["new w2"] == "w2 − learning_rate · dE/dw2"


@pytest.mark.parametrize(
    ("expression", "text", "value"),
    [
        (A - (B - C), "a − (b − c)", 9 - (6 - 2)),
        (A - B - C, "a − b − c", 9 - 6 - 2),
        (A / (B / C), "a / (b / c)", 9 / (6 / 2)),
        (A / (B * C), "a / (b · c)", 9 / (6 * 2)),
        (A / B * C, "a / b · c", 9 / 6 * 2),
        ((A + B) / C, "(a + b) / c", (9 + 6) / 2),
        (A - B / C, "a − b / c", 9 - 6 / 2),
        ((A - B) ** C, "(a − b)^c", (9 - 6) ** 2),
        (A * B**C, "a · b^c", 9 * 6**2),
        (A ** (C**C), "a^(c^c)", 9 ** (2**2)),
        ((A**C) ** C, "(a^c)^c", (9**2) ** 2),
        (A - expressions.call("square", B), "a − b²", 9 - 6**2),
        (expressions.call("square", A - B), "(a − b)²", (9 - 6) ** 2),
    ],
)
def test_parentheses_stand_where_they_must(expression: expressions.Expression, text: str, value: float) -> None:
    known = {"a": 9.0, "b": 6.0, "c": 2.0}
    assert expressions.text(expression) == text
    assert expressions.evaluate(expression, known) == value
    assert read_aloud(text, known) == value


def test_a_division_by_zero_and_a_root_of_a_negative_number_are_not_numbers() -> None:
    assert math.isnan(expressions.evaluate(A / B, {"a": 1.0, "b": 0.0}))
    assert math.isnan(expressions.evaluate(expressions.call("root", A), {"a": -1.0}))
    assert math.isnan(expressions.evaluate(A**B, {"a": 10.0, "b": 400.0}))


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
    squared = expressions.call("square", expressions.name("a_h1"))
    assert expressions.numbers_text(squared, {"a_h1": -0.5}) == "(-0.5)²"
