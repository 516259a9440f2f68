"""The modulated model as a graph of areas and fibers, which ``brain.draw()`` shows."""

from __future__ import annotations

from brainsim._arguments import checked
from brainsim.declare.area import Area
from brainsim.declare.brain import Brain
from brainsim.networks.geometric.model import GeometricConfig

MOST_LAYERS = 4
"""Largest number of areas that stand for layers."""


@checked()
def geometric_brain(config: GeometricConfig) -> Brain:
    """Declare the areas and fibers that the parts of a model stand for.

    It shows which parts are connected, and can be simulated like any brain; it does not contain the trained weights.

    Parameters
    ----------
    config : GeometricConfig
        Sizes: as many neurons among the tokens as there are tokens, ``dim`` in a layer, ``coordinates`` in theta.

    Returns
    -------
    Brain
        Tokens, a predictor and theta, layers to which theta leads as well, and the next token.

    Raises
    ------
    DeclarationError
        If ``config`` is not a configuration of this model.

    Examples
    --------
    >>> from brainsim.networks.geometric.brain import geometric_brain
    >>> from brainsim.networks.geometric_presets import GEOMETRIC_TINY
    >>> sorted(geometric_brain(GEOMETRIC_TINY).areas)
    ['Layer 1', 'Layer 2', 'Next token', 'Predictor', 'Theta', 'Tokens']
    """
    brain, dim = Brain(), config.base.dim
    tokens, predictor, theta = brain.add(
        Area("Tokens", config.vocabulary, min(config.vocabulary, 50)),
        _area("Predictor", config.predictor),
        _area("Theta", config.coordinates),
    )
    brain.connect(tokens, predictor, 0.1)
    brain.connect(predictor, theta, 0.1)
    before = tokens
    for number in range(min(config.layers, MOST_LAYERS)):
        layer = brain.add(_area(f"Layer {number + 1}", dim))
        brain.connect(before, layer, 0.1)
        brain.connect(theta, layer, 0.1)
        before = layer
    brain.connect(before, brain.add(Area("Next token", config.vocabulary, min(config.vocabulary, 50))), 0.1)
    return brain


def _area(name: str, n: int) -> Area:
    return Area(name, n, max(1, n // 8))
