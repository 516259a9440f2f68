"""The content of a state, a dump or a run folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brainsim._html import shown
from brainsim.declare.area import Area
from brainsim.errors import DumpError
from brainsim.simulate.recordings.recording import pieces
from brainsim.simulate.recordings.stored import StoredRecording
from brainsim.simulate.states_file import SavedState, read_state
from brainsim.studies.inspecting.folder import Standing, header_of, metrics_of, standing, sweep_header_of
from brainsim.studies.inspecting.kinds import kind_of
from brainsim.studies.inspecting.parts import ShownArea, ShownFiber, ShownKind, areas_of, fibers_of, kinds_of
from brainsim.studies.inspecting.reading import Held, held
from brainsim.studies.sweeping.folder import outcomes


@dataclass(frozen=True)
class Versions:
    """The format of a state's file, and the versions of the random graph and of the rule that breaks ties."""

    format: int
    graph: int
    ties: int | None


@dataclass(frozen=True)
class ShownState:
    """A saved state.

    Attributes
    ----------
    path, seed, rounds, note
        Where it is, the seed of the simulator, how many rounds had been run, the note that was saved with it.
    versions : Versions
        Of the file's format, the random graph and the rule that breaks ties.
    areas, fibers : tuple
        The brain, by name; empty in files of format 1 and 2, whose brain is the text ``declaration``.
    modulators : mapping
        The modulators of the brain, as the file describes them.
    kinds : tuple of ShownKind
        How many items each kind of state has.
    brain : mapping
        What belongs to the brain as a whole: held areas, locks, values of modulators, what has been used.
    declaration : str or None
        The brain as text, in files of format 1 and 2.
    """

    path: str
    seed: int
    rounds: int
    note: str
    versions: Versions
    areas: tuple[ShownArea, ...]
    fibers: tuple[ShownFiber, ...]
    modulators: Mapping[str, Any]
    kinds: tuple[ShownKind, ...]
    brain: Mapping[str, Any]
    declaration: str | None


@dataclass(frozen=True)
class ShownRecordingArea:
    """One area of a recording: ``support`` is how many different neurons fired, ``winners`` how many in all."""

    name: str
    n: int
    k: int
    support: int
    winners: int


@dataclass(frozen=True)
class ShownRecording:
    """One recording: its rounds, seed, areas and marks (round and label), and whether it has drives."""

    name: str
    rounds: int
    seed: int | None
    drives: bool
    areas: tuple[ShownRecordingArea, ...]
    marks: tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class ShownDump:
    """A dump or a history: the sizes of assemblies by area and label, and the recordings.

    ``growing`` says whether it is still being written, or its writer was killed, ``about`` what made it, and
    ``descriptions`` what its parts mean, by path.
    """

    path: str
    kind: str
    format: int
    growing: bool
    about: Mapping[str, Any]
    descriptions: Mapping[str, str]
    assemblies: Mapping[str, Mapping[str, int]]
    recordings: tuple[ShownRecording, ...]


@dataclass(frozen=True)
class ShownRun:
    """A run folder: its status, the content of ``run.json``, the metrics (``None`` if there are none yet), files."""

    path: str
    run: Standing
    header: Mapping[str, Any]
    metrics: Mapping[str, Any] | None
    files: Mapping[str, int]

    def _repr_html_(self) -> str:
        names = ("command", "experiment", "seed", "seconds")
        rows: list[tuple[str, object]] = [
            ("status", self.run.status),
            *((name, str(self.header[name])) for name in names),
        ]
        rows += [(f"parameter {name}", str(value)) for name, value in self.header["parameters"].items()]
        rows += [(name, value) for name, value in (self.metrics or {}).items() if isinstance(value, int | float)]
        return shown(f"Run {self.path}", (), rows)


@dataclass(frozen=True)
class ShownSweep:
    """The folder of a sweep: its status, the content of ``sweep.json``, and its files besides those of the runs."""

    path: str
    run: Standing
    header: Mapping[str, Any]
    files: Mapping[str, int]


Shown = ShownState | ShownDump | ShownRun | ShownSweep


def show(path: str | Path) -> Shown:
    """Return the content of a file or run folder, without the brain that it belongs to.

    Raises
    ------
    DumpError
        If the file cannot be read, or is none of brainsim's.
    RunFolderError
        If the folder holds no run, or its ``run.json`` or ``metrics.json`` is damaged.

    Examples
    --------
    >>> from brainsim.studies.inspecting import show
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     sim.save(f"{folder}/state.h5", note="before learning")
    ...     state = show(f"{folder}/state.h5")
    >>> state.seed, state.rounds, state.note
    (1, 0, 'before learning')
    """
    place = Path(path)
    kind = kind_of(place)
    if kind == "run":
        return _run(place)
    if kind == "sweep":
        return _sweep(place)
    if kind == "hdf5":
        with held(place) as content:
            if content.kind != "state":
                return _dump(place, content)
        return _state(place)
    raise DumpError(f"{path}: is no state, no dump, no history and no run folder of brainsim")


def _state(path: Path) -> ShownState:
    saved: SavedState = read_state(path)
    identity, brain = saved.identity or {}, dict(saved.snapshot.brain)
    return ShownState(
        path=str(path),
        seed=saved.seed,
        rounds=brain.pop("rounds"),
        note=saved.note,
        versions=Versions(saved.format, saved.graph_version, saved.ties_version),
        areas=areas_of(identity),
        fibers=fibers_of(identity, saved.snapshot),
        modulators=identity.get("modulators", {}),
        kinds=kinds_of(saved.snapshot),
        brain=brain,
        declaration=saved.declaration,
    )


def _dump(path: Path, content: Held) -> ShownDump:
    return ShownDump(
        path=str(path),
        kind=content.kind,
        format=content.format,
        growing=content.growing,
        about=content.about,
        descriptions=content.descriptions,
        assemblies={
            area: {label: len(assembly) for label, assembly in labels.items()}
            for area, labels in content.assemblies.items()
        },
        recordings=tuple(_recording(name, recording) for name, recording in content.recordings.items()),
    )


def _recording(name: str, recording: StoredRecording) -> ShownRecording:
    areas = tuple(ShownRecordingArea(area.name, area.n, area.k, *_fired(recording, area)) for area in recording.areas)
    marks = tuple((mark.round, mark.label) for mark in recording.marks)
    return ShownRecording(name, len(recording), recording.seed, recording.has_drives, areas, marks)


def _fired(recording: StoredRecording, area: Area) -> tuple[int, int]:
    """Return how many different neurons fired, and how many in all."""
    in_all = (len(winners) for piece in pieces(recording) for winners in recording.winners(area, *piece))
    return recording.support(area), sum(in_all)


def _run(folder: Path) -> ShownRun:
    files = {str(each.relative_to(folder)): each.stat().st_size for each in sorted(folder.rglob("*")) if each.is_file()}
    return ShownRun(str(folder), standing(folder), header_of(folder), metrics_of(folder), files)


def _sweep(folder: Path) -> ShownSweep:
    files = {
        each.name: each.stat().st_size
        for each in sorted(folder.iterdir())
        if each.is_file() and not each.name.startswith(".")
    }
    stands, header = standing(folder, sweep=True), sweep_header_of(folder)
    if stands.status in ("running", "killed"):  # the header counts the runs at the end only
        header = {**header, **outcomes(folder)}
    return ShownSweep(str(folder), stands, header, files)
