"""The engine under test: `brainsim.Simulator`, through its public interface."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from brainsim import Area, Assembly, Brain, Simulator
from brainsim.bench.engine import Engine, Settings
from brainsim.bench.work import Episode, Network, Neurons, union


class Brainsim(Engine):
    """A `brainsim.Simulator`; nothing is recorded, so the record phase takes almost no time."""

    name: ClassVar[str] = "brainsim"

    def __init__(self, network: Network, settings: Settings) -> None:
        brain = Brain()
        for area, (n, k) in network.areas.items():
            brain.add(Area(area, n=n, k=k))
        for source, target in network.fibers:
            brain.connect(brain[source], brain[target], p=network.p, plasticity=network.rule)
        self._fibers = brain.fibers
        self._sim = Simulator(brain, seed=network.seed, threads=settings.threads, backend=settings.backend)

    def run(self, episode: Episode) -> None:
        if episode.silenced:
            self._sim.silence(*episode.silenced)
        if episode.shown:
            self._sim.present(*(Assembly(area, union(words)) for area, words in episode.shown.items()))
        self._sim.run(self._fibers, rounds=episode.rounds)

    def winners(self, area: str) -> Neurons:
        return self._sim.assembly(area).neurons if self._sim.fires(area) else np.empty(0, np.int64)

    def phases(self) -> dict[str, float] | None:
        return self._sim.timings()

    def close(self) -> None:
        self._sim.close()
