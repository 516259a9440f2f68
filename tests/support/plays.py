"""Plays, which are a brain and the steps of a simulation, and their results, as plain data; `playing` runs them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.sparse import coo_array

from brainsim import (
    Activation,
    Area,
    Assembly,
    Brain,
    Connectivity,
    Explicit,
    Modulator,
    Oscillator,
    Plasticity,
    Random,
)
from brainsim import Trace as Eligibility


@dataclass(frozen=True)
class Size:
    """Neurons, winners, refraction and activation of an area; areas and links are named by their place in the play.

    Its first ``pattern`` neurons are an assembly that gates name.
    """

    n: int
    k: int
    refraction: float = 0.0
    activation: Activation | None = None
    pattern: int = 0


@dataclass(frozen=True)
class Signal:
    """A modulator, or an oscillator if it has a period; named by its place in the play."""

    baseline: float = 1.0
    decay: float = 1.0
    period: int | None = None


@dataclass(frozen=True)
class Phases:
    """A window of an oscillator."""

    signal: int
    start: int
    end: int


@dataclass(frozen=True)
class Link:
    """A fiber."""

    source: int
    target: int
    p: float
    rule: Plasticity | None = None
    label: str = ""
    given: bool = False  # explicit synapses instead of random ones
    graph: Connectivity | None = None  # another graph, with a density of about ``p``
    weight: float = 1.0
    modulators: tuple[int, ...] = ()
    trace: Eligibility | None = None
    gate: int | None = None  # an area
    by_pattern: bool = False  # the gate is the pattern of that area
    transmits: Phases | None = None
    learns: Phases | None = None


@dataclass(frozen=True)
class Present:
    """Present ``count`` neurons: ``first``, ``first + stride``, … modulo ``n``, repetitions left out."""

    area: int
    first: int
    count: int
    stride: int = 1


@dataclass(frozen=True)
class Recall:
    """Present the winners of ``back`` runs ago, without their ``gone`` first neurons and with ``come`` others."""

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
    learn: tuple[int, ...] | None = None


@dataclass(frozen=True)
class RunCycle:
    """A cycle of two phases; in the second one, only the links in ``learn`` learn."""

    links: tuple[int, ...]
    learn: tuple[int, ...]
    rounds: int
    cycles: int


@dataclass(frozen=True)
class Modulate:
    signal: int
    value: float


@dataclass(frozen=True)
class Reinforce:
    signal: int
    value: float


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

    ``into`` is ``"here"`` (the same simulator), ``"fresh"`` (a new one) or ``"reference"`` (a new one, which gets
    the state through a simulator of the reference backend).
    """

    slot: int
    into: str = "here"


Gating = Hold | Release | Silence | Inhibit | Disinhibit
Step = Present | Recall | Bias | Gating | Forget | Run | RunCycle | Modulate | Reinforce | Probe | Save | Load


@dataclass(frozen=True)
class Play:
    """A brain, its seed, and the steps of a simulation; ``budget`` bounds the work of the slow reference."""

    seed: int
    sizes: tuple[Size, ...]
    links: tuple[Link, ...]
    steps: tuple[Step, ...]
    budget: int = 400_000
    signals: tuple[Signal, ...] = ()


@dataclass
class Trace:
    """The results of a play; backends that give equal traces cannot be distinguished."""

    events: list[tuple[Any, ...]] = field(default_factory=list)
    end: dict[str, Any] = field(default_factory=dict)
    facts: Counter[str] = field(default_factory=Counter, compare=False)


def declared(play: Play) -> Brain:
    """Return the brain of a play."""
    brain = Brain()
    for number, size in enumerate(play.sizes):
        patterns = {"p": range(size.pattern)} if size.pattern else None
        brain.add(Area(f"A{number}", size.n, size.k, patterns, refraction=size.refraction, activation=size.activation))
    signals = [
        brain.add(Oscillator(f"M{at}", each.period) if each.period else Modulator(f"M{at}", each.baseline, each.decay))
        for at, each in enumerate(play.signals)
    ]
    for link in play.links:
        _connect(brain, link, signals)
    return brain


def _connect(brain: Brain, link: Link, signals: list[Modulator]) -> None:
    source, target = brain[f"A{link.source}"], brain[f"A{link.target}"]
    transmits, learns = (
        each and signals[each.signal].window(each.start, each.end) for each in (link.transmits, link.learns)
    )
    brain.connect(
        source,
        target,
        None,
        link.rule,
        graph=_given(link, source, target) if link.given else link.graph or Random(link.p),
        label=link.label,
        weight=link.weight,
        modulated_by=[signals[each] for each in link.modulators],
        trace=link.trace,
        gate=_gate(brain, link),
        transmits_when=transmits,
        learns_when=learns,
    )


def _gate(brain: Brain, link: Link) -> Area | Assembly | None:
    if link.gate is None:
        return None
    area = brain[f"A{link.gate}"]
    return area["p"] if link.by_pattern else area


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
