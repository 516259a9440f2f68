"""Differences between two states, two files of recordings and assemblies, or two run folders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from brainsim.errors import ComparisonError
from brainsim.simulate.recordings.stored import StoredRecording
from brainsim.simulate.states_file import read_state
from brainsim.studies.inspecting import differing_runs
from brainsim.studies.inspecting.comparison import Comparison, Difference
from brainsim.studies.inspecting.differing_recordings import of_assemblies, of_recordings
from brainsim.studies.inspecting.differing_states import of_states
from brainsim.studies.inspecting.kinds import kind_of
from brainsim.studies.inspecting.reading import held

_NAMES = {"run": "run folder", "hdf5": "HDF5 file", "sweep": "sweep"}


def diff(a: str | Path, b: str | Path) -> Comparison:
    """Return the differences between two states, two files of recordings or assemblies, or two run folders.

    Two recordings differ in the first round, area and neuron in which they part.  Recordings and assemblies are
    compared by name; if each file has one recording, these two are, whatever they are called.

    Raises
    ------
    ComparisonError
        If the two hold different things.
    DumpError, RunFolderError
        If one of them cannot be read.

    Examples
    --------
    >>> from brainsim.studies.inspecting import diff
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     sim.save(f"{folder}/a.h5")
    ...     sim.present(phon["dog"])
    ...     sim.run(phon >> lex).rounds
    ...     sim.save(f"{folder}/b.h5")
    ...     found = diff(f"{folder}/a.h5", f"{folder}/b.h5")
    1
    >>> print(found.differences[1])
    rounds: 0 in a, 1 in b
    """
    first, second = Path(a), Path(b)
    kinds = [kind_of(first), kind_of(second)]
    if kinds == ["run", "run"]:
        return _runs(first, second)
    if kinds != ["hdf5", "hdf5"]:
        raise _incomparable(a, b, [_NAMES.get(kind, "file of another kind") for kind in kinds])
    with held(first) as ours, held(second) as theirs:
        if "model" in (ours.kind, theirs.kind):
            raise _incomparable(a, b, [ours.kind, theirs.kind])
        if "state" not in (ours.kind, theirs.kind):
            found = [
                *of_assemblies(ours.assemblies, theirs.assemblies),
                *_recordings(ours.recordings, theirs.recordings),
            ]
            return Comparison(str(a), str(b), "recordings and assemblies", tuple(found))
        if ours.kind != theirs.kind:
            raise _incomparable(a, b, [ours.kind, theirs.kind])
    return Comparison(str(a), str(b), "states", tuple(of_states(read_state(first), read_state(second))))


def _incomparable(a: str | Path, b: str | Path, kinds: Sequence[str]) -> ComparisonError:
    said = " and ".join(f"{path} is a {kind}" for path, kind in zip((a, b), kinds, strict=True))
    return ComparisonError(
        f"cannot compare these: {said}; give two states, two files of recordings or assemblies, or two run folders"
    )


def _recordings(a: Mapping[str, StoredRecording], b: Mapping[str, StoredRecording]) -> Iterator[Difference]:
    if len(a) == len(b) == 1:
        yield from of_recordings(f"recording {next(iter(a))!r}", *a.values(), *b.values())
        return
    for name in dict.fromkeys([*a, *b]):
        if name in a and name in b:
            yield from of_recordings(f"recording {name!r}", a[name], b[name])
        else:
            rounds = [f"{len(each[name])} rounds" if name in each else None for each in (a, b)]
            yield Difference(f"recording {name!r}", *rounds)


def _runs(a: Path, b: Path) -> Comparison:
    found = [*differing_runs.settings(a, b), *differing_runs.metrics(a, b)]
    common, lonely = differing_runs.dumps(a, b)
    found += lonely
    for name in common:
        inner = diff(a / name, b / name)
        found += [replace(each, where=f"{name}: {each.where}") for each in inner.differences]
    return Comparison(str(a), str(b), "runs", tuple(found), tuple(differing_runs.others(a, b)))
