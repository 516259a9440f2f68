"""Inhibition between areas: long-range (a firing area inhibits others) and mutual (only one area fires)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

import numpy as np

from brainsim._arguments import checked
from brainsim._validation import real
from brainsim.declare.area import Area
from brainsim.declare.assembly import Assembly
from brainsim.declare.fiber import FiberSet
from brainsim.errors import DeclarationError
from brainsim.kernels.law.weights import THRESHOLD_LIMIT, to_float
from brainsim.operations._checks import fiber_set, rounds_of, stimulus_of
from brainsim.operations.looking import drives_of_winners
from brainsim.operations.trace import Trace, traced
from brainsim.simulate.index import AreaLike, Openable
from brainsim.simulate.simulator import Simulator

_OUT_OF_REACH = to_float(THRESHOLD_LIMIT)  # drives are smaller


@checked("inhibits", "fibers", "traces")
def long_range_inhibition(
    sim: Simulator,
    inhibits: Mapping[AreaLike, Iterable[AreaLike] | AreaLike],
    fibers: Openable,
    rounds: int = 1,
    *,
    traces: Mapping[AreaLike, Trace] | None = None,
) -> tuple[tuple[str, ...], ...]:
    """Run rounds in which the firing of an area keeps others from firing.

    If an area fires when a round begins, no neuron of the areas that it inhibits wins in that round: their thresholds
    are above any drive.  Their previous winners still act on others in that round; but an area in which no open fiber
    ends, and which would go on firing, is silenced first.  Two areas that inhibit each other and both fire both become
    silent; to let one prevail, use `mutual_inhibition`.  Inhibiting an area takes time in proportion to its neurons.

    Parameters
    ----------
    sim : Simulator
        Of a brain that has these areas.
    inhibits : mapping of Area or str to areas
        The areas that each area inhibits, as in ``{"Subj": ["Obj"]}``.
    fibers : Fiber, FiberSet or iterable of Fiber
        Open in every round.
    rounds : int
        How many.
    traces : mapping of Area or str to Trace, optional
        Each is filled with the winners of its area in every round.

    Returns
    -------
    tuple of tuple of str
        For each round the areas that were inhibited.

    Raises
    ------
    DeclarationError
        If an area inhibits itself, or one that is held.

    References
    ----------
    Mitropolsky, Papadimitriou. The architecture of a biologically plausible language organ. 2023 (long-range
    interneurons between areas).
    """
    if not isinstance(inhibits, Mapping):
        raise DeclarationError(f'long_range_inhibition.inhibits: must be as in {{"A": ["B"]}} (got {inhibits!r})')
    pairs = {
        sim.brain.area(source): [sim.brain.area(target) for target in _several(targets)]
        for source, targets in inhibits.items()
    }
    for source, targets in pairs.items():
        if source in targets:
            raise DeclarationError(f"long_range_inhibition: area {source.name!r} must not inhibit itself; leave it out")
        _check_free("long_range_inhibition", sim, targets)

    def inhibited() -> list[Area]:
        return [target for source, targets in pairs.items() if sim.fires(source) for target in targets]

    return _rounds("long_range_inhibition", sim, fibers, rounds, traces, inhibited)


@checked("fibers", "traces")
def mutual_inhibition(
    sim: Simulator,
    areas: Iterable[AreaLike],
    fibers: Openable,
    rounds: int = 1,
    *,
    traces: Mapping[AreaLike, Trace] | None = None,
) -> tuple[tuple[str, ...], ...]:
    """Run rounds in which only the most driven of some areas fires.

    The drive of an area is the summed drive of the ``k`` neurons that would win.  In a tie the area named first
    prevails; if no area is driven, all are silent.  Each round runs twice; the first time in a probe, which finds the
    drives.

    Parameters
    ----------
    sim : Simulator
        Of a brain that has these areas.
    areas : iterable of Area or str
        At least two, none of them held.
    fibers : Fiber, FiberSet or iterable of Fiber
        Open in every round.
    rounds : int
        How many.
    traces : mapping of Area or str to Trace, optional
        Each is filled with the winners of its area in every round.

    Returns
    -------
    tuple of tuple of str
        For each round the areas that were inhibited: all but the one that prevailed.

    Raises
    ------
    DeclarationError
        If there are fewer than two areas, or one of them is held.
    """
    rivals = list(dict.fromkeys(sim.brain.area(area) for area in areas))
    if len(rivals) < 2:
        raise DeclarationError(f"mutual_inhibition.areas: must be at least two (got {len(rivals)})")
    _check_free("mutual_inhibition", sim, rivals)
    opened = fiber_set("mutual_inhibition", fibers)

    def losers() -> list[Area]:
        drives = drives_of_winners(sim, rivals, opened)
        best = int(np.argmax(drives)) if max(drives) > 0 else -1
        return [area for number, area in enumerate(rivals) if number != best]

    return _rounds("mutual_inhibition", sim, opened, rounds, traces, losers)


@checked("assembly")
def refract(sim: Simulator, assembly: Assembly, amount: float | None = None) -> None:
    """Raise the thresholds of the neurons of an assembly, so that others win in their place.

    ``sim.set_thresholds(area, 0)`` lets an area recover.  For winners that refract automatically, declare the area with
    ``refraction``.

    Parameters
    ----------
    sim : Simulator
        Of a brain that has the assembly's area.
    assembly : Assembly
        Whose neurons refract.
    amount : float, optional
        Increase, in the unit of weights; repeated increases add up.  By default, above any drive.

    Raises
    ------
    DeclarationError
        If the assembly is empty or of another brain.
    """
    area = stimulus_of("refract", sim, assembly)
    thresholds = sim.thresholds(area)
    more = _OUT_OF_REACH if amount is None else real("refract.amount", amount, 0.0, _OUT_OF_REACH)
    thresholds[assembly.neurons] = np.minimum(thresholds[assembly.neurons] + more, _OUT_OF_REACH)
    sim.set_thresholds(area, thresholds)


def _rounds(
    operation: str,
    sim: Simulator,
    fibers: Openable,
    rounds: int,
    traces: Mapping[AreaLike, Trace] | None,
    inhibited: Callable[[], list[Area]],
) -> tuple[tuple[str, ...], ...]:
    """Run rounds one by one, and inhibit in each the areas that ``inhibited`` names before it."""
    opened, seen = fiber_set(operation, fibers), []
    rounds, filled = rounds_of(operation, rounds), {} if traces is None else traces
    if not isinstance(filled, Mapping) or len(set(map(id, filled.values()))) < len(filled):
        raise DeclarationError(f"{operation}.traces: must map each area to a Trace of its own (got {traces!r})")
    with ExitStack() as stack:
        for area, trace in filled.items():
            stack.enter_context(traced(trace, sim, sim.brain.area(area)))
        for _ in range(rounds):
            silent = list(dict.fromkeys(inhibited()))
            with _inhibited(sim, silent, opened):
                sim.run(opened)
            seen.append(tuple(area.name for area in silent))
    return tuple(seen)


@contextmanager
def _inhibited(sim: Simulator, areas: Sequence[Area], opened: FiberSet) -> Iterator[None]:
    """Keep some areas from firing: with thresholds above any drive, or by silencing areas that nothing drives."""
    transmitting = sim.transmitting(opened)
    with ExitStack() as stack:
        for area in areas:
            if len(transmitting.into(area)):
                stack.enter_context(sim.temporary_thresholds(area, _OUT_OF_REACH))
            else:
                sim.silence(area)
        yield


def _check_free(operation: str, sim: Simulator, areas: Iterable[Area]) -> None:
    for area in areas:
        if area.name in sim.held:
            raise DeclarationError(f"{operation}: area {area.name!r} is held, and would go on firing; release it first")


def _several(areas: Iterable[AreaLike] | AreaLike) -> Iterable[AreaLike]:
    return (areas,) if isinstance(areas, Area | str) else areas
