"""How notebooks show simulators and recordings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brainsim._html import dots, shown
from brainsim.errors import BrainsimError

if TYPE_CHECKING:
    from brainsim.simulate.recordings.recording import Recorded
    from brainsim.simulate.simulator import Simulator

_ROUNDS = 60
_NEURONS = 12
"""Number of rounds of a recording that are drawn, and of neurons in each."""


def simulator_html(simulator: Simulator) -> str:
    """Return the areas of a simulator and what fires, and its fibers."""
    firing = _firing(simulator)
    rows = [
        ("area", area.name, f"n = {area.n:,}, k = {area.k:,}", "fires" if area.name in firing else "")
        for area in simulator.brain.areas.values()
    ]
    fibers = [
        ("fiber", f"{each.source.name} → {each.target.name}", str(each.connectivity), str(each.plasticity or "fixed"))
        for each in simulator.brain.fibers
    ]
    return shown(repr(simulator).strip("<>"), ("", "", "", ""), [*rows, *fibers])


def _firing(simulator: Simulator) -> set[str]:
    """Return the areas that fire; none of a simulator that is closed, or that another thread runs."""
    try:
        return {name for name in simulator.brain.areas if simulator.fires(name)}
    except BrainsimError:
        return set()


def recording_html(recording: Recorded) -> str:
    """Return the areas of a recording, and a small raster of some of its rounds and neurons."""
    length, areas = len(recording), recording.areas
    step = max(1, -(-length // _ROUNDS))
    points = [
        (number / max(length, 1), (len(areas) - 1 - at + neuron / area.n) / len(areas))
        for at, area in enumerate(areas)
        for number in range(0, length, step)
        for winners in recording.winners(area, number, number + 1)
        for neuron in winners[:: max(1, -(-len(winners) // _NEURONS))].tolist()
    ]
    marks = ", ".join(mark.label for mark in recording.marks[:8]) + (", …" if len(recording.marks) > 8 else "")
    rows = [(area.name, area.n, area.k) for area in areas]
    text = f"{type(recording).__name__}: {length:,} rounds" + (f"; marks {marks}" if marks else "")
    label = f"raster of {', '.join(area.name for area in areas)}, the first area at the top"
    return shown(text, ("area", "n", "k"), rows, dots(points, 36 * max(len(areas), 1), label))
