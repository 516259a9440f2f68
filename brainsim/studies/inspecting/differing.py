"""Where two states, two files of recordings and assemblies, or two run folders part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from brainsim.errors import ComparisonError
from brainsim.simulate.dumps import read_assemblies, read_recordings
from brainsim.simulate.states_file import read_state
from brainsim.studies.inspecting import differing_runs
from brainsim.studies.inspecting.comparison import Comparison, Difference
from brainsim.studies.inspecting.differing_recordings import of_assemblies, of_recordings
from brainsim.studies.inspecting.differing_states import of_states
from brainsim.studies.inspecting.kinds import kind_of

_COMPARABLE = {"state": "states", "dump": "recordings and assemblies", "history": "recordings and assemblies"}


def diff(a: str | Path, b: str | Path) -> Comparison:
    """Return where two states, two files of recordings or assemblies, or two run folders part.

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
    held = [_COMPARABLE.get(kind) for kind in kinds]
    if held[0] is None or held[0] != held[1]:
        said = " and ".join(f"{path} is a {kind}" for path, kind in zip((a, b), kinds, strict=True))
        raise ComparisonError(
            f"cannot compare these: {said}; give two states, two files of recordings or assemblies, or two run folders"
        )
    return Comparison(str(a), str(b), held[0], tuple(_files(first, second, held[0])))


def _files(a: Path, b: Path, held: str) -> Iterator[Difference]:
    if held == "states":
        yield from of_states(read_state(a), read_state(b))
        return
    yield from of_assemblies(read_assemblies(a), read_assemblies(b))
    first, second = read_recordings(a), read_recordings(b)
    if len(first) == len(second) == 1:
        yield from of_recordings(f"recording {next(iter(first))!r}", *first.values(), *second.values())
        return
    for name in dict.fromkeys([*first, *second]):
        if name in first and name in second:
            yield from of_recordings(f"recording {name!r}", first[name], second[name])
        else:
            rounds = [f"{len(each[name])} rounds" if name in each else None for each in (first, second)]
            yield Difference(f"recording {name!r}", *rounds)


def _runs(a: Path, b: Path) -> Comparison:
    found = [*differing_runs.settings(a, b), *differing_runs.metrics(a, b)]
    common, lonely = differing_runs.dumps(a, b)
    found += lonely
    for name in common:
        inner = diff(a / name, b / name)
        found += [replace(each, where=f"{name}: {each.where}") for each in inner.differences]
    return Comparison(str(a), str(b), "runs", tuple(found), tuple(differing_runs.others(a, b)))
