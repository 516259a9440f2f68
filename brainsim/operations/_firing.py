"""Firing that lasts only while an operation runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from brainsim.declare.assembly import Assembly
from brainsim.simulate.index import AreaLike
from brainsim.simulate.simulator import Simulator


@contextmanager
def presented(sim: Simulator, *stimuli: Assembly) -> Iterator[None]:
    """Present assemblies, one per area; the areas are silent afterwards."""
    sim.present(*stimuli)
    try:
        yield
    finally:
        sim.silence(*(stimulus.area for stimulus in stimuli))


@contextmanager
def held(sim: Simulator, *areas: AreaLike) -> Iterator[None]:
    """Hold the winners of some areas; areas that were not held before are released afterwards."""
    before = set(sim.held)
    sim.hold(*areas)
    try:
        yield
    finally:
        for area in areas:
            if sim.brain.area(area).name not in before:
                sim.release(area)
