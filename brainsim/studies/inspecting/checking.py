"""Check states, dumps, recordings and run folders for damage."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from brainsim.errors import BrainsimError, DumpError, RunFolderError
from brainsim.kernels.law.graph import GRAPH_VERSION
from brainsim.kernels.law.selection import TIES_VERSION
from brainsim.simulate.states_file import read_state
from brainsim.studies import manifest
from brainsim.studies.inspecting.folder import Standing, header_of, standing
from brainsim.studies.inspecting.kinds import HDF5, kind_of
from brainsim.studies.inspecting.reading import Held, held, whole_rounds
from brainsim.studies.inspecting.states import fault_of_state
from brainsim.studies.inspecting.table import counted
from brainsim.studies.inspecting.whole_files import fault

_GROWING = "it is being written, or the process that wrote it was killed"

_LOCK = re.compile(r"\..*lock")

Condition = Literal["whole", "unfinished", "damaged", "unknown"]


@dataclass(frozen=True)
class Checked:
    """The result of `check` for a file or folder.

    Attributes
    ----------
    path : str
        Where it is.
    kind : str
        What it is: ``state``, ``dump``, ``history``, ``model``, ``run``, ``sweep``, ``json``, ``csv``, ``text``,
        ``picture``, ``partial`` (what a writer left that was killed), ``hdf5`` (that cannot be read), ``other``.
    condition : {"whole", "unfinished", "damaged", "unknown"}
        ``unfinished``: whole as far as it goes.  ``unknown``: undecidable; such a file does not count for its folder.
    detail : str
        What it holds, or what is wrong.
    rounds : int or None
        The last round that is whole: of a state its age, of recordings the length of the longest.
    run : Standing or None
        Of a run folder or a sweep: how it stands.
    files : tuple of Checked
        Of a run folder: its files, by name.  Of a sweep: its files and runs.
    """

    path: str
    kind: str
    condition: Condition
    detail: str
    rounds: int | None = None
    run: Standing | None = None
    files: tuple[Checked, ...] = ()


def check(path: str | Path) -> Checked:
    """Read a whole file or run folder, and return what is intact; nothing in it is changed.

    Examples
    --------
    >>> from brainsim.studies.inspecting import check
    >>> check("nothing.h5").condition, check("nothing.h5").detail
    ('unknown', 'no such file or folder')
    """
    place = Path(path)
    try:
        kind = kind_of(place)
        folders = {"run": _run, "sweep": _sweep}
        return folders[kind](place) if kind in folders else _file(place, kind)
    except (DumpError, RunFolderError) as error:
        return _fault(place, error)
    except OSError as error:
        return Checked(str(path), "other", "unknown", f"cannot be read ({error.strerror or error})")


def _fault(path: Path, error: BrainsimError) -> Checked:
    """Return a file that cannot be read: damaged, or of another program or version."""
    detail = str(error).removeprefix(f"{path}: ")
    kind = "hdf5" if path.suffix.lower() in HDF5 else "other"
    # All readers say "damaged" of what brainsim wrote and something else has changed since.
    return Checked(str(path), kind, "damaged" if "damaged" in detail else "unknown", detail)


def _file(path: Path, kind: str) -> Checked:
    if kind == "hdf5":
        with held(path) as content:
            if content.kind != "state":
                return _dump(path, content)
        return _state(path)
    if kind == "partial":
        return Checked(str(path), kind, "unfinished", _GROWING)
    if kind == "other":
        return Checked(str(path), kind, "unknown", "no file that brainsim writes")
    wrong = fault(path, kind)
    return Checked(str(path), kind, "damaged" if wrong else "whole", f"is damaged: {wrong}" if wrong else "")


def _state(path: Path) -> Checked:
    saved = read_state(path)
    wrong = fault_of_state(saved)
    if wrong:
        return Checked(str(path), "state", "damaged", f"is damaged: {wrong}")
    rounds = saved.snapshot.brain["rounds"]
    detail = f"after {counted(rounds, 'round')}, seed {saved.seed}"
    others = {"graph": (saved.graph_version, GRAPH_VERSION), "ties": (saved.ties_version, TIES_VERSION)}
    detail += "".join(
        f"; belongs to {name} version {found}, here {here}, so that it can be looked at and not loaded"
        for name, (found, here) in others.items()
        if found not in (None, here)
    )
    return Checked(str(path), "state", "whole", detail, rounds)


def _dump(path: Path, content: Held) -> Checked:
    kind = content.kind
    good = {name: whole_rounds(recording) for name, recording in content.recordings.items()}
    torn = {name: len(content.recordings[name]) for name in good if good[name] < len(content.recordings[name])}
    assemblies = sum(map(len, content.assemblies.values()))
    rounds = max(good.values(), default=None)
    if torn:
        lost = (f"recording {name!r} is whole for {good[name]} of {counted(torn[name], 'round')}" for name in torn)
        return Checked(str(path), kind, "damaged", f"is damaged: {', '.join(lost)}", rounds)
    said = [f"recording {name!r} of {counted(length, 'round')}" for name, length in good.items()]
    said += [counted(assemblies, "assembly", "assemblies")] if assemblies or not said else []
    if kind == "model":  # its seal covers all of it
        said = [", ".join(f"{name} {value}" for name, value in content.about.items())]
    if content.growing:
        return Checked(str(path), kind, "unfinished", f"{', '.join(said)}; {_GROWING}", rounds)
    return Checked(str(path), kind, "whole", ", ".join(said), rounds)


def _run(folder: Path) -> Checked:
    return _folder(folder, "run", _as_written(folder, tuple(check(path) for path in sorted(_files(folder)))))


def _sweep(folder: Path) -> Checked:
    """Return a sweep, in which each run counts as a file."""
    runs = [path for path in (folder / "runs").glob("*") if path.is_dir()]
    files = [path for path in _files(folder) if not any(path.is_relative_to(run) for run in runs)]
    return _folder(folder, "sweep", tuple(check(path) for path in sorted([*files, *runs])))


def _folder(folder: Path, kind: str, files: tuple[Checked, ...]) -> Checked:
    damaged = sum(each.condition == "damaged" for each in files)
    runs = sum(each.kind == "run" for each in files)
    parts = [counted(runs, "run")] if runs else []
    parts += [counted(len(files) - runs, "file"), *([f"{damaged} damaged"] if damaged else [])]
    detail = ", ".join(parts)
    try:
        stands = standing(folder, sweep=kind == "sweep")
    except RunFolderError as error:
        wrong = str(error).removeprefix(f"{folder}: ")
        return Checked(str(folder), kind, "damaged", f"{wrong}; {detail}", files=files)
    condition: Condition = "damaged" if damaged else "whole" if stands.status == "finished" else "unfinished"
    return Checked(str(folder), kind, condition, f"{stands.status}, {detail}", run=stands, files=files)


def _as_written(folder: Path, files: tuple[Checked, ...]) -> tuple[Checked, ...]:
    """Return the files of a run; changed and missing files count as damaged."""
    try:
        changed = manifest.changed(folder, header_of(folder))
    except (RunFolderError, OSError):  # which is said elsewhere
        return files
    wrong = {str(folder / name): f"is damaged: it {verdict}" for name, verdict in changed.items()}
    judged = [
        each
        if each.path not in wrong or each.condition == "damaged"
        else replace(each, condition="damaged", detail=wrong[each.path])
        for each in files
    ]
    missing = wrong.keys() - {each.path for each in files}
    return (*judged, *(Checked(path, "other", "damaged", wrong[path]) for path in sorted(missing)))


def _files(folder: Path) -> list[Path]:
    """Return all files of a run except locks, which are empty."""
    return [path for path in folder.rglob("*") if not path.is_dir() and not _LOCK.fullmatch(path.name)]
