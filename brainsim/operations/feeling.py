"""Emotion: active words have an emotion, and emotion changes dopamine, thresholds and noise."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from brainsim._arguments import checked
from brainsim.declare.area import Area
from brainsim.declare.assembly import Assembly
from brainsim.declare.fiber import Fiber
from brainsim.declare.modulator import Modulator
from brainsim.errors import DeclarationError
from brainsim.operations._checks import firing, generator, stimulus_of
from brainsim.operations._firing import presented
from brainsim.simulate.index import AreaLike
from brainsim.simulate.simulator import Simulator

CHANNELS = ("safety", "curiosity", "joy")


class Swaying(Protocol):
    """How an emotion changes a quantity, such as `brainsim.areas.Sway`."""

    def value(self, emotion: float) -> float:
        """Return the quantity for an emotion."""
        ...


@runtime_checkable
class Feeler(Protocol):
    """The parts of a region that the operations need.

    Attributes
    ----------
    words : Area
        A `VectorArea` with a node for each word.
    emotion : Fiber
        Of the area to itself, with the channels safety, curiosity and joy.
    dopamine : Modulator
        Which joy sets.
    joy, safety, curiosity : Swaying
        What they set: dopamine, the threshold and the noise of neurons.
    """

    words: Area
    emotion: Fiber
    dopamine: Modulator
    joy: Swaying
    safety: Swaying
    curiosity: Swaying


@dataclass(frozen=True)
class Feeling:
    """An emotion, and the quantities that it changes.

    Attributes
    ----------
    safety, curiosity, joy : float
        The emotional vector: the mean weight, in each channel, of the edges from the active words.
    dopamine : float
        Value of the modulator.
    threshold : float
        Added to the threshold of every neuron of an area.
    noise : float
        Standard deviation of noise on the drive of its neurons.
    """

    safety: float
    curiosity: float
    joy: float
    dopamine: float
    threshold: float
    noise: float


@checked("amygdala", "heard")
def feel(sim: Simulator, amygdala: Feeler, heard: Assembly | None = None) -> Feeling:
    """Read the emotion of the active words, set dopamine, and return both.

    The emotional vector is ``E_k = Σ_i Σ_j W_ij^k S_j / Σ_i Σ_j S_j`` over the edges that lead from active words ``j``
    to any word ``i``.  So even one word has an emotion, that of the edges to its neighbours.

    Parameters
    ----------
    sim : Simulator
        Of the brain of the amygdala.
    amygdala : Feeler
        Such as `brainsim.areas.Amygdala`.
    heard : Assembly, optional
        Words that are active during the read-out; by default those that are already active.

    Raises
    ------
    DeclarationError
        If the region has not the parts of `Feeler`, is of another brain, or what is heard is no assembly of its words.
    SimulationError
        If no word is active.

    Examples
    --------
    >>> from brainsim.areas import Amygdala
    >>> from brainsim.operations import feel
    >>> brain = Brain()
    >>> dopamine = brain.add(Modulator("dopamine"))
    >>> amygdala = brain.add(Amygdala(words=10, dim=4, dopamine=dopamine))
    >>> with Simulator(brain, seed=1) as sim:
    ...     feel(sim, amygdala, Assembly("Amygdala.Words", [1, 2]))
    Feeling(safety=0.0, curiosity=0.0, joy=0.0, dopamine=1.0, threshold=0.0, noise=0.0)
    """
    words = _words("feel", sim, amygdala)
    if heard is not None:
        if stimulus_of("feel", sim, heard) is not words:
            raise DeclarationError(where="feel.heard", value=heard, allowed=f"an assembly of area {words.name!r}")
        with presented(sim, heard):
            return _felt(sim, amygdala, heard)
    return _felt(sim, amygdala, firing("feel", sim, words))


def _felt(sim: Simulator, amygdala: Feeler, active: Assembly) -> Feeling:
    edges = sim.edges(amygdala.emotion)
    missing = [name for name in CHANNELS if name not in edges.channels]
    if missing:
        allowed = f"a fiber with the channels {', '.join(CHANNELS)}"
        raise DeclarationError(where="feel.amygdala.emotion", value=amygdala.emotion, allowed=allowed)
    rows = [edges.row(int(node))[1] for node in active.neurons]
    weights = edges.weights[np.concatenate(rows)].mean(axis=0, dtype=np.float64) if sum(map(len, rows)) else None
    felt = {name: 0.0 if weights is None else float(weights[edges.channels.index(name)]) for name in CHANNELS}
    feeling = Feeling(
        **felt,
        dopamine=amygdala.joy.value(felt["joy"]),
        threshold=amygdala.safety.value(felt["safety"]),
        noise=amygdala.curiosity.value(felt["curiosity"]),
    )
    sim.set_modulator(amygdala.dopamine, feeling.dopamine)
    return feeling


@contextmanager
@checked("feeling")
def swayed(sim: Simulator, area: AreaLike, feeling: Feeling, *, rng: int | np.random.Generator) -> Iterator[None]:
    """Give the neurons of an area the threshold and the noise of a feeling during a ``with`` block.

    Parameters
    ----------
    sim : Simulator
        Its thresholds change during the block.
    area : Area or str
        Where they change.
    feeling : Feeling
        What `feel` returned.
    rng : int or numpy.random.Generator
        Draws the noise of each neuron, once; a generator goes on from block to block.

    Raises
    ------
    DeclarationError
        If the area is of another brain, or the feeling is none.

    Examples
    --------
    >>> from brainsim.operations import swayed
    >>> from brainsim.operations.feeling import Feeling
    >>> brain = Brain()
    >>> area = brain.add(Area("A", 100, 10))
    >>> with Simulator(brain, seed=1) as sim:
    ...     with swayed(sim, area, Feeling(0.0, 0.0, 0.0, dopamine=1.0, threshold=2.5, noise=0.0), rng=1):
    ...         print(sim.thresholds(area).mean())
    ...     print(sim.thresholds(area).mean())
    2.5
    0.0
    """
    if not isinstance(feeling, Feeling):
        raise DeclarationError(where="swayed.feeling", value=feeling, allowed="what feel returned")
    found, random = sim.brain.area(area), generator("swayed", rng)
    noise = random.normal(0.0, feeling.noise, found.n) if feeling.noise else 0.0
    with sim.temporary_thresholds(found, sim.thresholds(found) + feeling.threshold + noise):
        yield


def _words(operation: str, sim: Simulator, amygdala: Feeler) -> Area:
    if not isinstance(amygdala, Feeler):
        raise DeclarationError(
            where=f"{operation}.amygdala",
            value=amygdala,
            allowed="a region with the parts of Feeler",
            cure="see brainsim.areas.Amygdala",
        )
    return sim.brain.area(amygdala.words)
