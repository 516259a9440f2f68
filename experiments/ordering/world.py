"""Brains that learn an order, and the scenes that they hear of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np

from brainsim import Hebbian
from brainsim.models.language import Scene, WordOrder

ORDERS = tuple(map("".join, permutations("SVO")))
LETTERS = {"S": "agent", "V": "action", "O": "patient"}
TESTED = 8  # new scenes of each frame
SMALL = (6, 4)  # nouns and verbs where the size of the lexicon does not matter


@dataclass(frozen=True)
class Teaching:
    """What a brain is, and how it is taught."""

    mechanism: str
    frames: bool
    order: str
    share: float
    sentences: int
    nouns: int = SMALL[0]
    verbs: int = SMALL[1]
    control: str = ""

    def brain(self, sizes: Mapping[str, Any], seed: int, options: Mapping[str, Any]) -> WordOrder:
        """Return a brain that knows the words and no order."""
        nouns, verbs = [f"noun{i}" for i in range(self.nouns)], [f"verb{i}" for i in range(self.verbs)]
        rule = {"rule": Hebbian(0.0, w_max=16)} if self.control == "no_plasticity" else {}
        chosen: Any = self.mechanism
        return WordOrder(nouns, verbs, mechanism=chosen, frames=self.frames, seed=seed, **sizes, **rule, **options)


class World:
    """Scenes of a small world: those that are held out for the test, and all others."""

    def __init__(self, nouns: int, verbs: int, order: str, seed: int) -> None:
        self._rng, self._size = np.random.default_rng([seed, nouns, ORDERS.index(order)]), (nouns, verbs)
        pairs = [(a, b, v) for a in range(nouns) for b in range(a) for v in range(verbs)]
        held = [pairs[at] for at in self._rng.permutation(len(pairs))[: min(TESTED, len(pairs)) // 2]]
        self.two = [_scene(*each) for a, b, v in held for each in ((a, b, v), (b, a, v))]
        alone = [(a, v) for a in range(nouns) for v in range(verbs)]
        chosen = self._rng.permutation(len(alone))[: min(TESTED, len(alone) // 2)]
        self.one = [_scene(alone[at][0], None, alone[at][1]) for at in chosen]

    def scene(self, share: float) -> Scene:
        """Return a random scene that is not held out; a share of all scenes has one participant."""
        nouns, verbs = self._size
        while True:
            alone = self._rng.random() < share
            a, b = self._rng.choice(nouns, 2, replace=False)
            found = _scene(a, None if alone else b, self._rng.integers(verbs))
            if found not in (self.one if alone else self.two):
                return found

    def sentence(self, scene: Scene, order: str, control: str = "") -> tuple[str, ...]:
        """Return the words of a scene in an order; shuffled for that control."""
        said = words_of(scene, order)
        return tuple(self._rng.permutation(said).tolist()) if control == "shuffled" else said


def _scene(agent: int, patient: int | None, action: int) -> Scene:
    return Scene(f"noun{agent}", f"verb{action}", None if patient is None else f"noun{patient}")


def words_of(scene: Scene, order: str) -> tuple[str, ...]:
    """Return the words of a scene in an order of S, V and O."""
    return tuple(scene.fillers[LETTERS[each]] for each in order if LETTERS[each] in scene.fillers)
