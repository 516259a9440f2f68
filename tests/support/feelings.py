"""Example arguments for the amygdala and for operations on feelings; see `nonsense`."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from brainsim import Area, Assembly, Brain, Modulator, Simulator, SmallWorld
from brainsim.areas import Amygdala, Sway
from brainsim.operations.feeling import Feeling

Example = Callable[[Any], Any]


@cache
def _feeling() -> Simulator:
    brain = Brain()
    dopamine = brain.add(Modulator("dopamine"))
    brain.add(Amygdala(words=10, dim=3, dopamine=dopamine, k=2))
    return Simulator(brain, seed=1, backend="reference")


@cache
def _hearing() -> tuple[Area, Amygdala]:
    """Return an area and an amygdala of a brain that can be added to."""
    brain = Brain()
    phon, dopamine = brain.add(Area("Phon", n=10, k=4, patterns={"dog": range(4)}), Modulator("dopamine"))
    return phon, brain.add(Amygdala(words=10, dim=3, dopamine=dopamine, k=2))


def _heard_from(given: Any) -> Area:
    """Return an area without outgoing fibers."""
    del given
    phon, amygdala = _hearing()
    brain = amygdala.brain
    assert brain is not None
    return brain.add(Area(f"Phon{len(brain.areas)}", n=10, k=4, patterns={"dog": range(4)})) if phon.brain else phon


BY_ANNOTATION: dict[str, Example] = {
    "Feeler": lambda w: _feeling().brain.regions["Amygdala"],
    "Feeling": lambda w: Feeling(0.1, 0.2, 0.3, dopamine=1.0, threshold=0.5, noise=0.1),
    "Sway": lambda w: Sway(1.0, 0.5),
}
BY_NAME: dict[str, Example] = {
    "operations.feel.sim": lambda w: _feeling(),
    "operations.feel.heard": lambda w: Assembly("Amygdala.Words", [1]),
    "areas.Amygdala.words": lambda w: 10,
    "areas.Amygdala.graph": lambda w: SmallWorld(4, 0.1, symmetric=True),
    "areas.Amygdala.hears.area": _heard_from,
    "areas.Amygdala.hears.words": lambda w: {"dog": 1},
}
SELVES: dict[Any, Example] = {Amygdala: lambda w: _hearing()[1]}
ALWAYS = ("operations.feel.heard",)
