"""A declared brain as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from brainsim.studies.declared import described
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
    found = described(brain)
    areas = [("name", "n", "k", "activation", "more"), *_rows(found["areas"], "name", "n", "k", "activation", "more")]
    fibers = [("from", "to", "graph", "rule", "more")]
    fibers += _rows(found["fibers"], "source", "target", "graph", "rule", "more")
    modulators = [("name", "kind"), *_rows(found["modulators"], "name", "kind")]
    return "\n".join(
        [
            *titled(counted(len(brain.areas), "area"), areas),
            *titled(counted(len(brain.fibers), "fiber"), fibers),
            *titled(counted(len(brain.modulators), "modulator"), modulators),
        ]
    )


def _rows(parts: Iterable[Mapping[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(part[name] for name in names) for part in parts]
