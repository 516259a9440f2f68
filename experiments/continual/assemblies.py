"""Operations as assemblies: each disinhibits a part of an area, in which pairs of operands are linked to results."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean
from typing import Any

import numpy as np

from brainsim import Area, Assembly, Brain, Hebbian, OneToOne, Plasticity, Simulator, StatisticalHebbian
from brainsim.studies.parts import Part
from continual.shared import LEVELS, RESULTS, TEACHES, K, Neurons, ordered

CODES, MEETING = 10_000, 20_000  # neurons of the areas of operations and operands, and of the one where operands meet
DISINHIBITS = 1000.0  # above any drive from the meeting area
# One co-firing saturates a synapse.  Some results are frequent in most operations, and a pair of operands drives mostly
# the same neurons in all of them; weights that count co-firings would favour the frequent results.
LEARNED = Hebbian(8.0, 9.0)
COUNTS = StatisticalHebbian(0.9, 16.0)
RULES: dict[str, Plasticity] = {"counted": COUNTS, "relabelled": COUNTS, "beta_zero": Hebbian(0.0, 16.0)}


def _share(n: int) -> float:
    return 0.1 if n <= 50_000 else 0.05 if n <= 500_000 else 0.02


class Calculator:
    """A brain that learns operations: the gated area, its inputs, and the results."""

    def __init__(self, arm: str, n: int, gate: float, count: int, seed: int, **options: Any) -> None:
        brain = Brain()
        self.operation, self.first, self.second = brain.add(
            Area("Operation", CODES, K), Area("First", CODES, K), Area("Second", CODES, K)
        )
        self.meeting, gated, self.result = brain.add(
            Area("Meeting", MEETING, K), Area("Gated", n, K), Area("Result", RESULTS, 1)
        )
        self.teacher = brain.add(Area("Teacher", RESULTS, 1))
        self._meet = brain.connect(self.first, self.meeting, 0.1), brain.connect(self.second, self.meeting, 0.1)
        drives = [brain.connect(self.meeting, gated, 0.1)]
        self._opens = None
        if arm == "ungated":
            drives.append(brain.connect(self.operation, gated, 0.1))
        else:
            gates = brain.add(Area("Gate", n, max(K, round((gate or _share(n)) * n))))
            self._opens = brain.connect(self.operation, gates, 0.1)
            drives.append(brain.connect(gates, gated, graph=OneToOne(), weight=DISINHIBITS))
        self._drives = drives
        self._votes = brain.connect(gated, self.result, 1.0, RULES.get(arm, LEARNED))
        self._teaches = brain.connect(self.teacher, self.result, graph=OneToOne(), weight=TEACHES)
        rng = np.random.default_rng([seed, 2])
        self._operands = [[rng.choice(CODES, K, replace=False) for _ in range(LEVELS)] for _ in range(2)]
        self._codes = [rng.choice(CODES, K, replace=False) for _ in range(count)]
        self.sim = Simulator(brain, seed, **options)
        self._met: dict[tuple[int, int], Assembly] = {}

    def _pairs(self, operation: int) -> Iterator[tuple[int, int]]:
        """Let the gated area fire for each pair of operands in turn."""
        self.sim.present(Assembly("Operation", self._codes[operation]))
        if self._opens is not None:
            self.sim.run(self._opens, learn=())
        for a, b in np.ndindex(LEVELS, LEVELS):
            self._let_meet(a, b)
            self.sim.run(self._drives, learn=())
            yield a, b

    def _let_meet(self, a: int, b: int) -> None:
        """Let two operands meet; since no fiber to the area learns, the same assembly fires whenever they do."""
        if (a, b) in self._met:
            self.sim.present(self._met[a, b])
            return
        self.sim.present(Assembly("First", self._operands[0][a]), Assembly("Second", self._operands[1][b]))
        self.sim.run(self._meet, learn=())
        self._met[a, b] = self.sim.assembly(self.meeting)

    def learn(self, operation: int, symbols: Neurons) -> None:
        """Present each pair of operands with its result, once."""
        for a, b in self._pairs(operation):
            self.sim.silence(self.result)
            self.sim.present(Assembly("Teacher", [symbols[a, b]]))
            self.sim.run(self._teaches, learn=self._votes)
        self.sim.silence(self.teacher, self.result)

    def answers(self, operation: int) -> Neurons:
        """Return the result that fires for each pair of operands, shape ``(8, 8)``."""
        found = np.zeros((LEVELS, LEVELS), np.int64)
        with self.sim.frozen():
            for a, b in self._pairs(operation):
                self.sim.silence(self.result)
                self.sim.run(self._votes, learn=())
                found[a, b] = self.sim.assembly(self.result).neurons[0]
        return found


def assembled(part: Part, arm: str, n: int, gate: float, count: int, seed: int) -> dict[str, float]:
    """Learn operations as assemblies, one after the other; return accuracies and whether answers stay the same."""
    symbols = [each.symbols(LEVELS, RESULTS) for each in ordered(count, seed)]
    if arm == "relabelled":
        rng = np.random.default_rng([seed, 4])
        symbols = [rng.permutation(RESULTS)[each] for each in symbols]
    after = []
    calculator = Calculator(arm, n, gate, count, seed, **part.simulator)
    with calculator.sim:
        for at in range(count):
            calculator.learn(at, symbols[at])
            after.append(calculator.answers(at))
        final = [calculator.answers(at) for at in range(count)]
    gated_by_another = np.roll(final, -1, axis=0)  # what the next operation answers to the same pairs of operands
    return {
        "just_after": float(np.mean(np.array(after) == symbols)),
        "final": float(np.mean(np.array(final) == symbols)),
        "same_bits": float(np.mean(np.array(final) == after)),
        "other_gate": float(np.mean(gated_by_another == np.array(symbols))),
        "most_frequent": fmean(float(np.bincount(each.ravel()).max()) / each.size for each in symbols),
    }
