"""The model with thalamic routing as a graph of areas and fibers, which ``brain.draw()`` shows."""

from __future__ import annotations

from itertools import pairwise

from brainsim._arguments import checked
from brainsim.declare.area import Area
from brainsim.declare.brain import Brain
from brainsim.declare.modulator import Modulator, Oscillator
from brainsim.declare.rules import Hebbian
from brainsim.networks.nokai.config import NokaiConfig

CORTICAL_AREAS = 4
"""Largest number of areas that stand for layers."""
ACTIVE = 0.125
"""Share of the neurons of a cortical area that fire; 87.5 % are silent."""


@checked()
def nokai_brain(config: NokaiConfig) -> Brain:
    """Declare the areas and fibers that the parts of a model stand for.

    It shows which parts are connected, and can be simulated like any brain; it does not contain the trained weights.

    Parameters
    ----------
    config : NokaiConfig
        Sizes: ``num_columns`` neurons in a cortical area, as many neurons among the tokens as there are tokens.

    Returns
    -------
    Brain
        Tokens, a thalamus with its reticular nucleus, the cortex, a hippocampus, a striatum, dopamine and theta.

    Raises
    ------
    DeclarationError
        If ``config`` is not a configuration of this model.

    Examples
    --------
    >>> from brainsim.networks.nokai.brain import nokai_brain
    >>> from brainsim.networks.nokai.config import NokaiConfig
    >>> sorted(nokai_brain(NokaiConfig.tiny()).areas)[:4]
    ['CA1', 'CA3', 'Cortex 1', 'Cortex 2']
    """
    brain, n = Brain(), config.num_columns
    dopamine = brain.add(Modulator("dopamine", baseline=0.5))
    theta = brain.add(Oscillator("theta", period=8))
    tokens = brain.add(Area("Tokens", config.vocab_size, min(config.vocab_size, 50)))
    thalamus, reticular = brain.add(_area("Thalamus", n), _area("Reticular", n))
    cortex = [brain.add(_area(name, n)) for name in _cortical(config.num_layers)]
    brain.connect(tokens, thalamus, 0.1)
    brain.connect(thalamus, reticular, 0.1)
    brain.connect(reticular, thalamus, 0.1, weight=-1.0)
    for before, area in zip([thalamus, *cortex[:-1]], cortex, strict=True):
        brain.connect(before, area, 0.1, Hebbian(0.1, w_max=10), modulated_by=dopamine)
        brain.connect(area, reticular, 0.1)
    _add_hippocampus(brain, cortex[-1], n, theta)
    for name in ("Striatum D1", "Striatum D2"):
        pathway = brain.add(Area(name, 10 * config.actions, 10))
        brain.connect(cortex[-1], pathway, 0.1, Hebbian(0.1, w_max=10), modulated_by=dopamine)
        brain.connect(pathway, thalamus, 0.1, weight=1.0 if name.endswith("1") else -1.0)
    brain.connect(cortex[-1], tokens, 0.1, Hebbian(0.1, w_max=10))
    return brain


def _area(name: str, n: int) -> Area:
    return Area(name, n, max(1, round(ACTIVE * n)))


def _cortical(layers: int) -> list[str]:
    """Return the names of the cortical areas; each stands for one or more layers."""
    ends = [round(layers * at / min(layers, CORTICAL_AREAS)) for at in range(min(layers, CORTICAL_AREAS) + 1)]
    return [
        f"Cortex {first + 1}" if last == first + 1 else f"Cortex {first + 1}-{last}" for first, last in pairwise(ends)
    ]


def _add_hippocampus(brain: Brain, cortex: Area, n: int, theta: Oscillator) -> None:
    """Add EC, DG, CA3 and CA1, which learn in one half of theta; CA1 projects back to the cortex."""
    ec, dg = brain.add(_area("EC", n), Area("DG", 10 * n, max(1, n // 10)))
    ca3, ca1 = brain.add(Area("CA3", n, max(1, n // 50)), Area("CA1", n, max(1, n // 50)))
    rule = Hebbian(8.0, w_max=9.0)
    brain.connect(cortex, ec, 0.1)
    brain.connect(ec, dg, 0.05)
    brain.connect(dg, ca3, 0.02, weight=30.0)
    for source, target in ((ec, ca3), (ca3, ca3), (ca3, ca1), (ca1, ec)):
        brain.connect(source, target, 0.2, rule, learns_when=theta.encoding)
    brain.connect(ca1, cortex, 0.1)
