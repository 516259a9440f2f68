"""Plan in a world of blocks: a stack is a chain of assemblies; its top block can be read, taken off and put on.

After d'Amore, Mitropolsky, Crescenzi, Natale & Papadimitriou, Planning with biological neurons and synapses, AAAI 2022.
A stack begins with a head.  The head is linked to the node of the top block, this node to that of the block below, and
so on.  A node is an assembly in one of three areas, which take turns, so that neighbouring nodes are in different
areas.  The node of a block forms from the block alone and is then linked to the node below; or, as published, all
fibers are open from the first round on.  Taking off the top block weakens its links, by a modulator of -1.

A stack is read block by block: each node drives the next area, until what fires there does not activate the node in
return.  Then half of the blocks are taken off and put on again in reverse order.  A plan leads from one random stack to
another, and both are chains in one brain: blocks are taken off until only the common lower part is left, and then the
blocks of the goal are put on, all as they are read from the brain.

Success is stated in advance.  With nodes formed alone, stacks of up to 20 blocks are read, changed and read again, and
plans reach their goals, each in a share of at least .9; with nothing learned, in at most .05.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from brainsim import Area, Assembly, Brain, Hebbian, Modulator, Simulator, experiment
from brainsim.declare.patterns import disjoint
from brainsim.operations import attach, evoke, imprint, read_out
from brainsim.studies.comparison import by_seed, measured, over_seeds, write_table
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from brainsim.studies.statistics import interval_95

BLOCK, LEARNING = "Block", "learning"
NODES = 3
ALONE, ROUNDS = 5, 20
LINKING = ROUNDS - ALONE
# A round of linking multiplies weights by 1.5, a round of unlinking by 1/2: so many rounds undo the links.
UNLINKING = round(LINKING * np.log(1.5) / np.log(2.0))
# The share of a node that must fire in return, for a link to count.
FIRES_BACK = 0.25
PROTOCOLS = {
    "alone": "formed alone, then linked",
    "published": "all fibers open at once",
    "beta_zero": "nothing learns",
}
MEASURES = {"read": "stacks read", "changed": "read after changes", "planned": "goals reached"}
CRITERIA = {"alone": 0.9, "beta_zero": 0.05}


class Stack:
    """A stack of blocks in a brain; only synapses hold which blocks are in it."""

    def __init__(self, sim: Simulator, name: str, *, alone: bool) -> None:
        self._sim, self._alone = sim, alone
        self._block, self._head = sim.brain[BLOCK], sim.brain[f"{name}Head"]
        self._nodes = [sim.brain[f"{name}Node{at}"] for at in range(NODES)]

    def top(self) -> Assembly | None:
        """Return the node of the top block, the one that the head is linked to."""
        return next((node for area in self._nodes if (node := self._linked(self._head["head"], area))), None)

    def read(self) -> list[str]:
        """Return the blocks from the top down, as read from firing."""
        found, node = [], self.top()
        while node is not None and len(found) <= len(self._block.patterns):
            found.append(self._name(node))
            node = self._linked(node, self._below(node))
        return found

    def put(self, block: str) -> None:
        """Put a block on top."""
        top = self.top()
        if top is None:
            node = self._formed(block, self._nodes[0], None)
        else:
            self._link(self._head["head"], top, -1)
            node = self._formed(block, self._nodes[(self._nodes.index(self._sim.brain[top.area]) - 1) % NODES], top)
        self._link(self._head["head"], node, 1)

    def pop(self) -> str | None:
        """Take off the top block, and return it as read from firing."""
        top = self.top()
        if top is None:
            return None
        below = self._linked(top, self._below(top))
        self._link(self._head["head"], top, -1)
        if below is not None:
            self._link(top, below, -1)
            self._link(self._head["head"], below, 1)
        return self._name(top)

    def _formed(self, block: str, area: Area, below: Assembly | None) -> Assembly:
        """Let the node of a block form, linked to the one below."""
        sim, pattern = self._sim, self._block[block]
        sim.silence()
        sim.present(pattern)
        if below is not None:
            sim.present(below)
        if below is not None and self._alone:
            attach(sim, self._block, area, to=below.area, alone=ALONE, rounds=ROUNDS)
        else:
            others = [self._block] if below is None else [self._block, sim.brain[below.area]]
            for other in others:
                sim.hold(other)
            sim.run([fiber for other in others for fiber in other & area], ROUNDS)
        node = sim.assembly(area)
        sim.silence()
        return node

    def _link(self, one: Assembly, other: Assembly, sign: int) -> None:
        """Strengthen or weaken the links between two assemblies, both ways."""
        self._sim.set_modulator(LEARNING, sign)
        for source, target in ((one, other), (other, one)):
            imprint(self._sim, source, target, LINKING if sign > 0 else UNLINKING)
        self._sim.set_modulator(LEARNING, 1)

    def _linked(self, source: Assembly, target: Area) -> Assembly | None:
        """Return what an assembly activates in an area, if that activates enough of the assembly in return."""
        area = self._sim.brain[source.area]
        found = evoke(self._sim, source, area >> target)
        return found if evoke(self._sim, found, target >> area).overlap(source) >= FIRES_BACK else None

    def _below(self, node: Assembly) -> Area:
        return self._nodes[(self._nodes.index(self._sim.brain[node.area]) + 1) % NODES]

    def _name(self, node: Assembly) -> str:
        fired = evoke(self._sim, node, self._sim.brain[node.area] >> self._block)
        return read_out(fired, self._block.patterns).label or "unknown"


@experiment(quick={"ns": "1000", "lengths": "3,6", "plan_length": 4, "plans": 1, "seeds": 2})
def planning(
    run: Run,
    *,
    ns: str = "1000,3000,10000",
    k: int = 50,
    p: float = 0.1,
    lengths: str = "3,5,10,20,40",
    plan_length: int = 8,
    plans: int = 3,
    seeds: int = 5,
) -> Mapping[str, Any]:
    """Build stacks of each of ``lengths``, and plan from stacks of ``plan_length`` blocks to others.

    Parameters
    ----------
    ns
        Neurons of an area of nodes, with commas between the numbers.
    k
        Winners of an area, and neurons of a block.
    p
        Connection probability of all fibers.
    lengths
        Blocks in a stack, with commas between the numbers.
    plan_length
        Blocks of the stacks from and to which plans lead.
    plans
        Plans for each size and seed, each in a brain of its own.
    seeds
        Number of repetitions, each with other stacks and other brains.
    """
    sizes, every = [int(each) for each in ns.split(",")], [int(each) for each in lengths.split(",")]
    calls = {
        f"{name}-{n}": Call(built, (name, {"n": n, "k": k, "p": p}, every, plan_length, plans))
        for name in PROTOCOLS
        for n in sizes
    }
    seen: dict[str, list[dict[str, Any]]] = over_seeds(run, calls, seeds)
    _table(run, seen, sizes)
    run.picture("planning.png", lambda: _draw(seen, sizes))
    largest = {name: seen[f"{name}-{max(sizes)}"] for name in PROTOCOLS}
    judged = {name: _judged(parts, every) for name, parts in largest.items()}
    return {
        "share": {name: {each: fmean(values) for each, values in cells.items()} for name, cells in judged.items()},
        "intervals_95": {
            name: {each: interval_95(values, bounded=True) for each, values in cells.items()}
            for name, cells in judged.items()
        },
        "read": {
            name: {length: fmean(part["read"][length] for part in parts) for length in parts[0]["read"]}
            for name, parts in seen.items()
        },
        "chance": {"read": 0.0},
        "criteria": CRITERIA,
        "met": {
            **{f"alone, {each}": fmean(values) >= CRITERIA["alone"] for each, values in judged["alone"].items()},
            **{f"beta_zero, {each}": fmean(v) <= CRITERIA["beta_zero"] for each, v in judged["beta_zero"].items()},
        },
        "by_seed": {name: by_seed(parts) for name, parts in seen.items()},
    }


def built(
    part: Part, name: str, sizes: Mapping[str, Any], lengths: Sequence[int], plan_length: int, plans: int, seed: int
) -> dict[str, Any]:
    """Build, change and read stacks, and plan; return what was right."""
    rng, found = np.random.default_rng([seed, 1]), dict[str, Any](read={}, changed={})
    for length in lengths:
        blocks = [f"b{at}" for at in rng.permutation(length)]
        with Simulator(_brain(name, sizes, length), int(rng.integers(2**32)), **part.simulator) as sim:
            stack = _stacked(sim, "", blocks, name)
            found["read"][str(length)] = float(stack.read() == blocks)
            taken = [stack.pop() for _ in range(length // 2)]
            for block in taken:
                if block in blocks:
                    stack.put(str(block))
            changed = [*reversed(blocks[: length // 2]), *blocks[length // 2 :]]
            found["changed"][str(length)] = float(taken == blocks[: length // 2] and stack.read() == changed)
    found["planned"] = fmean(_planned(part, name, sizes, plan_length, rng) for _ in range(plans))
    return found


def _planned(part: Part, name: str, sizes: Mapping[str, Any], length: int, rng: np.random.Generator) -> float:
    """Return whether the steps of the brain lead from one stack to another, and are as few as possible."""
    blocks = [f"b{at}" for at in range(length)]
    start = [blocks[at] for at in rng.permutation(length)]
    common = int(rng.integers(0, length - 1))
    goal = [*(start[at] for at in rng.permutation(length - common)), *start[length - common :]]
    with Simulator(_brain(name, sizes, length), int(rng.integers(2**32)), **part.simulator) as sim:
        now, wanted = _stacked(sim, "", start, name), _stacked(sim, "Goal", goal, name)
        steps = plan(now, wanted, length)
        return float(_done(start, steps) == goal and now.read() == goal and len(steps) == _fewest(start, goal))


def plan(now: Stack, goal: Stack, most: int) -> list[tuple[str, str]]:
    """Take blocks off one stack and put them on until it is like another; return the steps."""
    steps, wanted = [], goal.read()
    while (left := now.read()) and left != wanted[len(wanted) - len(left) :] and len(steps) < most:
        steps.append(("off", str(now.pop())))
    for block in reversed(wanted[: len(wanted) - len(left)]):
        if block != "unknown":
            now.put(block)
            steps.append(("on", block))
    return steps


def _done(stack: Sequence[str], steps: Sequence[tuple[str, str]]) -> list[str] | None:
    """Return what a stack becomes by some steps, ``None`` if one is impossible."""
    blocks, table = list(stack), set[str]()
    for step, block in steps:
        if step == "off" and blocks and blocks[0] == block:
            table.add(blocks.pop(0))
        elif step == "on" and block in table:
            table.remove(block)
            blocks.insert(0, block)
        else:
            return None
    return blocks


def _fewest(start: Sequence[str], goal: Sequence[str]) -> int:
    same = next((at for at in range(len(start)) if start[-1 - at] != goal[-1 - at]), len(start))
    return 2 * (len(start) - same)


def _brain(name: str, sizes: Mapping[str, Any], blocks: int) -> Brain:
    """Return a brain with blocks and two stacks."""
    n, k, p = sizes["n"], sizes["k"], sizes["p"]
    speed = 0.0 if name == "beta_zero" else 1.0
    brain, patterns = Brain(), disjoint([f"b{at}" for at in range(blocks)], k)
    learning = brain.add(Modulator(LEARNING, baseline=1.0))
    block = brain.add(Area(BLOCK, k * blocks, k, patterns))
    for stack in ("", "Goal"):
        head = brain.add(Area(f"{stack}Head", n, k, {"head": range(k)}))
        nodes = [brain.add(Area(f"{stack}Node{at}", n, k)) for at in range(NODES)]
        for at, node in enumerate(nodes):
            for source, target in ((block, node), (node, block)):
                brain.connect(source, target, p, Hebbian(speed, 1000.0))
            for other in (head, nodes[(at + 1) % NODES]):
                for source, target in ((node, other), (other, node)):
                    brain.connect(source, target, p, Hebbian(speed / 2, 1000.0), modulated_by=learning)
    return brain


def _stacked(sim: Simulator, name: str, blocks: Sequence[str], protocol: str) -> Stack:
    stack = Stack(sim, name, alone=protocol != "published")
    for block in reversed(blocks):
        stack.put(block)
    return stack


def _judged(parts: Sequence[Mapping[str, Any]], lengths: Sequence[int]) -> dict[str, list[float]]:
    """Return, for each seed, the shares of stacks of up to 20 blocks, and of plans, that were right."""
    short = [str(length) for length in lengths if length <= 20]
    return {
        "read": [fmean(part["read"][each] for each in short) for part in parts],
        "changed": [fmean(part["changed"][each] for each in short) for part in parts],
        "planned": [part["planned"] for part in parts],
    }


def _table(run: Run, seen: Mapping[str, Sequence[Mapping[str, Any]]], sizes: Sequence[int]) -> None:
    lengths = list(seen[f"alone-{sizes[0]}"][0]["read"])
    rows = []
    for name, title in PROTOCOLS.items():
        for n in sizes:
            parts = seen[f"{name}-{n}"]
            cells = [
                f"{fmean(p['read'][each] for p in parts):.2f}, {fmean(p['changed'][each] for p in parts):.2f}"
                for each in lengths
            ]
            rows.append([title, f"{n:_}", *cells, measured([p["planned"] for p in parts], bounded=True)])
    header = ["", "n", *(f"{each} blocks: read, read after changes" for each in lengths), MEASURES["planned"]]
    write_table(run, "planning.md", "Stacks read, changed and planned", header, rows)


def _draw(seen: Mapping[str, Sequence[Mapping[str, Any]]], sizes: Sequence[int]) -> Figure:
    figure = Figure(figsize=(4 * len(MEASURES), 4), layout="constrained")
    read, changed, planned = figure.subplots(1, 3, sharey=True)
    for at, name in enumerate(PROTOCOLS):
        for style, n in zip(("-", "--", ":"), sorted(sizes, reverse=True), strict=False):
            parts = seen[f"{name}-{n}"]
            places = [int(each) for each in parts[0]["read"]]
            for axes, measure in ((read, "read"), (changed, "changed")):
                values = [fmean(part[measure][str(each)] for part in parts) for each in places]
                axes.plot(
                    places, values, f"o{style}", ms=8 - 2 * at, color=f"C{at}", label=f"{PROTOCOLS[name]}, n = {n:,}"
                )
        values = [fmean(part["planned"] for part in seen[f"{name}-{n}"]) for n in sizes]
        planned.plot(sizes, values, "o-", ms=8 - 2 * at, color=f"C{at}", label=PROTOCOLS[name])
    for axes in (read, changed):
        axes.set_xticks(places)
    read.set(ylabel="share right", ylim=(-0.03, 1.03), xlabel="blocks in a stack", title=MEASURES["read"])
    changed.set(xlabel="blocks in a stack", title=MEASURES["changed"])
    planned.set(xscale="log", xlabel="neurons of an area, n", title=MEASURES["planned"])
    figure.legend(*read.get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize="small")
    return figure
