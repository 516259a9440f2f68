"""What a simulator's user does to it between rounds: stimuli, gates, thresholds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt

from brainsim.declare.assembly import Assembly
from brainsim.declare.brain import Brain
from brainsim.declare.fiber import Fiber, FiberSet
from brainsim.errors import DeclarationError
from brainsim.kernels.backend import Backend
from brainsim.kernels.program import Program
from brainsim.simulate import backends
from brainsim.simulate.excitability import checked_thresholds, drives_of, thresholds_of
from brainsim.simulate.index import AreaLike, Index, Openable
from brainsim.simulate.state import State


class Control(ABC):
    """The part of `brainsim.Simulator` that sets what fires, what is open and who is easily driven."""

    brain: Brain
    _program: Program
    _index: Index
    _state: State
    _depth: int

    @property
    @abstractmethod
    def _live(self) -> Backend:
        """The backend, which must not be closed or broken."""

    # Stimuli and gates

    def present(self, *assemblies: Assembly) -> None:
        """Make assemblies fire and hold them: each area keeps firing its own until it is released.

        Raises
        ------
        DeclarationError
            If a neuron is not below the area's ``n``, or two assemblies are of one area.
        UnknownNameError
            If the area is not in the brain.
        """
        for assembly in assemblies:
            if not isinstance(assembly, Assembly):
                raise DeclarationError(
                    f"Simulator.present: must be given assemblies (got {assembly!r}); take a pattern by area[label]"
                )
        areas = [self._index.area(assembly.area) for assembly in assemblies]
        if len(set(areas)) < len(areas):
            raise DeclarationError("Simulator.present: one assembly per area; present the second one afterwards")
        for assembly, area in zip(assemblies, areas, strict=True):
            n = self._program.areas[area].n
            if len(assembly) and assembly.neurons[-1] >= n:
                raise DeclarationError(
                    f"Area {assembly.area!r}: neurons to present must be below n = {n} (got {assembly.neurons[-1]})"
                )
        for assembly, area in zip(assemblies, areas, strict=True):
            with backends.named_errors():
                self._live.set_winners(area, assembly.neurons)
            self._state.held.add(area)
            if len(assembly):
                self._state.fired.add(area)

    def hold(self, *areas: AreaLike) -> None:
        """Keep the present winners of these areas firing until they are released."""
        self._state.held.update(self._index.areas(areas))

    def release(self, *areas: AreaLike) -> None:
        """Let these areas (all, if none is named) choose winners again; what fires now stays until they do."""
        self._state.held.difference_update(self._some(areas))

    @property
    def held(self) -> tuple[str, ...]:
        """Names of the areas whose winners are held."""
        return tuple(self._program.areas[area].name for area in sorted(self._state.held))

    def silence(self, *areas: AreaLike) -> None:
        """Let no neuron of these areas (all, if none is named) fire, and release them; weights are kept."""
        for area in self._some(areas):
            self._live.set_winners(area, np.empty(0, np.int64))
            self._state.held.discard(area)

    def inhibit(self, *targets: AreaLike | Fiber | FiberSet) -> None:
        """Close fibers, or all fibers into and out of areas, until they are disinhibited.

        An inhibited area keeps its winners, which act again once it is disinhibited.
        """
        areas, fibers = self._index.gates(targets)
        self._state.inhibited_areas |= areas
        self._state.inhibited_fibers |= fibers

    def disinhibit(self, *targets: AreaLike | Fiber | FiberSet) -> None:
        """Undo `inhibit` for these areas and fibers (for everything, if nothing is named)."""
        areas, fibers = self._index.gates(targets)
        self._state.inhibited_areas &= self._state.inhibited_areas - areas if targets else set()
        self._state.inhibited_fibers &= self._state.inhibited_fibers - fibers if targets else set()

    # Excitability

    def thresholds(self, area: AreaLike) -> npt.NDArray[np.float64]:
        """Return what is subtracted from the drive of each neuron, shape ``(n,)``, in units of the base weight."""
        return thresholds_of(self._live, self._index.area(area))

    def set_thresholds(self, area: AreaLike, values: npt.ArrayLike) -> None:
        """Make an area's neurons harder to drive, or easier (below 0): one number for all, or one for each.

        A neuron fires only if its drive exceeds its threshold.  Where that is below 0, it may fire without any input,
        in rounds that open a fiber into the area.

        Raises
        ------
        DeclarationError
            If the values are not one number or ``n``, or too large for 64 bits (7e13).
        """
        index = self._index.area(area)
        where = f"Area {self._program.areas[index].name!r}: thresholds"
        with backends.named_errors():
            self._live.set_thresholds(index, checked_thresholds(values, self._program.areas[index].n, where))

    @contextmanager
    def temporary_thresholds(self, area: AreaLike, values: npt.ArrayLike) -> Iterator[None]:
        """Set thresholds for the length of a block; then put those back that there were, exactly.

        >>> with sim.temporary_thresholds(lex, rng.normal(0, 5, lex.n)):  # noise, for one round
        ...     sim.run(phon >> lex)
        Outcome(rounds=1, stable=False)
        """
        index = self._index.area(area)
        before = self._live.thresholds(index)
        self.set_thresholds(area, values)
        try:
            yield
        finally:
            with backends.named_errors():
                self._live.set_thresholds(index, before)

    @property
    def learning(self) -> bool:
        """Whether rounds learn: everywhere but inside `Simulator.frozen`."""
        return not self._depth

    def has_fired(self, area: AreaLike) -> bool:
        """Return whether an area has fired so far, in probes or outside of them."""
        return self._index.area(area) in self._state.fired

    def transmitting(self, fibers: Openable) -> FiberSet:
        """Return those of some fibers that a round would open: all but inhibited ones, and those of inhibited areas."""
        every = list(self.brain.fibers)
        return FiberSet(every[f] for f in self._transmitting(fibers))

    def drives(self, area: AreaLike, fibers: Openable | None = None) -> npt.NDArray[np.float64]:
        """Return the drive of each neuron of an area, less its threshold, in a round that would open these fibers.

        Nothing changes.  Of the fibers (all by default), those count that end in the area and are not inhibited.  Takes
        as long as reading all their learned synapses: a look at a moment, not a step of a simulation.

        Returns
        -------
        float64 array, shape (n,)
            In units of the base weight.
        """
        index = self._index.area(area)
        opened = self._transmitting(self.brain.fibers if fibers is None else fibers)
        return drives_of(self._live, index, [f for f in opened if self._program.fibers[f].target == index])

    def _transmitting(self, fibers: Openable) -> list[int]:
        return [f for f in self._index.fibers(fibers) if not self._state.closed(f, self._program.fibers[f])]

    def _some(self, areas: tuple[AreaLike, ...]) -> list[int]:
        return self._index.areas(areas) if areas else list(range(len(self._program.areas)))
