"""The brain of a cascade: one area of words with a fiber to itself."""

from __future__ import annotations

from brainsim.declare.brain import Brain
from brainsim.declare.fiber import Fiber
from brainsim.declare.graph import Connectivity
from brainsim.declare.message import Cosine
from brainsim.declare.relax import Relax
from brainsim.declare.vector_area import VectorArea
from brainsim.kernels.vectors.parts import LARGEST_WEIGHT
from brainsim.models.cascade.design import Cascade
from brainsim.models.cascade.norms import CHANNELS

WORDS, EMOTION = "Words", "emotion"
"""Names of the area and, as a label, of its fiber to itself."""


def declare(cascade: Cascade, graph: Connectivity) -> tuple[Brain, VectorArea, Fiber]:
    """Return a brain, its area of words, and the fiber that carries the cascade over a graph."""
    brain = Brain()
    words = brain.add(VectorArea(WORDS, n=cascade.n, dim=cascade.dim, k=min(cascade.window, cascade.n)))
    links = brain.connect(
        words,
        words,
        graph=graph,
        message=_message(cascade),
        channels=dict(zip(CHANNELS, cascade.mix, strict=True)),
        weight=cascade.weight,
        plasticity=_rule(cascade),
        label=EMOTION,
    )
    return brain, words, links


def _message(cascade: Cascade) -> Cosine:
    return Cosine(
        cascade.keep,
        norm="sum" if cascade.literal else cascade.norm,
        anchor=cascade.anchor,
        active=not cascade.everywhere,
        onto="self" if cascade.literal else "neighbour",
    )


def _rule(cascade: Cascade) -> Relax:
    rates = dict(zip(CHANNELS, cascade.rates, strict=True))
    if cascade.literal:
        return Relax(rates, target="product", w_min=-LARGEST_WEIGHT, w_max=LARGEST_WEIGHT)
    return Relax(rates, target=cascade.target)
