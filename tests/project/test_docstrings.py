"""The examples in docstrings run and print the documented output."""

from __future__ import annotations

import doctest
import importlib
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

import brainsim
from blocks import patterns
from brainsim import Area, Brain, Hebbian, Simulator
from checkout import ROOT

PACKAGES = {"brainsim": ROOT / "brainsim", "brainsim.areas": ROOT / "areas", "brainsim.kernels": ROOT / "kernels"}


def _examples() -> Iterator[Any]:
    for package, folder in PACKAGES.items():
        for path in sorted(folder.rglob("*.py")):
            if ">>> " in path.read_text():
                inner = [part for part in path.relative_to(folder).with_suffix("").parts if part != "__init__"]
                needs_torch = "networks" in inner
                if needs_torch and not find_spec("torch"):
                    continue
                module = importlib.import_module(".".join([package, *inner]))
                for found in doctest.DocTestFinder(exclude_empty=True).find(module):
                    if found.examples:
                        yield pytest.param(found, id=found.name, marks=[pytest.mark.torch] * needs_torch)


@pytest.fixture
def namespace() -> Iterator[dict[str, Any]]:
    """Names that examples may use: the public names, and a small brain with areas for words and symbols."""
    brain, k = Brain(), 30
    phon, lex = brain.add(Area("Phon", 100, k, {"dog": range(k), "cat": range(k, 2 * k)}), Area("Lex", 1000, k))
    symbol, state, arc = brain.add(
        Area("Symbol", 100, k, patterns("01", k)),
        Area("State", 100, k, {"even": range(k), "odd": range(k, 2 * k)}),
        Area("Arc", 1500, k, refraction=0.1),
    )
    for source, target in ((phon, lex), (lex, lex), (symbol, arc), (state, arc), (arc, state)):
        brain.connect(source, target, p=0.5, plasticity=Hebbian(beta=0.1))
    with Simulator(brain, seed=1) as sim:
        public = {name: getattr(brainsim, name) for name in brainsim.__all__}
        here = {"brain": brain, "phon": phon, "lex": lex, "sim": sim, "rng": np.random.default_rng(0)}
        yield {**public, "np": np, **here}


@pytest.mark.filterwarnings("ignore::brainsim.UnusedWarning")  # an example uses a part of the brain
@pytest.mark.parametrize("example", list(_examples()))
def test_examples_print_the_documented_output(example: doctest.DocTest, namespace: dict[str, Any]) -> None:
    differences: list[str] = []
    example.globs = {**example.globs, **namespace}
    doctest.DocTestRunner(verbose=False, optionflags=doctest.NORMALIZE_WHITESPACE).run(example, out=differences.append)
    assert not differences, "".join(differences)
