"""Raster plots: which neurons fired in which round."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from brainsim._arguments import checked
from brainsim.declare.area import Area
from brainsim.declare.assembly import Assembly
from brainsim.plots._axes import axes
from brainsim.plots._colours import distinct
from brainsim.plots._legend import legend
from brainsim.plots._marks import draw_marks
from brainsim.plots._text import draw_as_they_are, shortened
from brainsim.simulate.recordings.recording import Recorded

_GAP = 0.12
_OTHERS = "0.45"
_NAMED = 12
_PALE = 0.25


@checked()
def raster(
    recording: Recorded, assemblies: Sequence[Assembly] = (), *, fade: bool = False, ax: Axes | None = None
) -> Axes:
    """Draw winners over rounds, one band for each area, one colour for each label of an assembly.

    Parameters
    ----------
    recording : Recording, History or StoredRecording
        Its marks become labels on the time axis: all of them, upright if they are many, or every second, third … one
        that can be read.
    assemblies : sequence of Assembly
        Neurons are sorted by the first assembly that holds them, in this order, from the bottom of the band up; those
        in none come above in grey, by the round in which they first fired.  A legend names up to twelve labels.
    fade : bool
        Draw in full colour only the firings that the marks name: after a mark ``"dog"``, those of assemblies with the
        label ``"dog"``.  All others are pale.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
    """
    ax = axes(ax, 10.0, 1.2 + 1.5 * len(recording.areas))
    centres, colours = [], _colours(assemblies)
    for band, area in enumerate(reversed(recording.areas)):
        bottom = band * (1 + _GAP)
        own = [assembly for assembly in assemblies if assembly.area == area.name]
        fired = _band(ax, recording, area, own, [colours[_name(each, assemblies)] for each in own], bottom, fade)
        centres.append((bottom + 0.5, f"{area.name}\n{fired:,} of\n{area.n:,} neurons"))
    ax.set_yticks([y for y, _ in centres], [text for _, text in centres])
    ax.set_ylim(-_GAP / 2, len(recording.areas) * (1 + _GAP) - _GAP / 2)
    ax.set_xlim(-0.5, max(len(recording), 1) - 0.5)
    ax.set_xlabel("round")
    draw_marks(ax, recording)
    if 0 < len(colours) <= _NAMED:
        handles = [Line2D([], [], color=colour, lw=4) for colour in (*colours.values(), _OTHERS)]
        legend(ax, handles, [*map(shortened, colours), "in no assembly"])
    draw_as_they_are(ax)
    return ax


def _name(assembly: Assembly, assemblies: Sequence[Assembly]) -> str:
    """Return what the legend says: the label, which assemblies of several areas may share."""
    if assembly.label is not None:
        return assembly.label
    return f"assembly {next(at for at, each in enumerate(assemblies) if each is assembly)}"


def _colours(assemblies: Sequence[Assembly]) -> dict[str, str]:
    names = dict.fromkeys(_name(assembly, assemblies) for assembly in assemblies)
    return dict(zip(names, distinct(len(names)), strict=True))


def _band(
    ax: Axes,
    recording: Recorded,
    area: Area,
    assemblies: Sequence[Assembly],
    colours: Sequence[str],
    bottom: float,
    fade: bool,
) -> int:
    """Draw one area into ``[bottom, bottom + 1]`` and return how many of its neurons fired."""
    rounds = recording.winners(area)
    times = np.repeat(np.arange(len(rounds)), list(map(len, rounds)))
    neurons = np.concatenate([np.empty(0, np.int64), *rounds])
    order, group = _sorted(neurons, assemblies)
    rank = {neuron: at for at, neuron in enumerate(order.tolist())}
    height = np.array([rank[neuron] for neuron in neurons.tolist()], dtype=float) / max(len(order), 1)
    members = np.array([group[neuron] for neuron in neurons.tolist()], dtype=np.int64)
    together = np.argsort(members, kind="stable")
    ax.axhspan(bottom, bottom + 1, color="0.96", zorder=0)
    for member in [*range(len(assemblies)), -1]:
        first, end = np.searchsorted(members[together], (member, member + 1))
        chosen = together[first:end]
        colour = _OTHERS if member < 0 else colours[member]
        for part, alpha in _strengths(chosen, times, assemblies[member] if member >= 0 else None, recording, fade):
            ax.plot(times[part], bottom + height[part], ".", ms=2.2, mew=0, color=colour, alpha=alpha, rasterized=True)
    return len(order)


def _strengths(
    firings: npt.NDArray[np.int64],
    times: npt.NDArray[np.int64],
    assembly: Assembly | None,
    recording: Recorded,
    fade: bool,
) -> list[tuple[npt.NDArray[np.int64], float]]:
    """Return the firings of one assembly in parts, and how opaque each part is."""
    if not fade:
        return [(firings, 1.0)]
    starts = [mark.round for mark in recording.marks] + [len(recording)]
    named = np.zeros(len(recording), dtype=bool)
    for mark, start, end in zip(recording.marks, starts, starts[1:], strict=False):
        named[start:end] = assembly is not None and mark.label == assembly.label
    full = named[times[firings]]
    return [(firings[full], 1.0), (firings[~full], _PALE)]


def _sorted(
    neurons: npt.NDArray[np.int64], assemblies: Sequence[Assembly]
) -> tuple[npt.NDArray[np.int64], dict[int, int]]:
    """Return the neurons that fired in drawing order, and the number of each one's assembly (-1: none)."""
    unique, first = np.unique(neurons, return_index=True)
    group = dict.fromkeys(unique[np.argsort(first)].tolist(), -1)
    for number in reversed(range(len(assemblies))):
        group.update({neuron: number for neuron in assemblies[number] if neuron in group})
    order = sorted(group, key=lambda neuron: group[neuron] if group[neuron] >= 0 else len(assemblies))
    return np.array(order, dtype=np.int64), group
