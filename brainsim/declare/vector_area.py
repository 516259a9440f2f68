"""Areas whose nodes hold vectors, and also fire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy.typing as npt

from brainsim._validation import integer
from brainsim.declare.activation import Activation
from brainsim.declare.area import Area

_LARGEST_DIM = 65_536


@dataclass(frozen=True, repr=False, init=False)
class VectorArea(Area):
    """An area of ``n`` nodes, each of which holds a unit vector with ``dim`` components, and can fire.

    Its winners are its *active nodes*.  Ordinary fibers drive them and are driven by them, as those of every `Area`: an
    assembly activates nodes, and active nodes fire an assembly.  Fibers with a ``message`` carry vectors between vector
    areas; see `Cosine` and `Sum`.

    A simulation begins with random directions, drawn from its seed and the name of the area; `Simulator.set_vectors`
    replaces them.

    Parameters
    ----------
    name, n, k, patterns, refraction, activation
        As for `Area`.
    dim : int
        Components of a vector, 1 to 65 536.

    Raises
    ------
    DeclarationError
        If a value is out of range.

    Examples
    --------
    >>> brain = Brain()
    >>> words = brain.add(VectorArea("Words", n=200, dim=16, k=5))
    >>> _ = brain.connect(words, words, graph=SmallWorld(10, rewire=0.1, symmetric=True), message=Cosine(keep=0.8))
    >>> with Simulator(brain, seed=1, backend="reference") as sim:
    ...     before = sim.vectors(words)
    ...     _ = sim.run(words >> words)  # every node moves towards its neighbours
    ...     after = sim.vectors(words)
    >>> before.shape, bool((before == after).any())
    ((200, 16), False)
    """

    dim: int = 1

    def __init__(
        self,
        name: str,
        n: int,
        dim: int,
        k: int | None = None,
        patterns: Mapping[str, npt.ArrayLike] | None = None,
        *,
        refraction: float = 0.0,
        activation: Activation | None = None,
    ) -> None:
        super().__init__(name, n, k, patterns, refraction=refraction, activation=activation)
        object.__setattr__(self, "dim", integer(f"Area {self.name!r}.dim", dim, 1, _LARGEST_DIM))

    def __repr__(self) -> str:
        before, _, after = super().__repr__().partition(", k=")
        return f"{before}, dim={self.dim}, k={after}"
