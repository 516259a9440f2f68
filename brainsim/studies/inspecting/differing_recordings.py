"""Differences between two recordings, or two sets of assemblies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from brainsim.declare.assembly import Assembly
from brainsim.simulate.recordings.recording import Recorded, pieces
from brainsim.studies.inspecting.comparison import Difference


def of_recordings(what: str, a: Recorded, b: Recorded) -> Iterator[Difference]:
    """Yield the differences between two recordings: seed, areas, the first winners or drives, the length, marks."""
    if None not in (a.seed, b.seed) and a.seed != b.seed:
        yield Difference(f"{what}, seed", a.seed, b.seed)
    areas = [{area.name: f"n = {area.n}, k = {area.k}" for area in each.areas} for each in (a, b)]
    for name in dict.fromkeys([*areas[0], *areas[1]]):
        if areas[0].get(name) != areas[1].get(name):
            yield Difference(what, areas[0].get(name), areas[1].get(name), area=name)
    both = [area.name for area in a.areas if area.name in areas[1]]
    parted = next(_parting(what, a, b, both), None)
    if parted:
        yield parted
    elif len(a) != len(b):
        last = [f"{len(each)} rounds" for each in (a, b)]
        yield Difference(f"{what}, the same until one ends", *last, round=min(len(a), len(b)))
    yield from _marks(what, a, b)


def _parting(what: str, a: Recorded, b: Recorded, areas: list[str]) -> Iterator[Difference]:
    """Yield the differences of winners, then drives, of each round, in order of rounds, areas and neurons."""
    drives = a.has_drives and b.has_drives
    for start, stop in pieces(a):
        winners = {name: (a.winners(name, start, stop), b.winners(name, start, stop)) for name in areas}
        driven = {name: (a.drives(name, start, stop), b.drives(name, start, stop)) for name in areas if drives}
        for at in range(min(stop, len(b)) - start):
            for name in areas:
                ours, theirs = (rounds[at] for rounds in winners[name])
                if not np.array_equal(ours, theirs):
                    neuron = int(np.setxor1d(ours, theirs)[0])
                    said = ["fires" if neuron in fired else "is silent" for fired in (ours, theirs)]
                    yield Difference(what, *said, round=start + at, area=name, neuron=neuron)
                elif drives:
                    first, second = (rounds[at] for rounds in driven[name])
                    for place in np.flatnonzero(first != second)[:1]:
                        amounts = [f"fires with drive {float(each[place]):.10g}" for each in (first, second)]
                        yield Difference(what, *amounts, round=start + at, area=name, neuron=int(ours[place]))


def _marks(what: str, a: Recorded, b: Recorded) -> Iterator[Difference]:
    for number in range(max(len(a.marks), len(b.marks))):
        first, second = (each.marks[number] if number < len(each.marks) else None for each in (a, b))
        if first != second:
            said = [None if mark is None else f"{mark.label!r} at round {mark.round}" for mark in (first, second)]
            yield Difference(f"{what}, mark {number}", *said)
            return


Assemblies = Mapping[str, Mapping[str, Assembly]]


def of_assemblies(a: Assemblies, b: Assemblies) -> Iterator[Difference]:
    """Yield the first neuron in which each pair of assemblies of one area and label differs."""
    for area in dict.fromkeys([*a, *b]):
        ours, theirs = a.get(area, {}), b.get(area, {})
        for label in dict.fromkeys([*ours, *theirs]):
            yield from _assembly(f"assembly {label!r}", area, ours.get(label), theirs.get(label))


def _assembly(what: str, area: str, a: Assembly | None, b: Assembly | None) -> Iterator[Difference]:
    if a is None or b is None:
        sizes: list[Any] = [None if each is None else f"{len(each)} neurons" for each in (a, b)]
        yield Difference(what, *sizes, area=area)
    elif a != b:
        neuron = (a ^ b).neurons[0]
        said = ["is a member" if neuron in each else "is no member" for each in (a, b)]
        yield Difference(what, *said, area=area, neuron=int(neuron))
