"""Fibers: bundles of synapses from one area to another, and sets of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NoReturn

import numpy as np
import numpy.typing as npt

from brainsim._arguments import checked
from brainsim._validation import integer, name
from brainsim.declare import carrying, requirements
from brainsim.declare.area import Area
from brainsim.declare.assembly import Assembly
from brainsim.declare.edges import EdgeGraph
from brainsim.declare.graph import Connectivity
from brainsim.declare.message import Message
from brainsim.declare.modulator import Modulator, Window
from brainsim.declare.plasticity import Plasticity
from brainsim.declare.relax import Relax
from brainsim.declare.sparse import stored_csr, to_csr
from brainsim.declare.trace import Trace
from brainsim.errors import DeclarationError
from brainsim.kernels.law.graph import Graph, fiber_key
from brainsim.kernels.law.rules import Depression, Update
from brainsim.kernels.law.weights import to_fixed, to_float

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@dataclass(frozen=True)
class Fiber:
    """A directed bundle of synapses.

    `Brain.connect` makes fibers.  Random synapses are a pure function of the simulator's seed and of the fiber's
    identity: the names of its areas and its label.

    Parameters
    ----------
    source, target : Area
        Presynaptic and postsynaptic area; the same area for a recurrent fiber, whose random
        graph has no self-synapse.
    connectivity : Connectivity
        Which synapses there are: `Random` or another graph.
    plasticity : Plasticity, optional
        Rule by which its synapses learn; ``None`` if their weights never change.
    label : str
        Distinguishes several fibers between the same areas.
    weight : float
        Weight of its synapses before they learn; the weights of a graph that stores its synapses are multiplied by it.
    modulated_by : tuple of Modulator
        Modulators whose product scales the steps of the rule.
    trace : Trace, optional
        How it remembers its last rounds for a later modulator.
    gate : Area or Assembly, optional
        Decides which of its source neurons transmit and learn.
    transmits_when, learns_when : Window, optional
        Phases of an oscillator in which it transmits, and in which it learns; ``None`` for all.
    message : Message, optional
        What it carries between vector areas; ``None`` for a spiking fiber.
    channels : tuple of (str, float)
        The weights of each edge by name, and how much each counts in its message; empty for a spiking fiber.
    """

    source: Area
    target: Area
    connectivity: Connectivity
    plasticity: Plasticity | Relax | None = None
    label: str = ""
    weight: float = 1.0
    modulated_by: tuple[Modulator, ...] = ()
    trace: Trace | None = None
    gate: Area | Assembly | None = None
    transmits_when: Window | None = None
    learns_when: Window | None = None
    message: Message | None = None
    channels: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.label, str) or self.label:
            name("Fiber.label", self.label)
        for end in ("source", "target"):
            if not isinstance(getattr(self, end), Area):
                raise DeclarationError(where=f"Fiber.{end}", value=getattr(self, end), allowed="an Area")
        where = f"Fiber {self.name!r}"
        if not isinstance(self.connectivity, Connectivity):
            allowed = "a graph, such as Random(0.1)"
            raise DeclarationError(where=f"{where}.graph", value=self.connectivity, allowed=allowed)
        if self.plasticity is not None and not isinstance(self.plasticity, Plasticity | Relax):
            example = "Hebbian(beta=0.05)" if self.message is None else 'Relax({"joy": 0.07})'
            raise DeclarationError(
                f"Fiber {self.name!r}.plasticity: must be a Plasticity rule or None (got {self.plasticity!r}); "
                f"for example {example}"
            )
        requirements.check(where, self)
        become = self._become_spiking if self.message is None else self._become_carrying
        become(where)

    def _become_spiking(self, where: str) -> None:
        """Check a fiber of synapses, and bring its weight and its graph into their final form."""
        carrying.check_spiking(where, self)
        object.__setattr__(self, "weight", requirements.weight(where, self.weight))
        assert not isinstance(self.plasticity, Relax), "refused above"
        graph = self.connectivity.checked(where, self.source, self.target, self.plasticity, self.weight)
        object.__setattr__(self, "connectivity", graph)
        self.steps()

    def _become_carrying(self, where: str) -> None:
        """Check a fiber that carries messages, and bring its channels, weight and edges into their final form."""
        carrying.check_message(where, self.message)
        object.__setattr__(self, "channels", carrying.channels_of(where, self.channels) or carrying.THE_CHANNEL)
        object.__setattr__(self, "weight", carrying.weight_of(where, self.weight))
        object.__setattr__(self, "connectivity", carrying.carried_graph(where, self))
        carrying.message_part(self)

    @property
    def name(self) -> str:
        """``source->target``, with the label in brackets if there is one."""
        return f"{self.source.name}->{self.target.name}" + (f"[{self.label}]" if self.label else "")

    @property
    def p(self) -> float:
        """Connection probability; 0.0 if the synapses are stored instead of random."""
        return self.connectivity.p

    def graph(self, seed: int = 0) -> Graph:
        """Return the graph that the fiber has in a simulator with this seed, without the synapses that are stored."""
        seed = integer(f"Fiber {self.name!r}: seed", seed, 0, 2**64 - 1)
        key = fiber_key(seed, self.source.name, self.target.name, self.label)
        return self.connectivity.law(key, self.source.n, self.target.n, recurrent=self.source is self.target)

    def steps(self) -> tuple[Update | None, Depression | None]:
        """Return the steps of its rule in integers: potentiation and depression, each ``None`` if there is none.

        Raises
        ------
        DeclarationError
            If the rule does not fit the weights of the fiber.
        """
        if self.plasticity is None or isinstance(self.plasticity, Relax):
            return None, None
        rule = self.plasticity.fitted(self.weight)
        try:
            return rule.fixed_point(self.weight, at=self._strongest(rule)), rule.depression(self.weight)
        except DeclarationError as error:
            raise requirements.within(f"Fiber {self.name!r}.plasticity", error) from error

    def _strongest(self, rule: Plasticity) -> float | None:
        """Return the stored weight of the largest size, within the bounds of the rule; ``None`` if none is stored."""
        stored = self.connectivity.stored()
        if stored is None:
            return None
        low, high = rule.bounds()
        at = int(stored.weight[np.abs(stored.weight).argmax()]) if len(stored.weight) else 0
        return min(max(low, to_float(at)), high)

    def row(self, i: int, *, seed: int = 0) -> npt.NDArray[np.int64]:
        """Return the targets of source neuron ``i``, ascending, in a simulator with this seed."""
        if isinstance(self.connectivity, EdgeGraph):
            return self.connectivity.targets(self._source_neuron(i))
        stored, i = self.connectivity.stored(), self._source_neuron(i)
        return self.graph(seed).row(i) if stored is None else stored.post[stored.pre == i]

    def contains(self, i: int, j: int, *, seed: int = 0) -> bool:
        """Return whether source neuron ``i`` synapses on target neuron ``j``."""
        stored, i = self.connectivity.stored(), self._source_neuron(i)
        j = integer(f"Fiber {self.name!r}: target neuron", j, 0, self.target.n - 1)
        if isinstance(self.connectivity, EdgeGraph):
            return i in self.connectivity.neighbours(j)[0]
        if stored is None:
            return self.graph(seed).contains(i, j)
        return bool(((stored.pre == i) & (stored.post == j)).any())

    def to_scipy(self, *, seed: int = 0) -> csr_array[np.float64]:
        """Return the weights at the beginning of a simulation as a sparse array, shape ``(source.n, target.n)``.

        Graphs that are not stored are drawn in plain Python; ``sim.connectome(fiber).to_scipy()`` is faster and has the
        present weights.

        Raises
        ------
        DeclarationError
            If more than 10**8 synapses are expected; look at single rows instead.
        """
        if isinstance(self.connectivity, EdgeGraph):
            return self.connectivity.to_scipy(self.weight, (self.source.n, self.target.n))
        stored = self.connectivity.stored()
        if stored is None:
            graph = self.graph(seed)
            return to_csr(self.name, graph, graph.row, to_fixed(self.weight))
        return stored_csr(stored, (self.source.n, self.target.n))

    def _source_neuron(self, i: int) -> int:
        return integer(f"Fiber {self.name!r}: source neuron", i, 0, self.source.n - 1)

    def __or__(self, other: Fiber | FiberSet) -> FiberSet:
        return FiberSet((self,)) | other

    def __add__(self, other: object) -> NoReturn:
        raise _use_bar("added")

    def __bool__(self) -> NoReturn:
        raise _use_bar("used as a condition")

    def __repr__(self) -> str:
        shown = "".join(f" {text}" for text in requirements.shown(self))
        return f"<Fiber {self.name} {self.connectivity} {self.plasticity or 'fixed'}{shown}>"


def _use_bar(action: str) -> DeclarationError:
    return DeclarationError(
        f"Fibers cannot be {action}; join them with |, as in a >> b | b >> c, and ask len(fibers) how many there are"
    )


def _no_fibers(given: object) -> DeclarationError:
    return DeclarationError(where="FiberSet.fibers", value=given, allowed="fibers, as in a >> b | b >> c")


class FiberSet:
    """An immutable, ordered set of fibers: those that are open in a round.

    ``a >> b`` returns the fibers from ``a`` to ``b``; ``|`` joins sets and ``-`` removes fibers.

    Examples
    --------
    >>> brain = Brain()
    >>> a, b = brain.add(Area("A", n=1000, k=50), Area("B", n=1000, k=50))
    >>> _ = brain.connect(a, b, p=0.1), brain.connect(b, b, p=0.1)
    >>> a >> b | b >> b
    <A->B | B->B>
    """

    __slots__ = ("__dict__", "_fibers")

    def __init__(self, fibers: Iterable[Fiber] = ()) -> None:
        try:
            self._fibers = tuple({id(fiber): fiber for fiber in fibers}.values())
        except TypeError:
            raise _no_fibers(fibers) from None
        for fiber in self._fibers:
            if not isinstance(fiber, Fiber):
                raise _no_fibers(fiber)

    @cached_property
    def _identities(self) -> frozenset[int]:
        return frozenset(map(id, self._fibers))

    @checked()
    def into(self, area: Area) -> FiberSet:
        """Return the fibers that end in ``area``."""
        return FiberSet(f for f in self if f.target is area)

    @checked()
    def out_of(self, area: Area) -> FiberSet:
        """Return the fibers that start in ``area``."""
        return FiberSet(f for f in self if f.source is area)

    def __or__(self, other: Fiber | FiberSet) -> FiberSet:
        if isinstance(other, Fiber):
            return FiberSet((*self, other))
        if isinstance(other, FiberSet):
            return FiberSet((*self, *other))
        return NotImplemented

    def __sub__(self, other: Fiber | FiberSet) -> FiberSet:
        removed = FiberSet((other,)) if isinstance(other, Fiber) else other
        return FiberSet(f for f in self if f not in removed)

    def __add__(self, other: object) -> NoReturn:
        raise _use_bar("added")

    def __bool__(self) -> NoReturn:
        # `a >> b and b >> b` would otherwise mean b >> b alone.
        raise _use_bar("used as a condition")

    def __reduce__(self) -> tuple[type[FiberSet], tuple[tuple[Fiber, ...]]]:
        return FiberSet, (self._fibers,)

    def __iter__(self) -> Iterator[Fiber]:
        return iter(self._fibers)

    def __len__(self) -> int:
        return len(self._fibers)

    def __contains__(self, fiber: object) -> bool:
        return id(fiber) in self._identities

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FiberSet) and self._identities == other._identities

    def __hash__(self) -> int:
        return hash(self._identities)

    def __repr__(self) -> str:
        return "<" + " | ".join(f.name for f in self) + ">" if len(self) else "<no fibers>"
