"""The quantities of several samples: each sample's own, called "a_h1 #2", and the means that make the batch's loss."""

from __future__ import annotations

from dataclasses import replace

from pyfuncs.network import Network
from xlsx import formulas
from xlsx.expressions import Expression, name, number, renamed, total
from xlsx.formulas import Quantity


def derivation(network: Network, samples: int) -> list[Quantity]:
    """Every quantity from the inputs to dE/dw, each after those that it reads; the means come last."""
    alone, numbers = formulas.derivation(network), range(1, samples + 1)
    if samples == 1:
        return alone
    return [of_sample(network, each, sample) for sample in numbers for each in alone] + means(network, samples)


def of_sample(network: Network, quantity: Quantity, sample: int) -> Quantity:
    """A quantity of one sample of a batch: all names but those of weights get its number, such as "a_h1 #2"."""

    def numbered(text: str) -> str:
        return text if text in network.weight_names else f"{text} #{sample}"

    expression = renamed(quantity.expression, numbered)
    return Quantity(numbered(quantity.name), f"{quantity.meaning}, sample {sample}", expression)


def means(network: Network, samples: int) -> list[Quantity]:
    """E_k, E_total and dE/dw of a batch: the mean of its samples' own."""
    return [
        Quantity(each, f"{each}: mean of the {samples} samples", mean_of_samples(each, samples))
        for each in (*network.loss_names, *network.gradient_names)
    ]


def mean_of_samples(text: str, samples: int) -> Expression:
    return total(name(f"{text} #{sample}") for sample in range(1, samples + 1)) / number(samples)


def for_sample(network: Network, samples: int, quantity: Quantity) -> Quantity:
    """The quantity as it is called where it is one sample's and the batch's mean has the plain name."""
    if samples == 1:
        return quantity

    def called(text: str) -> str:
        return called_for_sample(network, samples, text)

    return replace(quantity, name=called(quantity.name), expression=renamed(quantity.expression, called))


def called_for_sample(network: Network, samples: int, text: str) -> str:
    """What the quantity of one sample is called."""
    has_mean = samples > 1 and text in {*network.loss_names, *network.gradient_names}
    return f"{text} (sample)" if has_mean else text
