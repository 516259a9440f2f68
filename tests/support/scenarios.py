"""Random brains and schedules, and their results on any backend as traces that can be compared."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np

from brainsim.kernels.backend import Backend
from brainsim.kernels.law.graph import Graph, fiber_key
from brainsim.kernels.law.rules import Update
from brainsim.kernels.law.selection import area_key
from brainsim.kernels.law.weights import ONE
from brainsim.kernels.program import AreaSpec, FiberSpec, Options, Program
from brainsim.kernels.reference import ReferenceBackend
from brainsim.kernels.state import Thresholds
from driving import Driven

HEBBIAN = Update.affine(0.1, 0.0, 20.0)
SATURATING = Update.affine(-0.03, 0.3, 10.0)
TABLED = Update.tabled(lambda weight: 0.2 * math.exp(-2.0 * (weight - 1.0)), 8.0)
RULES = (HEBBIAN, SATURATING, Update.affine(0.06, 0.0, 32_767.0), None)


@dataclass(frozen=True)
class Scenario:
    """A brain and its rounds, each a tuple ``(stimuli, open fibers, held areas, learn)``.

    ``thresholds`` maps the number of a round to the thresholds that are set before it, by area.
    """

    program: Program
    rounds: tuple[tuple[dict[int, list[int]], list[int], set[int], bool], ...]
    thresholds: Mapping[int, Mapping[int, Thresholds]] = field(default_factory=dict)


def scenario(number: int, sizes: tuple[int, ...] = (200, 700, 2500), rounds: int = 14) -> Scenario:
    """Return a scenario drawn from ``number``: mixed p, rules and recurrence, stimuli, gates, held and silent areas."""
    rng = np.random.default_rng(number)
    areas = tuple(
        AreaSpec(f"A{i}", n, int(rng.integers(1, max(2, n // 20))), key=area_key(number, f"A{i}"))
        for i, n in enumerate(sizes)
    )
    fibers = []
    for source in range(len(sizes)):
        for target in range(len(sizes)):
            if rng.random() < 0.75:
                p = float(
                    rng.choice([0.0, 0.004, 0.02, 0.05, 0.2, 0.6, 1.0], p=[0.04, 0.2, 0.2, 0.3, 0.16, 0.06, 0.04])
                )
                graph = Graph(
                    fiber_key(number, areas[source].name, areas[target].name, ""),
                    sizes[source],
                    sizes[target],
                    min(p, 0.02 * 2500 / sizes[target]) if sizes[target] > 2500 else p,
                    source == target,
                )
                rule = RULES[rng.integers(len(RULES))]
                fibers.append(FiberSpec(f"F{len(fibers)}", source, target, graph, rule))
    plan: list[Any] = []
    pool = [np.sort(rng.choice(sizes[0], areas[0].k, replace=False)).tolist() for _ in range(3)]
    for r in range(rounds):
        stimuli: dict[int, list[int]] = {0: pool[rng.integers(3)]} if r % 3 == 0 else {}
        if rng.random() < 0.15:
            stimuli[int(rng.integers(len(sizes)))] = []
        opened = [f for f in range(len(fibers)) if rng.random() < 0.7]
        fixed = {a for a in range(len(sizes)) if rng.random() < (0.7 if a == 0 else 0.15)}
        plan.append((stimuli, opened, fixed, bool(rng.random() < 0.85)))
    return Scenario(Program(areas, tuple(fibers)), tuple(plan))


def settled(number: int, rounds: int = 30) -> Scenario:
    """Return a scenario in which assemblies settle: few stimuli, repeated, and rules that learn fast."""
    rng = np.random.default_rng(number)
    sizes = (("S", 90, 30), ("A", 3000, 25), ("B", 2000, 20))
    areas = tuple(AreaSpec(name, n, k, key=area_key(number, name)) for name, n, k in sizes)
    fibers = tuple(
        FiberSpec(
            f"F{source}{target}",
            source,
            target,
            Graph(
                fiber_key(number, areas[source].name, areas[target].name, ""),
                areas[source].n,
                areas[target].n,
                0.1,
                source == target,
            ),
            (Update.affine(0.4, 0.0, 20.0), SATURATING)[int(rng.integers(2))],
        )
        for source, target in ((0, 1), (0, 2), (1, 1), (1, 2), (2, 1), (1, 0))
    )
    plan: list[Any] = []
    for r in range(rounds):
        start = 30 * int(rng.integers(3))
        stimuli = {0: list(range(start, start + 30))} if r % 6 == 0 else {}
        plan.append((stimuli, list(range(len(fibers))), {0}, True))
    return Scenario(Program(areas, fibers), tuple(plan))


def excitable(number: int) -> Scenario:
    """Return a scenario with areas that refract, thresholds above and below 0, and rules that are tables."""
    rng = np.random.default_rng(number)
    case = scenario(number)
    areas = tuple(replace(area, refraction=int(rng.choice([0, 6554, ONE, 8 * ONE]))) for area in case.program.areas)
    fibers = tuple(
        replace(fiber, update=TABLED) if fiber.update and rng.random() < 0.4 else fiber for fiber in case.program.fibers
    )
    thresholds: dict[int, dict[int, Thresholds]] = {}
    for round_ in rng.choice(len(case.rounds), 5, replace=False).tolist():
        area = int(rng.integers(len(areas)))
        count = int(rng.choice([0, 3, areas[area].n // 2, areas[area].n]))
        neurons = np.sort(rng.choice(areas[area].n, count, replace=False))
        amount = rng.integers(-4 * ONE, 12 * ONE, count)
        if round_ % 2:
            amount = np.where(rng.random(count) < 0.5, 2**62 - 1, 1)
        thresholds.setdefault(round_, {})[area] = Thresholds(neurons, amount)
    return Scenario(Program(areas, fibers), case.rounds, thresholds)


def named(kind: str, number: int) -> Scenario:
    """Return a scenario of a kind, ``"mixed"`` or ``"excitable"``."""
    return {"mixed": scenario, "excitable": excitable}[kind](number)


@cache
def settled_reference(number: int) -> tuple[Scenario, list[Any]]:
    """Return a settled scenario and its trace on the reference backend, which takes seconds."""
    case = settled(number)
    return case, trace(ReferenceBackend, case, Options())


def trace(backend_class: type[Backend], case: Scenario, options: Options) -> list[Any]:
    """Run a scenario and return the winners of every area after every round, and all learned synapses at the end."""
    backend = Driven(backend_class(case.program, options))
    seen: list[Any] = []
    for number, (stimuli, opened, fixed, learn) in enumerate(case.rounds):
        for area, neurons in stimuli.items():
            backend.set_winners(area, neurons)
        for area, thresholds in case.thresholds.get(number, {}).items():
            backend.set_thresholds(area, thresholds)
        backend.round(opened, fixed, learn=learn)
        seen.append((backend.stable(), [backend.winners(area).tolist() for area in range(len(case.program.areas))]))
    seen.append([[column.tolist() for column in backend.learned(f)] for f in range(len(case.program.fibers))])
    seen.append([[column.tolist() for column in backend.thresholds(a)] for a in range(len(case.program.areas))])
    backend.close()
    return seen
