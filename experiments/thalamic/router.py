"""A brain in which a goal opens the channels of a few of many items."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim import Area, Assembly, Brain, Fiber, Hebbian, Simulator
from brainsim.areas import Thalamus

Neurons = npt.NDArray[np.int64]

RULE = Hebbian(8.0, 9.0)  # one co-firing saturates a synapse
GOAL, KEY, ITEM = 2000, 50, 50  # neurons of the goal area, of a key and of an item
RELAYS = 10  # relay neurons of a channel
P = 0.2


class Router:
    """A goal area; for each number of open channels a thalamus, relays that compete singly, and a gated area.

    All of them learn the same items in the same rounds.
    """

    def __init__(self, items: int, chosen: Sequence[int], working: int, seed: int, **options: Any) -> None:
        brain, self.items = Brain(), items
        goal, source = brain.add(Area("Goal", GOAL, KEY), Area("Items", items * ITEM, items * ITEM))
        self.branches = {c: Branch(brain, goal, source, items, c, working) for c in chosen}
        rng = np.random.default_rng([seed, 1])
        self.keys = np.array([rng.choice(GOAL, KEY, replace=False) for _ in range(items)])
        self.patterns = np.array([rng.choice(working, ITEM, replace=False) for _ in range(items)])
        self.everything = Assembly("Items", np.arange(items * ITEM))
        self._learning = [fiber for each in self.branches.values() for fiber in each.fibers]
        self.sim = Simulator(brain, seed, **options)

    def link(self, item: int) -> None:
        """Link a key with its relays, and an item with its pattern, in a round in which nothing transmits."""
        relays = np.arange(item * RELAYS, (item + 1) * RELAYS)
        self.sim.present(
            Assembly("Goal", self.keys[item]),
            Assembly("Items", np.arange(item * ITEM, (item + 1) * ITEM)),
            *(shown for each in self.branches.values() for shown in each.shown(relays, self.patterns[item])),
        )
        self.sim.run((), learn=self._learning)

    def goal(self, items: Neurons, cue: float, rng: np.random.Generator) -> Assembly:
        """Return the union of parts of the keys of some items."""
        return Assembly("Goal", np.unique([rng.choice(self.keys[item], round(cue * KEY), False) for item in items]))


class Branch:
    """A thalamus in which c channels can be open, and what it gates."""

    def __init__(self, brain: Brain, goal: Area, source: Area, items: int, c: int, working: int) -> None:
        self.c, self.thalamus = c, brain.add(Thalamus(f"Thalamus{c}", channels=items, relays=RELAYS, open=c))
        self.single, self.working = brain.add(
            Area(f"Single{c}", items * RELAYS, RELAYS * c), Area(f"Working{c}", working, ITEM * c)
        )
        self.matches: Fiber = brain.connect(goal, self.thalamus.relay, P, RULE)
        self.one_by_one: Fiber = brain.connect(goal, self.single, P, RULE)
        self.transmits: Fiber = brain.connect(source, self.working, P, RULE, gate=self.thalamus.relay)
        self.fibers = (self.matches, self.one_by_one, self.transmits)

    def shown(self, relays: Neurons, pattern: Neurons) -> tuple[Assembly, ...]:
        """Return what fires while an item is linked."""
        names = self.thalamus.relay.name, self.single.name, self.working.name
        return tuple(Assembly(name, each) for name, each in zip(names, (relays, relays, pattern), strict=True))
