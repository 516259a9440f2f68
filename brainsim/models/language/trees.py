"""Phrases stored as trees of assemblies: a verb phrase from verb and object, a sentence from subject and verb phrase.

Merging is the operation of Papadimitriou et al., PNAS 2020.  Three things let an area of phrases keep many that share
words.  It refracts as fast as its fibers learn, so that each conjunction finds neurons of its own.  It has no fiber to
itself, which would complete a new phrase to an old one.  And the fibers back learn faster than those forward, so that
a phrase restores its parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from brainsim._arguments import checked
from brainsim._validation import count
from brainsim.declare.area import Area
from brainsim.declare.assembly import Assembly
from brainsim.declare.brain import Brain
from brainsim.declare.fiber import Fiber
from brainsim.declare.graph import Random
from brainsim.declare.rules import Hebbian
from brainsim.errors import DeclarationError, SimulationError
from brainsim.operations import evoke, merge
from brainsim.simulate.index import AreaLike
from brainsim.simulate.simulator import Simulator

Tree = Sequence[Any]
"""An area and its two parts, as in ``(sent, subject, (vp, verb, object))``; each part is a leaf or a tree."""


@checked()
def add_phrase(
    brain: Brain,
    name: str,
    part: Area,
    other: Area,
    *,
    n: int = 10_000,
    k: int = 50,
    p: float = 0.1,
    beta: float = 0.1,
    back: float = 1.0,
    w_max: float = 1000.0,
) -> Area:
    """Declare an area whose assemblies stand for phrases of two parts, and the fibers between it and their areas.

    It refracts by ``beta``, which is also how fast the fibers from the parts learn: what a neuron gains for the phrase
    that it stands for, its threshold takes back, so that any other phrase finds other neurons.  It has no fiber to
    itself.

    Parameters
    ----------
    brain : Brain
        Is given the area and its fibers.
    name : str
        Of the area.
    part, other : Area
        Areas of the two parts, which belong to the brain.
    n, k : int
        Neurons and winners.  With ``k * p`` below about 5, few phrases are kept.
    p : float
        Connection probability of all these fibers.
    beta, back : float
        How fast the fibers from the parts learn, and those back to them.
    w_max : float
        Largest weight.

    Returns
    -------
    Area
        The new area.

    Raises
    ------
    DeclarationError
        If the parts are one area, or a number is out of range.

    Examples
    --------
    >>> from brainsim.models.language import add_phrase, merge_tree, read_tree
    >>> brain = Brain()
    >>> verb, obj = brain.add(
    ...     Area("Verb", 1000, 50, {"chase": range(50), "fear": range(50, 100)}),
    ...     Area("Obj", 1000, 50, {"dog": range(50), "cat": range(50, 100)}),
    ... )
    >>> vp = add_phrase(brain, "VP", verb, obj, n=1000)
    >>> with Simulator(brain, seed=1, backend="reference") as sim:
    ...     phrase = merge_tree(sim, (vp, verb["chase"], obj["cat"]))
    ...     read = read_tree(sim, phrase, (vp, verb, obj))
    >>> read["Obj"].overlap(obj["cat"]) > 0.9
    True
    """
    if part is other:
        cure = "a phrase of two nouns needs an area for each"
        raise DeclarationError(where="add_phrase.other", value=other, allowed="another area than part", cure=cure)
    area = Area(name, n, k, refraction=beta)
    fibers = []
    for each in (brain.area(part), brain.area(other)):
        fibers += [(each, area, Hebbian(beta, w_max)), (area, each, Hebbian(back, w_max))]
    for source, target, rule in fibers:
        Fiber(source, target, Random(p), rule)  # refuses what does not fit, before anything is added
    brain.add(area)
    for source, target, rule in fibers:
        brain.connect(source, target, p, rule)
    return area


@checked("tree")
def merge_tree(sim: Simulator, tree: Tree, rounds: int = 6) -> Assembly:
    """Store a tree of assemblies, from the bottom up, and return its root.

    The two parts of a phrase fire together and are held, while `brainsim.operations.merge` lets the phrase form in its
    area.  Then the phrase is a part of the one above it.  Before and afterwards, no area of the tree fires.

    Parameters
    ----------
    sim : Simulator
        Outside of `Simulator.frozen`.
    tree : tuple
        An area and two parts: assemblies, or trees.
    rounds : int
        Of each merging.

    Returns
    -------
    Assembly
        What stands for the whole tree, from which `read_tree` restores it.

    Raises
    ------
    DeclarationError
        If something is neither a tree nor an assembly, an area occurs twice, or a fiber between a phrase and a part is
        missing one way.
    SimulationError
        Inside a probe, where nothing is learned.
    """
    if not sim.learning:
        raise SimulationError("merge_tree: a probe learns nothing; call it outside of frozen()")
    rounds = count("merge_tree.rounds", rounds, 1)
    areas = _areas("merge_tree", sim, tree, Assembly)
    sim.silence(*areas)
    try:
        return _merged(sim, tree, rounds)
    finally:
        sim.silence(*areas)


@checked("shape")
def read_tree(sim: Simulator, root: Assembly, shape: Tree) -> dict[str, Assembly]:
    """Return what the root of a tree restores in each area, from its firing alone.

    The root fires at its parts for one round, each part that is a phrase fires at its own, and so on.  This is a
    probe: nothing is learned.

    Parameters
    ----------
    sim : Simulator
        Of the brain of the tree.
    root : Assembly
        What `merge_tree` returned, or any assembly of its area.
    shape : tuple
        The tree with areas for leaves, as in ``(sent, subj, (vp, verb, obj))``.

    Returns
    -------
    dict of str to Assembly
        What fires in each area, by its name, the root first.  Find the words with `brainsim.operations.read_out`.

    Raises
    ------
    DeclarationError
        If something is neither a tree nor an area, an area occurs twice, the root is of another area, or a fiber to a
        part is missing.
    """
    areas = _areas("read_tree", sim, shape, (Area, str))
    if sim.brain.area(root.area) is not areas[0]:
        allowed = f"an assembly of area {areas[0].name!r}, the first of the shape"
        raise DeclarationError(where="read_tree.root", value=root, allowed=allowed)
    found = {root.area: root}
    _read(sim, shape, root, found)
    return found


def _merged(sim: Simulator, tree: Tree, rounds: int) -> Assembly:
    """Let the phrase of a tree form while its parts fire; afterwards none of them does."""
    area, *parts = tree
    formed = [part if isinstance(part, Assembly) else _merged(sim, part, rounds) for part in parts]
    sim.present(*formed)
    phrase = merge(sim, formed[0].area, formed[1].area, area, rounds)
    sim.silence(formed[0].area, formed[1].area, area)
    return phrase


def _read(sim: Simulator, shape: Tree, phrase: Assembly, found: dict[str, Assembly]) -> None:
    """Add what a phrase makes fire in the areas of its parts."""
    area = sim.brain.area(shape[0])
    for part in shape[1:]:
        leaf = isinstance(part, Area | str)
        target = sim.brain.area(part if leaf else part[0])
        found[target.name] = evoke(sim, phrase, area >> target) if len(phrase) else Assembly(target.name, [])
        if not leaf:
            _read(sim, part, found[target.name], found)


def _areas(where: str, sim: Simulator, tree: object, leaf: type | tuple[type, ...]) -> list[Area]:
    """Return the areas of a tree from the top down, each of which occurs once."""
    areas = [sim.brain.area(each) for each in _named(where, tree, leaf)]
    twice = next((area for area in areas if areas.count(area) > 1), None)
    if twice is not None:
        cure = "an area holds one assembly at a time, so that each part needs one of its own"
        raise DeclarationError(where=where, value=twice.name, allowed="an area that occurs once", cure=cure)
    return areas


def _named(where: str, tree: object, leaf: type | tuple[type, ...]) -> list[AreaLike]:
    """Return the areas that a tree names, in its order."""
    if isinstance(tree, str | Area | Assembly) or not isinstance(tree, Sequence) or len(tree) != 3:
        raise DeclarationError(where=where, value=tree, allowed="a tree: (area, part, part)")
    if not isinstance(tree[0], Area | str):
        raise DeclarationError(where=where, value=tree[0], allowed="an Area or text, first in a tree")
    named: list[AreaLike] = [tree[0]]
    for part in tree[1:]:
        if isinstance(part, leaf):
            named.append(part.area if isinstance(part, Assembly) else part)  # type: ignore[arg-type]
        else:
            named += _named(where, part, leaf)
    return named
