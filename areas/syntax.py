"""Syntactic positions: subject, verb and object, which fire one after the other."""

from __future__ import annotations

from brainsim import Area, OneToOne, Region
from brainsim.areas._declaring import named, whole

CONTROL = 20  # neurons of an area that gates
P = 1.0  # of the fibers into such an area: whatever fires in a position reaches every neuron


class Syntax(Region):
    """Areas for subject, verb and object, with gates that keep track of which of them has fired.

    Each of the three has two small areas.  *Due* fires while the position is still to come: its neurons keep
    themselves firing, one to one, until an assembly of the position inhibits them.  *Turn* fires while the position
    does.  Fibers that a model declares name the pattern ``"on"`` of one of them as their gate: those into a position
    that it is due, those between a role and its words that it has its turn.

    Parameters
    ----------
    name : str
        Name of the region.
    n, k : int
        Neurons and winners of each of the three areas.

    Attributes
    ----------
    subj, verb, obj : Area
        The positions.
    due, turn : tuple of Area
        In the order subject, verb, object; each has the pattern ``"on"``.
    keeping : FiberSet
        Keeps *due* firing, or ends it, and fires *turn*: open for a round after each position that has fired.

    Raises
    ------
    DeclarationError
        If a number is below 1, or ``k`` above ``n``.

    Examples
    --------
    >>> from brainsim.areas import Syntax
    >>> brain = Brain()
    >>> syntax = brain.add(Syntax(n=1000))
    >>> with Simulator(brain, seed=1) as sim:
    ...     sim.present(*(area["on"] for area in syntax.due))
    ...     sim.release()
    ...     sim.present(Assembly(syntax.subj.name, range(50)))
    ...     _ = sim.run(syntax.keeping)
    ...     [sim.fires(area) for area in syntax.due], [sim.fires(area) for area in syntax.turn]
    ([False, True, True], [True, False, False])

    References
    ----------
    Mitropolsky, Papadimitriou. Simulated language acquisition in a biologically realistic model of the brain.
    arXiv 2507.11788, 2025 (areas SUBJ, VERB and OBJ).
    """

    def __init__(self, name: str = "Syntax", n: int = 10_000, k: int = 50) -> None:
        super().__init__(name)
        where = f"{type(self).__name__} {name!r}"
        n, k = whole(f"{where}.n", n, 1), whole(f"{where}.k", k, 1)
        with named(where):
            positions = [self.add(Area(area, n, k)) for area in ("Subj", "Verb", "Obj")]
        self.subj, self.verb, self.obj = self.positions = tuple(positions)
        self.due, self.turn = (
            tuple(self.add(Area(f"{area}{kind}", CONTROL, CONTROL, {"on": range(CONTROL)})) for area in _NAMES)
            for kind in ("Due", "Turn")
        )
        for position, due, turn in zip(positions, self.due, self.turn, strict=True):
            self.connect(due, due, graph=OneToOne())
            self.connect(position, due, P, weight=-1.0)
            self.connect(position, turn, P)
        self.keeping = self.fibers


_NAMES = ("Subj", "Verb", "Obj")
