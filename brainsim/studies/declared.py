"""A declared brain as JSON data, for notes of runs, lists and pictures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from brainsim.declare.modulator import Oscillator
from brainsim.declare.requirements import shown
from brainsim.simulate.showing import shown_to

if TYPE_CHECKING:
    from brainsim.declare.area import Area
    from brainsim.declare.brain import Brain
    from brainsim.declare.fiber import Fiber
    from brainsim.declare.modulator import Modulator

_MOST = 8


def described(brain: Brain) -> dict[str, list[dict[str, Any]]]:
    """Return the areas, fibers and modulators of a brain as JSON data: names, sizes, and rules as text.

    Examples
    --------
    >>> from brainsim.studies.declared import described
    >>> brain = Brain()
    >>> a, b = brain.add(Area("A", n=1000, k=50), Area("B", n=2000, k=50))
    >>> _ = brain.connect(a, b, p=0.1)
    >>> described(brain)["fibers"]
    [{'source': 'A', 'target': 'B', 'graph': 'p=0.1', 'rule': 'fixed', 'learns': False, 'more': ''}]
    """
    return {
        "areas": [_area(area) for area in brain.areas.values()],
        "fibers": [_fiber(fiber) for fiber in brain.fibers],
        "modulators": [{"name": each.name, "kind": _kind(each)} for each in brain.modulators.values()],
    }


def _area(area: Area) -> dict[str, Any]:
    more = f"refraction={area.refraction:g}" if area.refraction else ""
    return {"name": area.name, "n": area.n, "k": area.k, "activation": repr(area.activation), "more": more}


def _fiber(fiber: Fiber) -> dict[str, Any]:
    return {
        "source": fiber.source.name,
        "target": fiber.target.name,
        "graph": str(fiber.connectivity),
        "rule": str(fiber.plasticity or "fixed"),
        "learns": fiber.plasticity is not None,
        "more": " ".join([f"label={fiber.label}"] * bool(fiber.label) + list(shown(fiber))),
    }


def _kind(modulator: Modulator | Oscillator) -> str:
    if isinstance(modulator, Oscillator):
        return f"oscillator, period {modulator.period}"
    return f"baseline {modulator.baseline:g}, decay {modulator.decay:g}"


class Noted:
    """The brains that a part of a run has simulated, in order and each once: the first eight.

    Attributes
    ----------
    brains : list of dict
        Their descriptions.
    """

    def __init__(self) -> None:
        self.brains: list[dict[str, Any]] = []

    def add(self, description: dict[str, Any]) -> None:
        """Note a brain, unless it has been."""
        if len(self.brains) < _MOST and description not in self.brains:
            self.brains.append(description)

    def precede(self, earlier: list[dict[str, Any]]) -> None:
        """Put earlier notes first, so that an interrupted run has the same notes."""
        ours, self.brains = self.brains, []
        for description in (*earlier, *ours):
            self.add(description)

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Note the brain of each simulator that the block builds."""
        with shown_to(self._note):
            yield

    def _note(self, brain: Brain) -> None:
        with suppress(Exception):  # the text of a user's rule may raise an error, which must not end the run
            self.add(described(brain))
