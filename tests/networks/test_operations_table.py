"""The table of 184 operations: complete, finite, and correct at known points."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from brainsim.errors import DeclarationError
from brainsim.networks.operations import FIELDS, Formula, Operation, operations

BY_NAME = {operation.name: operation for operation in operations()}

# name, a, b, value: calculated by hand, or published
KNOWN = [
    ("hypotenuse", 3, 4, 5),
    ("logarithm", 8, 2, 3),
    ("root", 27, 3, 3),
    ("greatest_common_divisor", 12, 18, 6),
    ("least_common_multiple", 4, 6, 12),
    ("binomial_coefficient", 5, 2, 10),
    ("remainder", 17, 5, 2),
    ("harmonic_mean", 2, 6, 3),
    ("law_of_cosines", 5, math.pi / 3, 5),
    ("poisson_probability", 1, 0, math.exp(-1)),
    ("geometric_series", 2, 4, 15),
    ("geometric_series", 1, 4, 4),
    ("arithmetic_series", 1, 4, 10),
    ("annuity", 0.1, 1, 1.1),
    ("larger_root", 1, 2, 2),
    ("rosenbrock", 1, 1, 0),
    ("himmelblau", 3, 2, 0),
    ("cone_volume", 1, 3, math.pi),
    ("kinetic_energy", 2, 3, 9),
    ("pendulum_period", 9.81, 9.81, 2 * math.pi),
    ("projectile_range", 9.81, math.pi / 4, 9.81),
    ("parallel_resistance", 6, 3, 2),
    ("carnot_efficiency", 300, 600, 0.5),
    ("lens_image_distance", 6, 3, 6),
    ("time_dilation", 0.6, 10, 8),
    ("relativistic_gamma", 0.8, 3, 5),
    ("photon_energy", 620, 1, 2),
    ("radioactive_decay", 80, 3, 10),
    ("sound_level", 100, 1, 20),
    ("stefan_boltzmann", 1, 300, 459.27),
    ("ph_of_acid", 0.1, 0.1, 2),
    ("henderson_hasselbalch", 0.5, 0.5, 4.76),
    ("nernst_potential", 0.1, 1, -0.0592),
    ("transmittance", 1, 2, 0.01),
    ("graham_diffusion", 32, 2, 4),
    ("boiling_elevation", 1, 2, 1.024),
    ("freezing_depression", 1, 1, -1.86),
    ("faraday_electrolysis", 1, 964.85, 10),
    ("michaelis_menten", 4, 0.5, 2),
    ("hill_equation", 1, 3, 0.5),
    ("hardy_weinberg", 0.5, 0, 0.5),
    ("body_mass_index", 81, 1.8, 25),
    ("nernst_membrane", 100, 10, 61.5),
    ("logistic_growth", 0.5, 1, 0.75),
    ("bayes_posterior", 0.5, 0.8, 0.8),
    ("goguen_implication", 0.8, 0.4, 0.5),
    ("goedel_implication", 0.8, 0.4, 0.4),
    ("lukasiewicz_implication", 0.8, 0.4, 0.6),
    ("bitwise_xor", 5, 3, 6),
    ("hamming_distance", 5, 3, 2),
    ("subset", 2, 6, 1),
    ("divides", 3, 6, 1),
    ("divides", 4, 6, 0),
    ("shift_left", 3, 2, 12),
]


def test_there_are_184_operations_in_five_fields() -> None:
    assert Counter(operation.field for operation in operations()) == dict(
        zip(FIELDS, (60, 45, 25, 20, 34), strict=True)
    )
    assert len(BY_NAME) == 184


def test_all_descriptions_differ() -> None:
    every = [text for each in operations() for text in (each.description, each.paraphrase, each.held_out)]
    assert len(set(every)) == 3 * 184
    assert min(map(len, every)) > 8


FUNCTION_WORDS = """a an the of to in on at by and or is are it its that which how much what two one some from with for as
    if be has have than after when while so not no both each another other""".split()


def stems(text: str) -> set[str]:
    """Return the first five letters of each content word."""
    return {word.strip(".,:;()?").lower()[:5] for word in text.split()} - {word[:5] for word in FUNCTION_WORDS}


@pytest.mark.parametrize("operation", operations(), ids=lambda operation: operation.name)
def test_the_held_out_description_is_a_rewording(operation: Operation) -> None:
    """It shares a content word with the other descriptions, so that it can be recognised, and repeats neither."""
    held_out = stems(operation.held_out)
    assert held_out & (stems(operation.description) | stems(operation.paraphrase))
    for other in (operation.description, operation.paraphrase):
        assert operation.held_out.lower().split() != other.lower().split()
        assert {*operation.held_out.lower().split()} != {*other.lower().split()}


@pytest.mark.parametrize(("name", "a", "b", "value"), KNOWN)
def test_known_values(name: str, a: float, b: float, value: float) -> None:
    assert float(BY_NAME[name].formula(a, b)) == pytest.approx(value, rel=1e-4, abs=1e-12)


@pytest.mark.parametrize("operation", operations(), ids=lambda operation: operation.name)
def test_values_are_finite_and_vary_on_the_domain(operation: Operation) -> None:
    values = operation.grid(8)
    assert values.shape == (8, 8)
    assert np.isfinite(values).all()
    symbols = operation.symbols(8, 16)
    assert symbols.min() == 0 < symbols.max() < 16
    order = np.argsort(values, axis=None)
    assert (np.diff(symbols.ravel()[order]) >= 0).all()


@pytest.mark.parametrize(
    "text",
    ["__import__('os')", "a.real", "c", "a if b else 1", "[a]", "a @ b", "open(a)", "'text'", "sqrt(a, out=b)", "a +", "True", "a\0"],
)  # fmt: skip
def test_text_that_is_no_formula_is_refused(text: str) -> None:
    with pytest.raises(DeclarationError, match=r"Formula\.text"):
        Formula(text)


def test_invalid_arguments_are_refused() -> None:
    xor = BY_NAME["bitwise_xor"]
    for wrong in (
        lambda: xor.operands("c", 8),
        lambda: xor.grid(1),
        lambda: xor.symbols(8, 0),
        lambda: xor.formula("x", 1),
    ):
        with pytest.raises(DeclarationError):
            wrong()
    with pytest.raises(DeclarationError, match=r"Operation\.a"):
        Operation("x", "logic", Formula("a"), "7..0", "0:1", "1", "", "", "")
