"""Areas and fibers as tables for the kernels, and where in shared arrays each has its items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log, log1p
from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim.kernels.gpu.arrays import record
from brainsim.kernels.gpu.device import Description, Device
from brainsim.kernels.gpu.gates import Gates
from brainsim.kernels.gpu.layout import AREA, FIBER, FIBERS, RULE
from brainsim.kernels.law.gaps import GapTable, gap_table
from brainsim.kernels.law.graph import Graph
from brainsim.kernels.law.rules import Depression, Update
from brainsim.kernels.law.share import whole_of
from brainsim.kernels.law.taper import Tapered
from brainsim.kernels.program import Program

COUNT_BYTES = 2  # of shared memory for each target of a tile
NO_TAPER = -1
_SMALLEST_TILE = 11  # bits
_LARGE_TILE = 15  # of which a multiprocessor runs three at once, instead of four
_LONGEST = 2.0**64  # far more than any gap within a block
STATIC_SHARED = 1 << 10  # more than `project` takes beside its counts
_BLOCKS_EACH = {_LARGE_TILE: 2, 14: 4, 13: 4, 12: 1}  # tiles for each multiprocessor that keep the device busy


def tile_bits(program: Program, device: Description) -> int:
    """Return ``b`` for tiles of ``2**b`` targets: the largest of which there are enough to keep the device busy.

    Tiles larger than 2**14 pay only where the blocks of a graph are larger, too: what comes before a tile in its block
    is drawn and dropped.
    """
    largest = max((program.areas[fiber.target].n for fiber in program.fibers), default=1)
    sparse = any(fiber.graph.bits >= _LARGE_TILE for fiber in program.fibers)
    fits = device.shared >= (COUNT_BYTES << _LARGE_TILE) + STATIC_SHARED
    for bits, each in _BLOCKS_EACH.items():
        if largest >> bits >= each * device.multiprocessors and (bits < _LARGE_TILE or (sparse and fits)):
            return bits
    return _SMALLEST_TILE


def half_life(p: float) -> float:
    """Return the length that a geometric gap exceeds with probability 1/2, or 0 if all gaps are 0 or none ends."""
    return min(-log(2) / log1p(-p), _LONGEST) if 0 < p < 1 else 0.0


class AreaTable:
    """The areas of a brain, and the sizes of the arrays that they share.

    Attributes
    ----------
    items : AREA array, (areas,)
        What the kernels read; see `kernels/cuda/types.cuh`.
    drives, tiles, ranks, winners : int
        Items of the arrays in which each area has its own part; those of channels come after those of all neurons.
    """

    def __init__(self, program: Program, bits: int) -> None:
        areas = range(len(program.areas))
        self.items = np.zeros(len(program.areas), AREA)
        self.items["key"] = np.array([a.key for a in program.areas], np.uint64)
        for field in ("n", "k", "first"):
            self.items[field] = [getattr(area, field) for area in program.areas]
        self.items["refraction"], self.items["thresholds"] = [a.refraction for a in program.areas], -1
        self.items["slots"] = [sum(f.stores and f.source == a for f in program.fibers) for a in areas]
        reached = [bool(program.into(a)) for a in areas]
        self.drives = self._place("drive", [area.n * here for area, here in zip(program.areas, reached, strict=True)])
        blocks = [-(-area.n >> bits) for area in program.areas]
        self.tiles = self._place("tiles", [count * here for count, here in zip(blocks, reached, strict=True)])
        self._place_rivals(program, reached, bits)
        learning = self.items["slots"] > 0
        self.ranks = self._place(
            "ranks", [area.n * int(here) for area, here in zip(program.areas, learning, strict=True)]
        )
        self.capacity = np.array([min(area.k, area.n) for area in program.areas], np.int64)
        self.winners = self._place("winners", self.capacity)

    def _place_rivals(self, program: Program, reached: Sequence[bool], bits: int) -> None:
        """Say what competes in each area: neurons, whose drives are there already, or channels."""
        items = self.items
        items["channel"] = [a.channel for a in program.areas]
        items["rivals"], items["open"] = items["n"] // items["channel"], items["k"] // items["channel"]
        channels = np.where((items["channel"] > 1) & reached, items["rivals"], 0)
        tiles = -(-channels >> bits)
        sums, sum_tiles = self.drives + np.cumsum(channels) - channels, self.tiles + np.cumsum(tiles) - tiles
        items["sums"] = np.where(items["channel"] > 1, sums, items["drive"])
        items["sum_tiles"] = np.where(items["channel"] > 1, sum_tiles, items["tiles"])
        self.drives, self.tiles = self.drives + int(channels.sum()), self.tiles + int(tiles.sum())

    def _place(self, field: str, sizes: Sequence[int] | npt.NDArray[np.int64]) -> int:
        ends = np.cumsum(np.asarray(sizes, np.int64))
        self.items[field] = ends - sizes
        return int(ends[-1])

    def winners_with(self, area: int, count: int) -> int:
        """Return how many winners there would be room for, if one area had room for ``count``."""
        return self.winners - int(self.capacity[area]) + count

    def widen(self, area: int, count: int) -> None:
        """Give an area room for more winners, which moves those of others."""
        self.capacity[area] = count
        self.winners = self._place("winners", self.capacity)


_Rule = Update | Depression


class FiberTable:
    """The fibers of a brain on a device, with gap tables, one for each probability, and the steps of their rules.

    Attributes
    ----------
    record : Record
        For kernels: ``items`` has a fiber each; the parts of ``heads`` and ``gap_thresholds`` that belong to
        a fiber are a `GapTable`; ``rules`` has each step once, and ``steps`` the tables of those that are given by one;
        ``gate_neurons`` has the assemblies that open gates, and ``tapers`` a table for each width of a `Tapered` graph.
    slots : list of int
        For each fiber, which of the rows of its source's neurons is its own.
    depressions : list of int
        For each fiber, which of the rules is its depression, or -1 if it has none.
    """

    def __init__(self, program: Program, device: Device, gates: Gates) -> None:
        starts: dict[float, tuple[int, int]] = {}
        tables: list[GapTable] = []
        for p in dict.fromkeys(fiber.graph.p for fiber in program.fibers):
            starts[p] = (_total(tables, "heads"), _total(tables, "thresholds"))
            tables.append(gap_table(p))
        tapers = {graph.width: graph.table for graph in _whole_graphs(program) if isinstance(graph, Tapered)}
        slots = [0] * len(program.areas)
        rules = _numbered(program)
        items = np.zeros(len(program.fibers), FIBER)
        items["gate"], items["taper"] = gates.numbers, NO_TAPER
        for item, fiber in zip(items, program.fibers, strict=True):
            graph, table = fiber.graph, gap_table(fiber.graph.p)
            item["key"], item["source"], item["target"] = np.uint64(graph.key), fiber.source, fiber.target
            item["recurrent"], item["bits"], item["base"] = graph.recurrent, graph.bits, fiber.base
            item["last"], item["half_life"] = int(table.last), half_life(graph.p)
            item["heads"], item["gap_thresholds"] = starts[graph.p]
            if isinstance(whole := whole_of(graph), Tapered):
                _thin(item, whole, list(tapers).index(whole.width))
            if (update := fiber.update) is not None:
                item["slot"] = slots[fiber.source]
                slots[fiber.source] += 1
                item["rule"] = rules[update]
        self.slots = items["slot"].tolist()
        self.depressions = [rules[f.depression] if f.depression is not None else -1 for f in program.fibers]
        self.record = record(
            FIBERS,
            items=device.upload(items, "fibers"),
            heads=device.upload(_joined(tables, "heads", np.uint32), "gap tables"),
            gap_thresholds=device.upload(_joined(tables, "thresholds", np.uint64), "gap tables"),
            rules=device.upload(_rule_items(rules), "fibers"),
            steps=device.upload(np.array([step for rule in rules for step in rule.steps], np.int64), "fibers"),
            gate_neurons=device.upload(gates.neurons, "fibers"),
            tapers=device.upload(np.concatenate([np.empty(0, np.uint32), *tapers.values()]), "gap tables"),
        )

    @property
    def nbytes(self) -> int:
        """Bytes allocated."""
        return self.record.nbytes


def _whole_graphs(program: Program) -> list[Graph]:
    """Return the graph of each fiber: of a share, that of the whole area, in which a target has its own number."""
    return [whole_of(fiber.graph) for fiber in program.fibers]


def _numbered(program: Program) -> dict[_Rule, int]:
    """Return the steps of all rules, each once, in their order."""
    every = (rule for fiber in program.fibers for rule in (fiber.update, fiber.depression) if rule is not None)
    return {rule: number for number, rule in enumerate(dict.fromkeys(every))}


def _rule_items(rules: Mapping[_Rule, int]) -> npt.NDArray[Any]:
    """Return the steps of rules as kernels read them; their tables lie one after the other."""
    items, first = np.zeros(len(rules), RULE), 0
    for item, rule in zip(items, rules, strict=True):
        item["gain"], item["drift"], item["ceiling"], item["floor"] = rule.gain, rule.drift, rule.ceiling, rule.floor
        item["steps"], item["step_count"], item["step_shift"] = first, len(rule.steps), rule.shift
        if isinstance(rule, Depression):
            item["base"], item["losers"] = rule.base, rule.losers
        first += len(rule.steps)
    return items


def _thin(item: npt.NDArray[Any], graph: Tapered, table: int) -> None:
    """Say that the synapses of a fiber are thinned by distance, with one of the tables."""
    item["taper"], item["taper_key"] = table * len(graph.table), np.uint64(graph.taper_key)
    item["source_scale"], item["target_scale"] = graph.source_scale, graph.target_scale


def _total(tables: Sequence[GapTable], field: str) -> int:
    return sum(len(getattr(table, field)) for table in tables)


def _joined(tables: Sequence[GapTable], field: str, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    return np.concatenate([np.empty(0, dtype), *(getattr(table, field) for table in tables)])
