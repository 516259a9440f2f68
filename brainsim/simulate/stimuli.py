"""Firing without drive: presented assemblies, held areas, silence."""

from __future__ import annotations

from brainsim.declare.assembly import Assembly
from brainsim.errors import DeclarationError
from brainsim.kernels.state import NO_FIRING, WINNERS, Firing
from brainsim.simulate.engine import Engine
from brainsim.simulate.index import AreasLike, Index
from brainsim.simulate.state import BrainState


class Stimuli:
    """Set the firing neurons of areas, and which areas hold theirs."""

    def __init__(self, engine: Engine, index: Index, state: BrainState) -> None:
        self._engine = engine
        self._index = index
        self._state = state

    def present(self, assemblies: tuple[Assembly, ...]) -> None:
        """Make assemblies fire and hold them; see `Simulator.present`."""
        areas = [self._checked(assembly) for assembly in assemblies]
        if len(set(areas)) < len(areas):
            raise DeclarationError("Simulator.present: one assembly per area; present the second one afterwards")
        for assembly, area in zip(assemblies, areas, strict=True):
            self._engine.write(WINNERS, area, Firing(assembly.neurons))
            self._state.held.add(area)
            if len(assembly):
                self._state.fired.add(area)

    def _checked(self, assembly: Assembly) -> int:
        """Return the area of an assembly that can be presented."""
        if not isinstance(assembly, Assembly):
            raise DeclarationError(
                f"Simulator.present: must be given assemblies (got {assembly!r}); take a pattern by area[label]"
            )
        area = self._index.area(assembly.area)
        n = self._engine.program.areas[area].n
        if len(assembly) and assembly.neurons[-1] >= n:
            raise DeclarationError(
                f"Area {assembly.area!r}: neurons to present must be below n = {n} (got {assembly.neurons[-1]})"
            )
        return area

    def hold(self, areas: tuple[AreasLike, ...]) -> None:
        """Keep the present winners of areas firing."""
        self._state.held.update(self._index.areas(areas))

    def release(self, areas: tuple[AreasLike, ...]) -> None:
        """Let areas choose winners again: all of them if none is named."""
        self._state.held.difference_update(self._index.some(areas))

    def silence(self, areas: tuple[AreasLike, ...]) -> None:
        """Let no neuron of areas fire, and release them."""
        for area in self._index.some(areas):
            self._engine.write(WINNERS, area, NO_FIRING)
            self._state.held.discard(area)

    @property
    def held(self) -> tuple[str, ...]:
        """Names of the areas whose winners are held."""
        return tuple(self._index.area_names[area] for area in sorted(self._state.held))
