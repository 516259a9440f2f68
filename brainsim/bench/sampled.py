"""The baseline ``neural-assemblies`` of PyPI, engine ``numpy_sparse``: approximate, since it samples.

It keeps weights only among neurons that ever fired, and draws the drives of all others again in each round.  So its
quality (support, overlap of the first two caps) is not that of the model, and is reported beside its times.

Its work is made as similar as possible.  A stimulus has no neurons there, so every word of a stimulus area becomes a
separate stimulus, declared when it is first shown.  Fibers *into* stimulus areas are left out (a held area does not
learn there), which is less work.  Its rule is always ``w <- min(w (1 + beta), w_max)``.  Some of its random numbers are
seeded with Python's ``hash`` of names, so ``PYTHONHASHSEED`` is fixed.
"""

from __future__ import annotations

import importlib.util
from typing import Any, ClassVar

import numpy as np

from brainsim.bench.engine import Engine, EngineUnavailableError, Settings
from brainsim.bench.work import Episode, Network, Neurons

PACKAGE = "neural-assemblies==0.0.1a1"
_MOST_NEURONS = 20_000_000
_MOST_EVER_FIRED = 10_000


def check_installed() -> None:
    """Raise `EngineUnavailableError` with what to do, if the package is not installed."""
    if importlib.util.find_spec("neural_assemblies") is None:
        raise EngineUnavailableError(
            f"neural-assemblies: not installed, so left out; pip install --no-deps {PACKAGE} "
            "(what it needs, brainsim has installed already)"
        )


class NeuralAssemblies(Engine):
    """``neural_assemblies.Brain(engine="numpy_sparse")``."""

    name: ClassVar[str] = "neural-assemblies"

    def __init__(self, network: Network, settings: Settings) -> None:
        del settings  # it has one thread
        from neural_assemblies import Brain

        self._network = network
        self._brain: Any = Brain(
            p=network.p, seed=network.seed, w_max=network.rule.w_max, engine="numpy_sparse", save_size=False
        )
        for area, (n, k) in network.areas.items():
            if area not in network.stimuli:
                self._brain.add_area(area, n, k, network.rule.beta)
        self._stimuli: dict[str, list[str]] = {}

    def run(self, episode: Episode) -> None:
        self._show(episode)
        self._brain.inhibit_areas(list(episode.silenced))
        by_stimulus, by_area = self._open()
        for _ in range(episode.rounds):
            self._brain.project(by_stimulus, by_area)

    def _show(self, episode: Episode) -> None:
        for area, words in episode.shown.items():
            self._stimuli[area] = [f"{area}:{label}" for label in words]
            for label, neurons in words.items():
                if f"{area}:{label}" not in self._brain.stimuli:
                    self._brain.add_stimulus(f"{area}:{label}", len(neurons))

    def _open(self) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
        """Return the fibers that end in its own areas, as its ``project`` takes them."""
        by_stimulus: dict[str, list[str]] = {}
        by_area: dict[str, list[str]] = {}
        for source, target in self._network.fibers:
            if target in self._network.stimuli:
                continue
            if source not in self._network.stimuli:
                by_area.setdefault(source, []).append(target)
            for stimulus in self._stimuli.get(source, ()):
                by_stimulus.setdefault(stimulus, []).append(target)
        return by_stimulus, by_area

    def winners(self, area: str) -> Neurons:
        """Return its own numbers for the winners: the order in which they first fired."""
        return np.sort(np.asarray(self._brain.areas[area].winners, dtype=np.int64))

    @classmethod
    def affordable(cls, network: Network, unit: Episode, wanted: int, *, recurs: bool) -> int:
        neurons, k = (max(sizes) for sizes in zip(*network.areas.values(), strict=True))
        if neurons > _MOST_NEURONS:
            raise EngineUnavailableError(f"{cls.name}: left out, it lists all {neurons:.0e} neurons of each area")
        # Its weights are a dense matrix over all neurons that ever fired; new words add about k of them a round.
        most: int = _MOST_EVER_FIRED // (k * unit.rounds)
        return wanted if recurs else min(wanted, max(2, most))
