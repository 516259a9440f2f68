"""Pictures of the content of a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from brainsim.declare.assembly import Assembly
from brainsim.errors import DumpError, UnknownNameError, unknown
from brainsim.kernels.law.weights import ONE
from brainsim.kernels.state import WEIGHTS
from brainsim.simulate.recordings.recording import Recording
from brainsim.simulate.recordings.stored import StoredRecording, loaded
from brainsim.simulate.states_file import read_state
from brainsim.studies.inspecting.kinds import kind_of
from brainsim.studies.inspecting.reading import Held, held

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Drawing = Literal["raster", "overlaps", "convergence", "weights"]
ALIKE = 0.5
"""Assemblies that share this much count as one: the first of them has its colour."""
DRAWINGS: tuple[Drawing, ...] = get_args(Drawing)


def draw(
    path: str | Path, kind: Drawing | None = None, *, areas: Sequence[str] = (), recording: str | None = None
) -> Figure:
    """Return a figure of the content of a state, a dump or a history.

    Parameters
    ----------
    path : str or Path
        The file.
    kind : {"raster", "overlaps", "convergence", "weights"}, optional
        What to draw: which neurons fire in which round, coloured by the assemblies of the file; overlaps of assemblies;
        overlaps of winners between rounds, and the support; weights of a state.  By default the weights of a state, and
        of other files the raster, or overlaps if there is no recording.
    areas : sequence of str
        Which areas: all by default.  Of weights, the areas that fibers lead to.
    recording : str, optional
        Which recording; may be left out if there is one.

    Raises
    ------
    DumpError
        If the file cannot be read, or does not hold what is to be drawn.
    UnknownNameError
        If it has no such area or recording.

    Examples
    --------
    >>> from brainsim.studies.inspecting import draw
    >>> from tempfile import TemporaryDirectory
    >>> sim.present(phon["dog"])
    >>> sim.run(phon >> lex, rounds=3).rounds
    3
    >>> with TemporaryDirectory() as folder:
    ...     sim.save(f"{folder}/state.h5")
    ...     figure = draw(f"{folder}/state.h5")
    >>> figure.axes[0].get_ylabel()
    'synapses'
    """
    with _drawable(path) as content:
        possible = _possible(content)
        chosen = kind or _first(possible)
        if chosen not in possible:
            can = f"draw its {' or '.join(possible)}" if possible else "it holds neither assemblies nor recordings"
            raise DumpError(f"{path}: is a {content.kind} and has no {chosen} to draw; {can}")
        if chosen != "weights":
            sized = (area.name for recorded in content.recordings.values() for area in recorded.areas)
            _check_areas(path, areas, dict.fromkeys([*content.assemblies, *sized]))
            return _DRAWERS[chosen](path, content, areas, recording)
    return _weights(Path(path), areas)


@contextmanager
def _drawable(path: str | Path) -> Iterator[Held]:
    place = Path(path)
    if kind_of(place) != "hdf5":
        cure = "give a state, a dump or a history, such as a file that ends in .h5 in a run folder"
        raise DumpError(f"{path}: holds nothing to draw; {cure}")
    with held(place) as content:
        yield content


def drawing_of(path: str | Path) -> Drawing:
    """Return the default kind of picture of a file.

    Raises
    ------
    DumpError
        If the file cannot be read.
    """
    with _drawable(path) as content:
        return _first(_possible(content))


def _first(possible: Sequence[Drawing]) -> Drawing:
    return possible[0] if possible else "raster"


def _possible(content: Held) -> tuple[Drawing, ...]:
    if content.kind == "state":
        return ("weights",)
    of_recordings: tuple[Drawing, ...] = ("raster", "convergence") if content.recordings else ()
    return (*of_recordings, "overlaps") if content.assemblies else of_recordings


def _check_areas(path: str | Path, areas: Sequence[str], known: Mapping[str, object]) -> None:
    for area in areas:
        if area not in known:
            raise UnknownNameError(f"{path}: {unknown('area', area, known)}")


def _weights(path: Path, areas: Sequence[str]) -> Figure:
    from brainsim.plots import weight_histogram

    saved = read_state(path)
    targets = {name: part["target"] for name, part in (saved.identity or {}).get("fibers", {}).items()}
    _check_areas(path, areas, dict.fromkeys(targets.values()))
    stored = saved.snapshot.values[WEIGHTS.name].items()
    arrays = {name: value.weight / ONE for name, value in stored if not areas or targets[name] in areas}
    weights = {name: array for name, array in arrays.items() if len(array)}
    if not weights:
        raise DumpError(f"{path}: has no learned weights to draw{', in these areas' if areas else ''}")
    figure = _figure(8.0, 4.5)
    weight_histogram(weights, ax=figure.subplots())
    _title(figure, f"{path.name}: weights after {saved.snapshot.brain['rounds']:,} rounds")
    return figure


def _raster(path: str | Path, content: Held, areas: Sequence[str], name: str | None) -> Figure:
    from brainsim.plots import raster

    chosen, recording = _recording(path, content, name, areas)
    shown = [area.name for area in recording.areas]
    assemblies = [each for area in shown for each in apart([*content.assemblies.get(area, {}).values()])]
    figure = _figure(11.0, 1.4 + 1.5 * len(recording.areas))
    raster(recording, assemblies, ax=figure.subplots())
    _title(figure, f"{Path(path).name}: {chosen}")
    return figure


def apart(assemblies: Iterable[Assembly]) -> list[Assembly]:
    """Return assemblies without those that share half of their neurons with an earlier one, as a word heard again."""
    kept: list[Assembly] = []
    for assembly in assemblies:
        if all(assembly.overlap(earlier) < ALIKE for earlier in kept):
            kept.append(assembly)
    return kept


def _convergence(path: str | Path, content: Held, areas: Sequence[str], name: str | None) -> Figure:
    from brainsim.plots import convergence_curve, support_curve

    chosen, recording = _recording(path, content, name, areas)
    figure = _figure(9.0, 6.5)
    above, below = figure.subplots(2, sharex=True)
    convergence_curve(recording, ax=above).set_xlabel("")
    support_curve(recording, ax=below)
    _title(figure, f"{Path(path).name}: {chosen}")
    return figure


def _overlaps(path: str | Path, content: Held, areas: Sequence[str], name: str | None) -> Figure:
    from brainsim.plots import overlap_heatmap

    del name
    chosen = {area: [*labels.values()] for area, labels in content.assemblies.items() if not areas or area in areas}
    chosen = {area: assemblies for area, assemblies in chosen.items() if assemblies}
    if not chosen:
        raise DumpError(f"{path}: has no assemblies to draw{', in these areas' if areas else ''}")
    figure = _figure(5.6 * len(chosen), 5.2)
    for ax, (area, assemblies) in zip(figure.subplots(1, len(chosen), squeeze=False)[0], chosen.items(), strict=True):
        overlap_heatmap(assemblies, chance=_chance(content, area), ax=ax).set_title(area, parse_math=False)
    _title(figure, f"{Path(path).name}: overlap of assemblies")
    return figure


def _chance(content: Held, area: str) -> float | None:
    """Return the overlap of two random assemblies, if a recording holds the size of the area."""
    sizes = [each for recording in content.recordings.values() for each in recording.areas if each.name == area]
    return sizes[0].k / sizes[0].n if sizes else None


def _recording(path: str | Path, content: Held, name: str | None, areas: Sequence[str]) -> tuple[str, Recording]:
    """Return the name of a recording, and its chosen areas in memory."""
    known = content.recordings
    if name is None and len(known) > 1:
        raise DumpError(f"{path}: holds several recordings; choose one with --recording: {', '.join(known)}")
    if name is not None and name not in known:
        raise UnknownNameError(f"{path}: {unknown('recording', name, known)}")
    chosen = name or next(iter(known))
    return f"recording {chosen!r}", _of_areas(path, known[chosen], areas)


def _of_areas(path: str | Path, stored: StoredRecording, areas: Sequence[str]) -> Recording:
    whole = loaded(stored)
    if not areas:
        return whole
    _check_areas(path, areas, {area.name: area for area in whole.areas})
    part = Recording([area for area in whole.areas if area.name in areas])
    rounds = {area.name: whole.winners(area) for area in part.areas}
    marks = list(whole.marks)
    for number in range(len(whole) + 1):
        while marks and marks[0].round == number:
            part.mark(marks.pop(0).label)
        if number < len(whole):
            part.append({area: winners[number] for area, winners in rounds.items()})
    return part


def _figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def _title(figure: Figure, text: str) -> None:
    figure.suptitle(text, fontsize="medium", parse_math=False)


_DRAWERS: dict[Drawing, Callable[[str | Path, Held, Sequence[str], str | None], Figure]] = {
    "raster": _raster,
    "overlaps": _overlaps,
    "convergence": _convergence,
}
