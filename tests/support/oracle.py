"""A second, dense simulation of the law, written from docs/concepts/law.md alone, against which the reference is checked.

Weights are matrices over all pairs of neurons, and a trace is a matrix of such pairs for each age: nothing is sparse,
and no step, gate, selection or trace of `brainsim.kernels` is used.  Only the draws of the random graph and the hashes
that order ties come from there; they have their own tests.  `Oracle.facts` counts the cases that occurred.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from math import exp
from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim.kernels.law.graph import GOLDEN, Graph, mix64
from brainsim.kernels.law.rows import row_targets
from brainsim.kernels.law.rules import Depression, Update
from brainsim.kernels.law.selection import hashes, input_tag, tie_order
from brainsim.kernels.law.taper import TAPER_STREAM, Tapered
from brainsim.kernels.parts import AssemblyGate, ChannelGate, Channels, Explicit
from brainsim.kernels.program import AreaSpec, FiberSpec, Program
from varied import Round, Varied

Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
ONE = 2**16


def nearest(value: Numbers, bits: int) -> Numbers:
    """Return ``value / 2**bits`` rounded to nearest, halves upwards."""
    return np.floor_divide(value + 2 ** (bits - 1), 2**bits)


def towards(base: int, weight: Numbers, value: Numbers, bits: int) -> Numbers:
    """Return ``value / 2**bits`` rounded so that a weight it is added to lies nearer to the base."""
    return np.where(weight >= base, np.floor_divide(value, 2**bits), -np.floor_divide(-value, 2**bits))


def item(rule: Update | Depression, weight: Numbers) -> Numbers:
    """Return the items of the table of a rule for some weights; items begin at the floor and are equally wide."""
    begins = rule.floor + 2**rule.shift * np.arange(1, len(rule.steps), dtype=np.int64)
    return np.array(rule.steps, np.int64)[np.searchsorted(begins, weight, side="right")]


def potentiated(rule: Update, weight: Numbers, rate: int) -> Numbers:
    step = item(rule, weight) if rule.steps else nearest(rule.gain * weight + rule.drift, 28)
    return np.clip(weight + nearest(rate * step, 16), np.minimum(rule.floor, weight), rule.ceiling)


def depressed(rule: Depression, weight: Numbers, rate: int) -> Numbers:
    if rule.steps:
        step = item(rule, weight)
    else:
        step = towards(rule.base, weight, rule.gain * (weight - rule.base) + rule.drift, 28)
    moved = weight + towards(rule.base, weight, rate * step, 16)
    return np.clip(moved, np.minimum(rule.floor, weight), rule.ceiling)


def exists(graph: Graph) -> Flags:
    """Return which pairs of neurons have a synapse."""
    found = np.zeros((graph.n_source, graph.n_target), np.bool_)
    if isinstance(graph, Explicit):
        return found
    plain = Graph(graph.key, graph.n_source, graph.n_target, graph.p, graph.recurrent)
    for i in range(graph.n_source):
        found[i, row_targets(plain, i)] = True
    return found & kept(graph) if isinstance(graph, Tapered) else found


def kept(graph: Tapered) -> Flags:
    """Return which synapses of a random graph a topographic fiber keeps: hashes below a Gaussian of the distance."""
    table = [exp(-(((each + 0.5) / 4096 / graph.width) ** 2) / 2) for each in range(4096)]
    at, to = (np.array([i * (2**63 // n) // 2**31 for i in range(n)]) for n in (graph.n_source, graph.n_target))
    rows = []
    for i in range(graph.n_source):
        drawn = hashes(mix64((mix64(graph.key ^ TAPER_STREAM) + (i + 1) * GOLDEN) % 2**64), np.arange(graph.n_target))
        distance = np.abs(to - at[i]) // 2**20
        rows.append((drawn >> np.uint64(32)) / 2**32 < np.array(table)[distance])
    return np.array(rows)


class Oracle:
    """A brain of matrices; it runs the rounds of a `Varied` and keeps the state that `watching.state` names."""

    def __init__(self, case: Varied) -> None:
        self.program: Program = case.program
        self.facts: Counter[str] = Counter()
        self.fires = [np.zeros(area.n, np.bool_) for area in self.program.areas]
        self.amount = [np.zeros(area.n, np.int64) for area in self.program.areas]
        self.thresholds = [np.zeros(area.n, np.int64) for area in self.program.areas]
        self.exists, self.weight, self.stored, self.traces, self.sent = [], [], [], [], []
        for f, fiber in enumerate(self.program.fibers):
            pairs = exists(fiber.graph)
            weight = np.where(pairs, fiber.base, 0)
            if f in case.synapses:
                given = case.synapses[f]
                pairs[given.pre, given.post], weight[given.pre, given.post] = True, given.weight
            self.exists.append(pairs)
            self.weight.append(weight)
            self.stored.append(pairs.copy() if f in case.synapses else np.zeros_like(pairs))
            self.traces.append([np.zeros_like(pairs) for _ in fiber.trace.rates] if fiber.trace else [])
            self.sent.append(np.zeros(fiber.graph.n_source, np.int64))

    def round(self, each: Round) -> None:
        """Set the stimuli and thresholds of a round, and run it."""
        for area, neurons in each.stimuli.items():
            self.fires[area] = np.isin(np.arange(self.program.areas[area].n), neurons)
            self.amount[area] = np.zeros_like(self.amount[area])
        for area, thresholds in each.thresholds.items():
            self.thresholds[area] = np.zeros_like(self.thresholds[area])
            self.thresholds[area][thresholds.neurons] = thresholds.amount
        before, firing = list(self.fires), [self._firing(fiber) for fiber in self.program.fibers]
        for area in range(len(self.program.areas)):
            into = [f for f in each.opened if self.program.fibers[f].target == area]
            if into and area not in each.held:
                self._select(area, into, firing, each.learn)
        if each.learn:
            rates = dict.fromkeys(each.opened, ONE) if each.learning is None else each.learning
            for f, fiber in enumerate(self.program.fibers):
                able = f in rates and fiber.learns
                if able and rates[f]:
                    self._learn(f, firing[f], before[fiber.target], rates[f])
                    self.facts["rates other than 1"] += rates[f] != ONE
                    self.facts["learns without transmitting"] += f not in each.opened and bool(firing[f].any())
                if fiber.trace:
                    self._remember(f, firing[f], able)

    def _firing(self, fiber: FiberSpec) -> Flags:
        """Return which neurons fire at a fiber: those of its source that pass its gate."""
        fires, gate = self.fires[fiber.source], fiber.gate
        if gate is None:
            return fires
        gating = self.fires[gate.area]
        if isinstance(gate, ChannelGate):
            channel_is_open = gating.reshape(-1, gate.size).any(axis=1)
            passing = fires & np.repeat(channel_is_open, gate.width)
            self.facts["gated by channel, some pass"] += bool(passing.any() and (passing != fires).any())
        else:
            assert isinstance(gate, AssemblyGate)
            is_open = gating[list(gate.neurons)].mean() >= 0.5
            passing = fires & is_open
            self.facts["gated by assembly, open" if is_open else "gated by assembly, closed"] += bool(fires.any())
        self.facts["neurons kept back by gates"] += int((fires & ~passing).sum())
        return passing

    def _select(self, area: int, into: list[int], firing: list[Flags], learn: bool) -> None:
        spec = self.program.areas[area]
        drive = -self.thresholds[area]
        for f in into:
            drive = drive + self.weight[f][firing[f]].sum(axis=0)
            self.sent[f] += firing[f]
        tag = input_tag((self.program.fibers[f].graph.key, np.flatnonzero(firing[f])) for f in into)
        fires = self._channels(spec, drive, tag) if isinstance(spec.activation, Channels) else _best(spec, drive, tag)
        self.facts["negative drives"] += bool((drive < 0).any())
        self.fires[area], self.amount[area] = fires, np.where(fires, drive, 0)
        if learn and spec.refraction:
            raised = nearest((drive + self.thresholds[area]) * spec.refraction, 16)
            self.thresholds[area] = self.thresholds[area] + np.where(fires, raised, 0)

    def _channels(self, spec: AreaSpec, drive: Numbers, tag: int) -> Flags:
        size, most = spec.activation.size, spec.k // spec.activation.size
        sums = np.where(drive > 0, drive, 0).reshape(-1, size).sum(axis=1)
        order = _ranked(sums, spec.key, tag)
        wins = np.isin(np.arange(len(sums)), [m for m in order[:most] if sums[m] > 0])
        fires = np.repeat(wins, size) & (drive > 0)
        self.facts["ties among channels"] += bool(len(order) > most and sums[order[most - 1]] == sums[order[most]] > 0)
        self.facts["neurons of winning channels not driven"] += int((np.repeat(wins, size) & (drive <= 0)).sum())
        beaten = fires.any() and (drive[~fires].max(initial=0) > drive[fires].min())
        self.facts["a winner is driven less than a loser"] += bool(beaten)
        return fires

    def _learn(self, f: int, firing: Flags, before: Flags, rate: int) -> None:
        fiber = self.program.fibers[f]
        assert fiber.update is not None
        now = self.fires[fiber.target]
        changed = self._change(f, np.outer(firing, now), fiber.update, rate)
        self.facts["strengthened in reverse"] += changed * (rate < 0)
        if fiber.depression is not None:
            lose = ~now if fiber.depression.losers else before & ~now
            pairs = np.outer(firing, lose) & self.stored[f]
            after = depressed(fiber.depression, self.weight[f][pairs], rate)
            kind = "losers" if fiber.depression.losers else "just lost"
            self.facts[f"depressed, {kind}"] += int((after != self.weight[f][pairs]).sum())
            self.facts["arrived at the base"] += int(((after != self.weight[f][pairs]) & (after == fiber.base)).sum())
            self.weight[f][pairs] = after

    def _change(self, f: int, pairs: Flags, rule: Update, rate: int) -> int:
        """Apply a step to existing synapses among some pairs and return how many it changed."""
        pairs = pairs & self.exists[f]
        old = self.weight[f][pairs]
        new = potentiated(rule, old, rate)
        self.facts["below the floor"] += int((new < rule.floor).sum())
        self.facts["at the floor"] += int(((new == rule.floor) & (new != old)).sum())
        self.facts["at the ceiling"] += int(((new == rule.ceiling) & (new != old)).sum())
        self.facts["changed by a table"] += int((new != old).sum()) * bool(rule.steps)
        self.weight[f][pairs] = new
        self.stored[f][pairs] |= new != old
        return int((new != old).sum())

    def _remember(self, f: int, firing: Flags, able: bool) -> None:
        happened = np.outer(firing, self.fires[self.program.fibers[f].target]) & able
        self.traces[f] = [happened, *self.traces[f][:-1]]

    def reinforce(self, f: int, rate: int) -> None:
        """Change each synapse by the rounds that its trace holds, the oldest first."""
        fiber = self.program.fibers[f]
        assert fiber.update is not None
        assert fiber.trace is not None
        for age in reversed(range(len(fiber.trace.rates))):
            scaled = int(nearest(np.int64(rate * fiber.trace.rates[age]), 16))
            changed = self._change(f, self.traces[f][age], fiber.update, scaled)
            self.facts["reinforced"] += changed
            self.facts["reinforced after more than a round"] += changed * (age > 0)

    def state(self) -> Mapping[str, Any]:
        """Return the state in the form of `watching.state`."""
        seen: dict[str, Any] = {}
        for area, fires, amount, level in zip(
            self.program.areas, self.fires, self.amount, self.thresholds, strict=True
        ):
            won = np.flatnonzero(amount)
            seen[f"winners of {area.name}"] = [np.flatnonzero(fires).tolist()]
            seen[f"drives of {area.name}"] = [won.tolist(), amount[won].tolist()]
            seen[f"thresholds of {area.name}"] = [np.flatnonzero(level).tolist(), level[level != 0].tolist()]
        for f, fiber in enumerate(self.program.fibers):
            seen[f"transmissions of {fiber.name}"] = self.sent[f].tolist()
            if fiber.stores:
                pre, post = np.nonzero(self.stored[f])
                seen[f"learned of {fiber.name}"] = [pre.tolist(), post.tolist(), self.weight[f][pre, post].tolist()]
            if fiber.trace:
                for end, name in ((1, "sources"), (0, "targets")):
                    took_part = [np.flatnonzero(pairs.any(axis=end)) for pairs in self.traces[f]]
                    ages = np.repeat(np.arange(len(took_part)), list(map(len, took_part)))
                    seen[f"traced_{name} of {fiber.name}"] = [ages.tolist(), np.concatenate(took_part).tolist()]
        return seen


def _best(spec: AreaSpec, drive: Numbers, tag: int) -> Flags:
    order = _ranked(drive, spec.key, tag)[: spec.k]
    return np.isin(np.arange(spec.n), order) & (drive > 0)


def _ranked(drive: Numbers, key: int, tag: int) -> Numbers:
    """Return all neurons or channels, the most driven first."""
    return np.lexsort((tie_order(key, tag, np.arange(len(drive))), -drive))
