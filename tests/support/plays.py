"""A brain and what happens to it, and all that came of it, as plain data; `playing` has it happen."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.sparse import coo_array

from brainsim import Activation, Area, Brain, Explicit, Random
from brainsim.declare.plasticity import Plasticity


@dataclass(frozen=True)
class Affine(Plasticity):
    """A linear rule of a user: the weight can fall below the base weight, and to 0."""

    gain: float
    drift: float
    w_max: float = 10.0

    def step(self, w: float) -> float:
        return self.gain * w + self.drift


@dataclass(frozen=True)
class Curved(Plasticity):
    """A rule of a user that is not linear: towards a set point, the faster the smaller the weight."""

    rate: float
    target: float
    power: float
    w_max: float = 10.0

    def step(self, w: float) -> float:
        return self.rate * (self.target - w) / (1 + w) ** self.power


@dataclass(frozen=True)
class Size:
    """Neurons, winners, refraction and activation of an area; areas and links are named by their place in the play."""

    n: int
    k: int
    refraction: float = 0.0
    activation: Activation | None = None


@dataclass(frozen=True)
class Link:
    """A fiber."""

    source: int
    target: int
    p: float
    rule: Plasticity | None = None
    label: str = ""
    given: bool = False  # explicit synapses instead of random ones


@dataclass(frozen=True)
class Present:
    """Present ``count`` neurons: ``first``, ``first + stride``, … modulo ``n``, repetitions left out."""

    area: int
    first: int
    count: int
    stride: int = 1


@dataclass(frozen=True)
class Recall:
    """Present what fired in the area ``back`` runs ago, without its ``gone`` first neurons and with ``come`` others."""

    area: int
    back: int
    gone: int = 0
    come: int = 0


@dataclass(frozen=True)
class Bias:
    """Give every ``stride``-th neuron of an area one of these thresholds, in turn, and none to the others."""

    area: int
    thresholds: tuple[float, ...]
    stride: int = 1


@dataclass(frozen=True)
class Hold:
    areas: tuple[int, ...]


@dataclass(frozen=True)
class Release:
    areas: tuple[int, ...]


@dataclass(frozen=True)
class Silence:
    areas: tuple[int, ...]


@dataclass(frozen=True)
class Inhibit:
    areas: tuple[int, ...]
    links: tuple[int, ...]
    lock: str = "default"


@dataclass(frozen=True)
class Disinhibit:
    areas: tuple[int, ...]
    links: tuple[int, ...]
    lock: str | None = None


@dataclass(frozen=True)
class Forget:
    links: tuple[int, ...]


@dataclass(frozen=True)
class Run:
    links: tuple[int, ...]
    rounds: int
    until_stable: bool = False


@dataclass(frozen=True)
class Probe:
    """Steps inside `Simulator.frozen`."""

    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Save:
    pass


@dataclass(frozen=True)
class Load:
    """Go back to save number ``slot`` (modulo their number), if there is any.

    ``into`` is ``"here"`` (the same simulator), ``"fresh"`` (a new one) or ``"reference"`` (a new one, to which a
    simulator of the reference backend hands the state on).
    """

    slot: int
    into: str = "here"


Step = Present | Recall | Bias | Hold | Release | Silence | Inhibit | Disinhibit | Forget | Run | Probe | Save | Load


@dataclass(frozen=True)
class Play:
    """A brain, its seed, and what happens to it; ``budget`` bounds the work that the slow reference has with it."""

    seed: int
    sizes: tuple[Size, ...]
    links: tuple[Link, ...]
    steps: tuple[Step, ...]
    budget: int = 400_000


@dataclass
class Trace:
    """What came of a play; equal traces mean that the backends cannot be distinguished."""

    events: list[tuple[Any, ...]] = field(default_factory=list)
    end: dict[str, Any] = field(default_factory=dict)
    facts: Counter[str] = field(default_factory=Counter, compare=False)


def declared(play: Play) -> Brain:
    """Return the brain of a play."""
    brain = Brain()
    for number, size in enumerate(play.sizes):
        brain.add(Area(f"A{number}", size.n, size.k, refraction=size.refraction, activation=size.activation))
    for link in play.links:
        source, target = brain[f"A{link.source}"], brain[f"A{link.target}"]
        graph = _given(link, source, target) if link.given else Random(link.p)
        brain.connect(source, target, None, link.rule, graph=graph, label=link.label)
    return brain


def _given(link: Link, source: Area, target: Area) -> Explicit:
    """Return up to some thousand synapses with weights in quarters, some of them 0."""
    rng, pairs = np.random.default_rng(source.n + 7 * target.n), source.n * target.n
    at = np.unique(rng.integers(pairs, size=min(round(link.p * pairs), 5000)))
    most = 4.0 if link.rule is None else min(4.0, link.rule.w_max)
    weights = np.minimum(rng.integers(17, size=len(at)) / 4, most)
    return Explicit(coo_array((weights, (at // target.n, at % target.n)), shape=(source.n, target.n)))


def difference(ours: Trace, theirs: Trace) -> str:
    """Return the first difference between two traces, "" if there is none."""
    for number, (mine, other) in enumerate(zip(ours.events, theirs.events, strict=False)):
        if mine != other:
            return f"event {number}: {mine} is not {other}"
    if len(ours.events) != len(theirs.events):
        return f"{len(ours.events)} events, not {len(theirs.events)}"
    for name in ours.end:
        if ours.end[name] != theirs.end.get(name):
            return f"{name}: {ours.end[name]} is not {theirs.end.get(name)}"
    return "" if ours == theirs else "other names at the end"
