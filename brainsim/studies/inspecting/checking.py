"""What is whole: of a state, a dump, a recording, a run folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from brainsim.errors import BrainsimError, DumpError, RunFolderError
from brainsim.simulate.dumps import read_assemblies, read_recordings
from brainsim.simulate.recording import Recording
from brainsim.simulate.states_file import read_state
from brainsim.studies.folders import contents
from brainsim.studies.inspecting.folder import Standing, standing
from brainsim.studies.inspecting.kinds import HDF5, kind_of, looks_like_hdf5
from brainsim.studies.inspecting.table import counted
from brainsim.studies.inspecting.whole_files import fault

Condition = Literal["whole", "unfinished", "damaged", "unknown"]


@dataclass(frozen=True)
class Checked:
    """What `check` found out about a file or folder.

    Attributes
    ----------
    path : str
        Where it is.
    kind : str
        What it is: ``state``, ``dump``, ``history``, ``run``, ``partial`` (what a writer left that was killed),
        ``json``, ``csv``, ``text``, ``picture``, ``other``.
    condition : {"whole", "unfinished", "damaged", "unknown"}
        ``unfinished``: whole as far as it goes.  ``unknown``: cannot be told; a folder is not judged by such a file.
    detail : str
        What it holds, or what is wrong.
    rounds : int or None
        The last round that is whole: of a state its age, of recordings the length of the longest.
    run : Standing or None
        Of a run folder: how the run stands.
    files : tuple of Checked
        Of a run folder: its files, by name.
    """

    path: str
    kind: str
    condition: Condition
    detail: str
    rounds: int | None = None
    run: Standing | None = None
    files: tuple[Checked, ...] = ()


def check(path: str | Path) -> Checked:
    """Read a whole file or run folder, and return what is whole; nothing in it is changed.

    Examples
    --------
    >>> from brainsim.studies.inspecting import check
    >>> check("nothing.h5").condition, check("nothing.h5").detail
    ('unknown', 'no such file or folder')
    """
    place = Path(path)
    try:
        kind = kind_of(place)
        return _run(place) if kind == "run" else _file(place, kind)
    except (DumpError, RunFolderError) as error:
        return _fault(place, error)
    except OSError as error:
        return Checked(str(path), "other", "unknown", f"cannot be read ({error.strerror or error})")


def _fault(path: Path, error: BrainsimError) -> Checked:
    """Return a file that cannot be read: damaged, unless it is another program's, or of another version."""
    detail = str(error).removeprefix(f"{path}: ")
    kind = "hdf5" if path.suffix.lower() in HDF5 or (path.is_file() and looks_like_hdf5(path)) else "other"
    # All readers say "damaged" of what brainsim wrote and something else has changed since.
    return Checked(str(path), kind, "damaged" if "damaged" in detail else "unknown", detail)


def _file(path: Path, kind: str) -> Checked:
    if kind == "state":
        return _state(path)
    if kind == "dump":
        return _dump(path)
    if kind == "partial":
        return Checked(str(path), kind, "unfinished", "is being written, or was left by a process that was killed")
    if kind == "other":
        return Checked(str(path), kind, "unknown", "no file that brainsim writes")
    wrong = fault(path, kind)
    return Checked(str(path), kind, "damaged" if wrong else "whole", f"is damaged: {wrong}" if wrong else "")


def _state(path: Path) -> Checked:
    saved = read_state(path)
    rounds = saved.snapshot.brain["rounds"]
    return Checked(str(path), "state", "whole", f"after {counted(rounds, 'round')}, seed {saved.seed}", rounds)


def _dump(path: Path) -> Checked:
    recordings = read_recordings(path)
    assemblies = sum(map(len, read_assemblies(path).values()))
    held = [_recorded(name, recording) for name, recording in recordings.items()]
    held += [counted(assemblies, "assembly", "assemblies")] if assemblies or not held else []
    rounds = max(map(len, recordings.values()), default=None)
    return Checked(str(path), "dump", "whole", ", ".join(held), rounds)


def _recorded(name: str, recording: Recording) -> str:
    return f"recording {name!r} of {counted(len(recording), 'round')}"


def _run(folder: Path) -> Checked:
    files = tuple(check(path) for path in sorted(_files(folder)))
    damaged = sum(each.condition == "damaged" for each in files)
    detail = counted(len(files), "file") + (f", {damaged} damaged" if damaged else "")
    try:
        stands = standing(folder)
    except RunFolderError as error:
        wrong = str(error).removeprefix(f"{folder}: ")
        return Checked(str(folder), "run", "damaged", f"{wrong}; {detail}", files=files)
    condition: Condition = "damaged" if damaged else "whole" if stands.status == "finished" else "unfinished"
    return Checked(str(folder), "run", condition, f"{stands.status}, {detail}", run=stands, files=files)


def _files(folder: Path) -> list[Path]:
    found: list[Path] = []
    for path in contents(folder):
        inner = [path] if path.is_symlink() or not path.is_dir() else path.rglob("*")
        found += [each for each in inner if not each.is_dir()]
    return found
