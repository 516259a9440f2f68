"""Random brains with signed weights, depression, gates, traces, channels and topography, and rounds with any rates."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple, TypeVar
from zlib import crc32

import numpy as np

from brainsim.kernels.law.graph import Graph, fiber_key
from brainsim.kernels.law.rules import LARGEST_RATE, Depression, Update
from brainsim.kernels.law.selection import area_key
from brainsim.kernels.law.taper import Tapered
from brainsim.kernels.law.weights import ONE, to_fixed
from brainsim.kernels.parts import AssemblyGate, ChannelGate, Channels, Explicit, TopK, Traced
from brainsim.kernels.program import AreaSpec, FiberSpec, Program
from brainsim.kernels.state import Synapses, Thresholds

T = TypeVar("T")

PARTS: Mapping[str, frozenset[type]] = {
    "weights": frozenset(),
    "depression": frozenset({Depression}),
    "traces": frozenset({Traced}),
    "gates": frozenset({ChannelGate, AssemblyGate}),
    "channels": frozenset({Channels}),
    "topography": frozenset({Tapered}),
}
"""The kinds of scenarios, each with signed weights, floors and rates, and the parts that it needs beside them."""
ALL = "all"
CROWDED = "crowded"
"""All parts at once, with stimuli larger than k of their areas, and with any rates, also tiny ones."""
KINDS = (*PARTS, ALL, CROWDED)

SIZES = (120, 240, 600, 2400)
SMALL = (60, 60, 120, 240)
BASES = (-2.0, -1.0, 0.25, 1.0, 1.0, 1.0, 3.0, 100.0)
CHANCES = (0.02, 0.05, 0.1, 0.2, 0.5)
WIDTHS = (0.02, 0.1, 0.5)
_STIMULI = 3


class Round(NamedTuple):
    """A round, the state that is set before it, and the reinforcements after it.

    ``learning`` maps fibers to rates as `plan_round` takes them; ``reinforced`` holds pairs of a fiber and a rate.
    """

    opened: tuple[int, ...]
    held: frozenset[int]
    learn: bool
    stimuli: Mapping[int, list[int]]
    learning: Mapping[int, int] | None
    reinforced: tuple[tuple[int, int], ...]
    thresholds: Mapping[int, Thresholds]


@dataclass(frozen=True)
class Varied:
    """A brain, the synapses that its stored graphs begin with, by fiber, and its rounds."""

    program: Program
    synapses: Mapping[int, Synapses]
    rounds: tuple[Round, ...]

    def needs(self) -> set[type]:
        """Return the kinds of parts of this brain."""
        parts = {type(area.activation) for area in self.program.areas}
        for fiber in self.program.fibers:
            parts |= {type(each) for each in (fiber.graph, fiber.update, fiber.depression, fiber.gate, fiber.trace)}
        return parts - {type(None)}


@cache
def varied(kind: str, number: int, sizes: tuple[int, ...] = SIZES, rounds: int = 14) -> Varied:
    """Return a scenario of one of the `KINDS`, drawn from ``number``; areas of ``sizes`` have common divisors."""
    draw = _Drawing(kind, number, sizes)
    areas = tuple(draw.area(f"A{a}", n) for a, n in enumerate(sizes))
    pairs = [(source, target) for source in range(len(sizes)) for target in range(len(sizes))]
    ends = [*((0, target) for target in range(1, len(sizes))), *(end for end in pairs if draw.chance(0.45))]
    fibers = tuple(draw.fiber(f"F{f}", *end, areas) for f, end in enumerate(ends))
    synapses = {f: draw.synapses(fiber) for f, fiber in enumerate(fibers) if isinstance(fiber.graph, Explicit)}
    program = Program(areas, fibers)
    return Varied(program, synapses, tuple(draw.round(r, program) for r in range(rounds)))


class _Drawing:
    """Draws the parts of a scenario."""

    def __init__(self, kind: str, number: int, sizes: tuple[int, ...]) -> None:
        self.sizes = sizes
        self.rng = np.random.default_rng([number, crc32(kind.encode())])
        self.number = number
        self.features = set(PARTS) if kind in (ALL, CROWDED) else {kind}
        self.crowded = kind == CROWDED
        self.pool = [self.some_of(sizes[0], 12) for _ in range(_STIMULI)]

    def chance(self, p: float, feature: str = "") -> bool:
        return (not feature or feature in self.features) and bool(self.rng.random() < p)

    def one_of(self, items: tuple[T, ...]) -> T:
        return items[int(self.rng.integers(len(items)))]

    def some_of(self, n: int, count: int) -> list[int]:
        chosen: list[int] = np.sort(self.rng.choice(n, count, replace=False)).tolist()
        return chosen

    def area(self, name: str, n: int) -> AreaSpec:
        k, key = int(self.rng.integers(1, n // 20 + 1)), area_key(self.number, name)
        refraction = self.one_of((6554, ONE)) if self.chance(0.2) else 0
        if name != "A0" and self.chance(0.7, "channels"):
            size = math.gcd(n, self.one_of((1, 2, 5, 10, 20, 40)))
            return AreaSpec(name, n, size * (k // size + 1), refraction, key, Channels(size))
        return AreaSpec(name, n, k, refraction, key, TopK())

    def fiber(self, name: str, source: int, target: int, areas: tuple[AreaSpec, ...]) -> FiberSpec:
        key, n_source, n_target = fiber_key(self.number, name, "", ""), areas[source].n, areas[target].n
        graph: Graph = Graph(key, n_source, n_target, self.one_of(CHANCES), source == target)
        base = self.one_of(BASES)
        if self.chance(0.1):
            base, graph = 0.0, Explicit(key, n_source, n_target, 0.0, source == target)
        elif self.chance(0.6, "topography"):
            p = self.one_of((0.2, 0.5, 1.0))
            graph = Tapered(key, n_source, n_target, p, source == target, width=self.one_of(WIDTHS))
        update = self.update(base) if isinstance(graph, Explicit) or self.chance(0.85) else None
        learns = update is not None and self.chance(0.7, "depression")
        return FiberSpec(
            name,
            source,
            target,
            graph,
            update,
            base=to_fixed(base),
            depression=self.depression(base, update) if update and learns else None,
            gate=self.gate(n_source, areas) if self.chance(0.6, "gates") else None,
            trace=self.trace() if update and self.chance(0.7, "traces") else None,
        )

    def update(self, base: float) -> Update:
        low, high = base - self.one_of((0.0, 0.5, 3.0)), base + self.one_of((1.0, 4.0, 40.0))
        low += 1.0 if self.chance(0.15) else 0.0  # a base weight below the floor
        high = max(high, low + 1.0)
        steps: tuple[Callable[[], Update], ...] = (
            lambda: Update.affine(self.one_of((0.1, 0.7)), 0.0, high, low),
            lambda: Update.affine(-0.3 / (high - low), 0.3 * high / (high - low), high, low),
            lambda: Update.affine(0.0, self.one_of((0.25, 1.0, -1.0)), high, low),
            lambda: Update.tabled(lambda w: 0.5 * math.exp(low - w) + 0.01 * w, high, low),
        )
        return self.one_of(steps)()

    def depression(self, base: float, update: Update) -> Depression:
        low, high = update.floor / ONE, update.ceiling / ONE
        floor, losers = self.one_of((max(base, low), low)), self.chance(0.4)
        steps: tuple[Callable[[], Depression], ...] = (
            lambda: Depression.affine(0.0, -self.one_of((0.1, 0.5, 2.0)), high, floor, base, losers=losers),
            lambda: Depression.affine(-0.3, 0.3 * base, high, floor, base, losers=losers),
            lambda: Depression.tabled(lambda w: -0.2 * (w - low) ** 2, high, floor, base, losers=losers),
        )
        return self.one_of(steps)()

    def gate(self, n_source: int, areas: tuple[AreaSpec, ...]) -> ChannelGate | AssemblyGate:
        area = int(self.rng.integers(len(areas)))
        n = areas[area].n
        if self.chance(0.4):
            assembly = self.some_of(n, max(1, areas[area].k // 4))
            return AssemblyGate(area, tuple(assembly)) if self.chance(0.3) else AssemblyGate(0, tuple(self.pool[0][:9]))
        channels = self.one_of(tuple(c for c in (3, 6, 12, 30, 60) if n % c == 0 and n_source % c == 0))
        return ChannelGate(area, n // channels, n_source // channels)

    def trace(self) -> Traced:
        decay = self.one_of((0.0, 0.5, 0.8, 1.0))
        return Traced(tuple(round(decay**age * ONE) for age in range(int(self.rng.integers(1, 5)))))

    def synapses(self, fiber: FiberSpec) -> Synapses:
        """Return synapses with weights in quarters on both sides of 0, within the bounds of the rule."""
        assert fiber.update is not None
        low, high = fiber.smallest_weight, fiber.update.ceiling
        n, m = fiber.graph.n_source, fiber.graph.n_target
        at = np.unique(self.rng.integers(n * m, size=4000))
        at = at[at // m != at % m] if fiber.graph.recurrent else at
        weights = np.clip(self.rng.integers(-8, 17, len(at)) * (ONE // 4), low, high)
        return Synapses(at // m, at % m, weights)

    def rate(self) -> int:
        if self.crowded and self.chance(0.5):
            most = self.one_of((3, 2000, LARGEST_RATE))
            return int(self.rng.integers(-most, most + 1))
        fraction = int(self.rng.integers(-2 * ONE, 2 * ONE))
        return self.one_of((0, ONE, ONE, fraction, -ONE, LARGEST_RATE, -LARGEST_RATE))

    def round(self, number: int, program: Program) -> Round:
        fibers = range(len(program.fibers))
        stimuli = {0: self.pool[int(self.rng.integers(_STIMULI))]} if number % 3 == 0 else {}
        if self.chance(0.2):
            area = int(self.rng.integers(1, len(self.sizes)))
            stimuli[area] = self.some_of(self.sizes[area], program.areas[area].k) if self.chance(0.7) else []
        if self.crowded:
            stimuli |= self.crowds(program)
        learning = {f: self.rate() for f in fibers if self.chance(0.6)} if self.chance(0.7) else None
        traced = [f for f in fibers if program.fibers[f].trace]
        return Round(
            opened=tuple(f for f in fibers if self.chance(0.7)),
            held=frozenset(a for a in range(len(self.sizes)) if self.chance(0.8 if a == 0 else 0.1)),
            learn=self.chance(0.85),
            stimuli=stimuli,
            learning=learning,
            reinforced=tuple((f, self.rate()) for f in traced if self.chance(0.4)),
            thresholds=self.thresholds(program) if self.chance(0.1) else {},
        )

    def crowds(self, program: Program) -> dict[int, list[int]]:
        """Return stimuli, most of which have more neurons than k of their areas."""
        chosen = [area for area in range(len(self.sizes)) if self.chance(0.15)]
        wanted = {area: self.one_of((1, 3 * program.areas[area].k + 20, program.areas[area].n // 2)) for area in chosen}
        return {area: self.some_of(self.sizes[area], min(self.sizes[area], count)) for area, count in wanted.items()}

    def thresholds(self, program: Program) -> dict[int, Thresholds]:
        area = int(self.rng.integers(len(self.sizes)))
        n = program.areas[area].n
        neurons = np.array(self.some_of(n, int(self.one_of((3, n // 2)))), np.int64)
        return {area: Thresholds(neurons, self.rng.integers(-2 * ONE, 6 * ONE, len(neurons)))}
