"""How an assembly forms in a parser's brain, and is linked to others."""

from __future__ import annotations

from collections.abc import Sequence

from brainsim.declare.area import Area
from brainsim.declare.assembly import Assembly
from brainsim.declare.fiber import FiberSet
from brainsim.models.language.gating import Gates
from brainsim.operations import attach, reciprocal_project
from brainsim.simulate.simulator import Simulator


class Linking:
    """Forms assemblies from a source alone and then links them, or, if ``alone`` is 0, both from the first round on."""

    def __init__(self, sim: Simulator, gates: Gates, alone: int, rounds: int) -> None:
        self._sim = sim
        self._gates = gates
        self._alone = alone
        self._rounds = rounds

    def form(self, source: Assembly, target: Area, links: Sequence[Area]) -> Assembly:
        """Let an assembly drive a new one, which is linked to those that fire at the other end of open fibers."""
        sim, start = self._sim, self._sim.brain.area(source.area)
        firing = [area for area in links if sim.fires(area)]
        with self._gates.during([(start, target), *((target, area) for area in firing)]):
            partners = self._gates.open_from(target, firing)
            sim.silence(target)
            sim.present(source)
            if self._alone and partners:
                formed = attach(sim, start, target, to=partners, alone=self._alone, rounds=self._rounds)
            elif self._alone:
                formed = reciprocal_project(sim, start, target, self._rounds)
            else:
                formed = self._together(start, target, partners)
        sim.release(start)
        return formed

    def _together(self, start: Area, target: Area, partners: Sequence[Area]) -> Assembly:
        """Run the published protocol: source and partners are held, and all fibers are open in every round."""
        sim = self._sim
        fibers = start & target | target >> target
        for area in partners:
            fibers = fibers | target & area
        sim.hold(*partners)
        sim.run(FiberSet(fibers), self._rounds)
        sim.release(*partners)
        return sim.assembly(target)
