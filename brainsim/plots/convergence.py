"""Convergence of winners: overlaps from round to round, and the support."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from brainsim._arguments import checked
from brainsim.declare.area import Area
from brainsim.plots._axes import axes
from brainsim.plots._colours import distinct
from brainsim.plots._legend import legend
from brainsim.plots._marks import draw_marks
from brainsim.plots._text import draw_as_they_are
from brainsim.simulate.recordings.recording import Recorded

_BEFORE, _LAST = "-", (0, (4, 2))


@checked()
def convergence_curve(
    recording: Recorded, areas: Sequence[Area | str] | None = None, *, ax: Axes | None = None
) -> Axes:
    """Draw how much the winners of each round share with those of the round before, and with those of the last round.

    An area has converged where both curves reach 1.  An overlap is ``|A ∩ B| / min(|A|, |B|)``, and 0 where no neuron
    fires.

    Parameters
    ----------
    recording : Recording, History or StoredRecording
        Its marks become labels on the time axis.
    areas : sequence of Area or str, optional
        Which of the recorded areas; all by default.  Of a single one the chance level ``k / n`` is drawn, too.
    ax : Axes, optional
        Where to draw.

    Raises
    ------
    UnknownNameError
        If an area was not recorded.

    Examples
    --------
    >>> recording = sim.record(lex)
    >>> sim.present(phon["dog"])
    >>> sim.run(phon >> lex | lex >> lex, rounds=8).rounds
    8
    >>> plots.convergence_curve(recording).get_ylabel()
    'overlap of winners'
    """
    ax = axes(ax)
    shown = _areas(recording, areas)
    for area, colour in zip(shown, distinct(len(shown)), strict=True):
        rounds = recording.winners(area)
        times = np.arange(len(rounds))
        ax.plot(times[1:], _overlaps(rounds[1:], rounds[:-1]), _BEFORE, color=colour, lw=1.8)
        ax.plot(times, _overlaps(rounds, rounds[-1:] * len(rounds)), ls=_LAST, color=colour, lw=1.8)
    areas_of, names = _colours(shown)
    handles = [*areas_of, *(Line2D([], [], color="0.2", ls=style, lw=1.8) for style in (_BEFORE, _LAST))]
    names += ["with the round before", "with the last round"]
    if len(shown) == 1:
        chance = shown[0].k / shown[0].n
        handles.append(ax.axhline(chance, color="0.5", lw=1, ls=":"))
        names.append(f"chance, k / n = {chance:.2g}")
    legend(ax, handles, names)
    ax.set_ylim(-0.03, 1.05)
    _finish(ax, recording, "overlap of winners")
    return ax


@checked()
def support_curve(recording: Recorded, areas: Sequence[Area | str] | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw the support: how many different neurons of each area have fired by the end of each round.

    Parameters
    ----------
    recording : Recording, History or StoredRecording
        Its marks become labels on the time axis.
    areas : sequence of Area or str, optional
        Which of the recorded areas; all by default.
    ax : Axes, optional
        Where to draw.

    Raises
    ------
    UnknownNameError
        If an area was not recorded.

    Examples
    --------
    >>> recording = sim.record(lex)
    >>> sim.present(phon["dog"])
    >>> sim.run(phon >> lex, rounds=3).rounds
    3
    >>> plots.support_curve(recording).get_ylabel()
    'support (neurons)'
    """
    ax = axes(ax)
    shown = _areas(recording, areas)
    for area, colour in zip(shown, distinct(len(shown)), strict=True):
        ax.plot(_support(recording.winners(area)), color=colour, lw=1.8)
    ax.set_ylim(bottom=0)
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    legend(ax, *_colours(shown))
    _finish(ax, recording, "support (neurons)")
    return ax


def _areas(recording: Recorded, chosen: Sequence[Area | str] | None) -> list[Area]:
    if chosen is None:
        return list(recording.areas)
    known = {area.name: area for area in recording.areas}
    for area in chosen:
        recording.winners(area)  # which refuses an area that was not recorded
    return [known[area if isinstance(area, str) else area.name] for area in chosen]


def _colours(areas: Sequence[Area]) -> tuple[list[Line2D], list[str]]:
    """Return the entries of the legend for the colours of areas."""
    return [Line2D([], [], color=colour, lw=4) for colour in distinct(len(areas))], [area.name for area in areas]


def _overlaps(rounds: Sequence[npt.NDArray[np.int64]], others: Sequence[npt.NDArray[np.int64]]) -> list[float]:
    pairs = zip(rounds, others, strict=True)
    return [len(np.intersect1d(a, b, assume_unique=True)) / max(1, min(len(a), len(b))) for a, b in pairs]


def _support(rounds: Sequence[npt.NDArray[np.int64]]) -> npt.NDArray[np.int64]:
    """Return how many neurons have fired by the end of each round: each counts from its first round on."""
    times = np.repeat(np.arange(len(rounds)), [len(winners) for winners in rounds])
    _, first = np.unique(np.concatenate([np.empty(0, np.int64), *rounds]), return_index=True)
    return np.cumsum(np.bincount(times[first], minlength=len(rounds)))


def _finish(ax: Axes, recording: Recorded, ylabel: str) -> None:
    ax.set_xlim(-0.5, max(len(recording), 1) - 0.5)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel("round")
    ax.set_ylabel(ylabel)
    draw_marks(ax, recording)
    draw_as_they_are(ax)
