"""Operations that read what an area has learned: completion, separation, overlap, read-out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from brainsim._arguments import checked
from brainsim._validation import integer, real
from brainsim.declare.assembly import Assembly
from brainsim.errors import DeclarationError, SimulationError
from brainsim.operations._checks import fibers, rounds_of, stimulus_of
from brainsim.operations.forming import project
from brainsim.operations.trace import Trace, traced
from brainsim.simulate.index import AreaLike
from brainsim.simulate.simulator import Simulator


@checked()
def overlap(a: Assembly, b: Assembly) -> float:
    """Return the shared fraction ``|A ∩ B| / min(|A|, |B|)`` of two assemblies of one area; see `Assembly.overlap`."""
    return a.overlap(b)


@checked()
def chance_overlap(n: int, k: int) -> float:
    """Return the overlap expected of two random assemblies of ``k`` out of ``n`` neurons: ``k / n``."""
    if not 1 <= k <= n:
        raise DeclarationError(f"chance_overlap.k: must be between 1 and n = {n} (got {k})")
    return k / n


@checked()
def cue_of(assembly: Assembly, fraction: float, seed: int = 0) -> Assembly:
    """Return a random part of an assembly, to complete it from: ``round(fraction * len)`` of its neurons, at least one.

    Raises
    ------
    DeclarationError
        If the fraction is not in (0, 1], or the assembly is empty.
    """
    fraction = real("cue_of.fraction", fraction, 0.0, 1.0)
    if not fraction or not len(assembly):
        raise DeclarationError(f"cue_of: a cue needs neurons (got {fraction!r} of {len(assembly)})")
    seed = integer("cue_of.seed", seed, 0, None)
    size = max(1, round(fraction * len(assembly)))
    chosen = np.random.default_rng(seed).choice(assembly.neurons, size, replace=False)
    return Assembly(assembly.area, chosen, assembly.label)


@checked("cue", "trace")
def complete(sim: Simulator, cue: Assembly, rounds: int = 5, *, trace: Trace | None = None) -> Assembly:
    """Complete a pattern: fire part of an assembly, and let its area's recurrent fibers restore the rest.

    Nothing is learned and nothing else changes (the rounds are a probe; see `Simulator.frozen`).  Measure the result by
    its overlap with the whole assembly; chance is `chance_overlap`.

    Parameters
    ----------
    sim : Simulator
        Of the brain of the assembly.
    cue : Assembly
        Some neurons of an assembly, at most ``k``; `cue_of` draws them.
    rounds : int
        Recurrent rounds.
    trace : Trace, optional
        Is filled with the winners of every round.

    Returns
    -------
    Assembly
        The winners of the last round, under the label of the cue.

    Raises
    ------
    DeclarationError
        If the cue is empty, larger than the area's ``k``, or of another brain, or the area has no fiber to itself.
    SimulationError
        If no such fiber transmitted in any round, because it is inhibited or its window did not open.
    """
    area = stimulus_of("complete", sim, cue)
    if len(cue) > area.k:
        raise DeclarationError(
            f"complete: the cue has {len(cue)} neurons, more than the k = {area.k} that area {area.name!r} fires; "
            "give it a part of an assembly"
        )
    recurrent, rounds = fibers("complete", sim, area, area), rounds_of("complete", rounds)
    with sim.frozen():
        sim.silence()
        sim.present(cue)
        sim.release(area)
        with traced(trace, sim, area):
            sim.run(recurrent, rounds)
        completed = sim.assembly(area, cue.label)
        if len(completed) and not sim.drive(area).any():  # winners of a round have drives above 0; these were presented
            raise SimulationError(
                f"complete: no fiber of area {area.name!r} to itself transmitted, so that the cue stayed as it was; "
                "disinhibit it, or run more rounds, until its window opens"
            )
        return completed


@dataclass(frozen=True)
class Separation:
    """Two assemblies of one area, and the overlap of their stimuli.

    Attributes
    ----------
    a, b : Assembly
        What the two stimuli formed.
    stimuli : float
        Overlap of the stimuli; 0 if they are of different areas.
    """

    a: Assembly
    b: Assembly
    stimuli: float

    @property
    def overlap(self) -> float:
        """Overlap of the two assemblies."""
        return self.a.overlap(self.b)


@checked("stimulus_a", "stimulus_b")
def separate(
    sim: Simulator, stimulus_a: Assembly, stimulus_b: Assembly, target: AreaLike, rounds: int = 10
) -> Separation:
    """Project two stimuli into one area, one after the other, and return both assemblies for comparison.

    The area is silenced in between, so that the second assembly does not start from the first.  Raises as `project`.
    """
    formed = []
    for stimulus in (stimulus_a, stimulus_b):
        stimulus_of("separate", sim, stimulus)
        sim.silence(target)
        formed.append(project(sim, stimulus, target, rounds))
    same = stimulus_a.area == stimulus_b.area
    return Separation(formed[0], formed[1], stimulus_a.overlap(stimulus_b) if same else 0.0)


@dataclass(frozen=True)
class ReadOut:
    """The known assembly nearest to one that fires.

    Attributes
    ----------
    label : str or None
        Its name, or ``None``: unknown.
    overlap : float
        With the nearest.
    margin : float
        Its overlap less that of the second nearest, or less 0 if there is no second.
    """

    label: str | None
    overlap: float
    margin: float


@checked()
def read_out(
    assembly: Assembly, known: Mapping[str, Assembly], *, threshold: float = 0.5, margin: float = 0.0
) -> ReadOut:
    """Name the known assembly with the largest overlap, or "unknown".

    Parameters
    ----------
    assembly : Assembly
        What fires.
    known : mapping of str to Assembly
        Named assemblies of the same area.
    threshold : float
        Least overlap at which an assembly counts as known.
    margin : float
        Least lead over the second nearest.  If two are equally near, the answer is unknown; their order does not
        matter.

    Raises
    ------
    DeclarationError
        If nothing is known, or an assembly is of another area.
    """
    if not known:
        raise DeclarationError("read_out.known: must name at least one assembly (got none)")
    least, lead = real("read_out.threshold", threshold, 0.0, 1.0), real("read_out.margin", margin, 0.0, 1.0)
    ranked = sorted(((assembly.overlap(each), label) for label, each in known.items()), key=lambda pair: -pair[0])
    best, second = ranked[0][0], ranked[1][0] if len(ranked) > 1 else 0.0
    sure = best >= least and best - second >= lead and best > second
    return ReadOut(ranked[0][1] if sure else None, best, best - second)
