"""A small brain that hears sentences, for tests of caches and of memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from brainsim import Area, Assembly, Brain, SaturatingHebbian, Simulator

NOUNS, VERBS, SIZE = 3, 2, 20
SOUNDS = SIZE * (NOUNS + VERBS)
NOISE = 300  # neurons of Phon that belong to no word
PATHS = [
    ("Phon", "Lex1"),
    ("Visual", "Lex1"),
    ("Phon", "Lex2"),
    ("Motor", "Lex2"),
    ("Lex1", "Lex1"),
    ("Lex2", "Lex2"),
    ("Lex1", "Visual"),
    ("Lex2", "Motor"),
]


def lexical_brain(n1: int = 2000, n2: int = 2000) -> Brain:
    """Return a brain with the areas and fibers that learn nouns and verbs from grounded sentences."""
    brain = Brain()
    brain.add(Area("Phon", SOUNDS + NOISE, SIZE), Area("Visual", SIZE * NOUNS, SIZE), Area("Motor", SIZE * VERBS, SIZE))
    brain.add(Area("Lex1", n1, SIZE), Area("Lex2", n2, SIZE))
    for source, target in PATHS:
        brain.connect(brain[source], brain[target], p=0.05, plasticity=SaturatingHebbian(beta=0.1, w_max=10))
    return brain


def word(area: str, numbers: Iterable[int], others: Iterable[int] = ()) -> Assembly:
    """Return the pattern of one or more words, joined, with ``others`` firing beside them."""
    own = [neuron for number in numbers for neuron in range(SIZE * number, SIZE * (number + 1))]
    return Assembly(area, np.unique([*own, *others]))


class Listener:
    """Presents random sentences; in each, ``noise`` other neurons of Phon fire beside its words."""

    def __init__(self, sim: Simulator, noise: int = 0) -> None:
        self.sim = sim
        self._noise = noise
        self._random = np.random.default_rng(0)
        self._fired = {name: np.zeros(area.n, bool) for name, area in sim.brain.areas.items()}

    def hear(self) -> Iterator[Assembly]:
        """Present a noun and a verb, with what is seen and done; yield all winners of the two rounds."""
        noun, verb = int(self._random.integers(NOUNS)), int(self._random.integers(VERBS))
        noise = SOUNDS + self._random.choice(NOISE, self._noise, replace=False)
        self.sim.silence("Lex1", "Lex2")
        self.sim.present(word("Phon", [noun, NOUNS + verb], noise), word("Visual", [noun]), word("Motor", [verb]))
        for _ in range(2):
            self.sim.run(self.sim.brain.fibers)
            for name, fired in self._fired.items():
                winners = self.sim.assembly(name)
                fired[winners.neurons] = True
                yield winners

    def reported(self) -> int:
        """Return the bytes of memory that the simulator reports."""
        return sum(size for part in self.sim.memory().values() for owner in part.values() for size in owner.values())

    def synapses(self) -> int:
        """Return the number of learned synapses, and check that each connects neurons that have fired."""
        count = 0
        for fiber in self.sim.brain.fibers:
            pre, post, _ = self.sim.connectome(fiber).learned()
            assert self._fired[fiber.source.name][pre].all()
            assert self._fired[fiber.target.name][post].all()
            assert len(np.unique(pre * fiber.target.n + post)) == len(pre)
            count += len(pre)
        return count
