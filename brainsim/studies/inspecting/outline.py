"""A declared brain as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brainsim.declare.modulator import Oscillator
from brainsim.declare.requirements import shown
from brainsim.studies.inspecting.table import counted, titled

if TYPE_CHECKING:
    from brainsim.declare.brain import Brain


def outline(brain: Brain) -> str:
    """Return the areas, fibers and modulators of a brain as an aligned list.

    Examples
    --------
    >>> from brainsim.studies.inspecting import outline
    >>> brain = Brain()
    >>> a, b = brain.add(Area("A", n=1000, k=50), Area("B", n=20_000, k=50, refraction=0.1))
    >>> _ = brain.connect(a, b, p=0.1, plasticity=Hebbian(beta=0.1, w_max=20)), brain.connect(b, b, p=0.05, weight=2)
    >>> print(outline(brain))
    2 areas
      name       n   k  activation  more
      A      1,000  50  TopK()
      B     20,000  50  TopK()      refraction=0.1
    2 fibers
      from  to  graph   rule                           more
      A     B   p=0.1   Hebbian(beta=0.1, w_max=20.0)
      B     B   p=0.05  fixed                          weight=2
    """
    areas = [("name", "n", "k", "activation", "more")] + [
        (area.name, area.n, area.k, repr(area.activation), f"refraction={area.refraction:g}" if area.refraction else "")
        for area in brain.areas.values()
    ]
    fibers = [("from", "to", "graph", "rule", "more")] + [
        (
            fiber.source.name,
            fiber.target.name,
            str(fiber.connectivity),
            str(fiber.plasticity or "fixed"),
            " ".join([f"label={fiber.label}"] * bool(fiber.label) + list(shown(fiber))),
        )
        for fiber in brain.fibers
    ]
    modulators = [("name", "kind")] + [
        (each.name, f"oscillator, period {each.period}")
        if isinstance(each, Oscillator)
        else (each.name, f"baseline {each.baseline:g}, decay {each.decay:g}")
        for each in brain.modulators.values()
    ]
    return "\n".join(
        [
            *titled(counted(len(brain.areas), "area"), areas),
            *titled(counted(len(brain.fibers), "fiber"), fibers),
            *titled(counted(len(brain.modulators), "modulator"), modulators),
        ]
    )
