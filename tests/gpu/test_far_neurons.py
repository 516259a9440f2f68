"""Single kernels on areas of 2**32 - 1 neurons, of which a part is in memory: indices have 64 bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from brainsim.kernels.gpu import layout
from brainsim.kernels.gpu.arrays import Array, Record, record
from brainsim.kernels.gpu.gates import NO_GATE
from brainsim.kernels.gpu.layout import DIGITS, STRUCTURES, Structure
from brainsim.kernels.gpu.tables import NO_TAPER, half_life
from brainsim.kernels.law.gaps import gap_table
from brainsim.kernels.law.graph import Graph, mix64
from brainsim.kernels.law.selection import input_tag, tie_order
from brainsim.kernels.law.taper import Tapered
from brainsim.kernels.law.weights import ONE, THRESHOLD_LIMIT, raised
from brainsim.kernels.parts import ChannelGate
from emulator.device import EmulatedDevice

Values = Array | npt.NDArray[Any] | int


class Far:
    """One fiber, into the second area, and kernels that are launched one by one."""

    n = 2**32 - 1
    area_key = 0xFEDCBA9876543210

    def __init__(self, p: float = 0.01, recurrent: bool = False, width: float = 0.0) -> None:
        self.device = EmulatedDevice()
        known = {"key": 0x0123456789ABCDEF, "n_source": self.n, "n_target": self.n, "p": p, "recurrent": recurrent}
        self.graph = Tapered(**known, width=width) if width else Graph(**known)
        table = gap_table(p)
        fiber = np.zeros(1, layout.FIBER)
        fiber["key"], fiber["bits"], fiber["recurrent"] = self.graph.key, self.graph.bits, recurrent
        fiber["target"], fiber["last"], fiber["half_life"] = 1, int(table.last), half_life(p)
        fiber["base"], fiber["gate"] = ONE, NO_GATE
        fiber["taper"] = NO_TAPER
        tapers = {}
        if isinstance(self.graph, Tapered):
            fiber["taper"], fiber["taper_key"] = 0, np.uint64(self.graph.taper_key)
            fiber["source_scale"], fiber["target_scale"] = self.graph.source_scale, self.graph.target_scale
            tapers = {"tapers": self.graph.table}
        gaps = {"heads": table.heads, "gap_thresholds": table.thresholds}
        self._given: dict[str, dict[str, Values]] = {each.name: {} for each in STRUCTURES}
        self._given["Fibers"] = {"items": fiber, **gaps, **tapers}
        self.state(status=np.zeros(1, layout.STATUS), counted=np.ones(2, np.uint32))

    def state(self, **fields: Values) -> None:
        self._given["State"] |= fields

    def round(self, **fields: Values) -> None:
        self._given["Round"] |= fields

    def areas(self, **fields: int) -> None:
        """Place the second area in the arrays; its first neurons are not in memory."""
        areas = np.zeros(2, layout.AREA)
        areas["n"], areas["key"], areas["thresholds"] = self.n, self.area_key, -1
        for name, value in ({"channel": 1, "rivals": self.n, "open": 0} | fields).items():
            areas[name][1] = value
        self.state(areas=areas)

    def firing(self, neurons: Any) -> None:
        """Let neurons of the first area fire."""
        self.state(winners=np.array(neurons, np.uint32), sizes=np.array([len(neurons), 0], np.uint32))

    def launch(self, kernel: str, blocks: int = 1, *, number: int | None = None, shared: int = 0) -> None:
        records = [self._record(structure) for structure in STRUCTURES]
        self.device.launch(self.device.prepare(kernel, blocks, records, number=number, shared=shared))

    def _record(self, structure: Structure) -> Record:
        given = self._given[structure.name]
        for name, items in structure.fields.items():
            if name not in given:
                given[name] = 0 if items is None else self.device.empty(1, items, "a test")
            elif isinstance(value := given[name], np.ndarray):
                given[name] = self.device.upload(value, "a test")
        return record(structure, **given)  # type: ignore[arg-type]

    def read(self, structure: str, field: str) -> npt.NDArray[Any]:
        array = self._given[structure][field]
        assert isinstance(array, Array)
        return self.device.read(array)


@pytest.mark.parametrize(
    ("recurrent", "excitable", "width"),
    [(False, False, 0.0), (True, False, 0.0), (False, True, 0.0), (True, False, 0.3)],
)
@pytest.mark.parametrize("bits", [12, 15])
@pytest.mark.parametrize("p", [0.001, 0.01, 0.3])
def test_targets_past_2_to_the_31_are_counted(
    p: float, bits: int, recurrent: bool, excitable: bool, width: float
) -> None:
    far = Far(p, recurrent, width)
    tile = far.n >> bits  # the last tile, which is not full
    low, size = tile << bits, far.n - (tile << bits)
    firing = [5, 2**31 + 11, far.n - 2, far.n - 1]
    thresholds = np.random.default_rng(5).integers(-3 * ONE, 3 * ONE, size)
    far.areas(drive=-low, tiles=-tile, winners=len(firing), thresholds=-low if excitable else -1)
    far.firing(firing)
    far.state(drive=np.full(size, -7, np.int64), peaks=np.zeros(1, np.int64), thresholds=thresholds, tile_bits=bits)
    jobs = np.array([(1, -tile, 0, 1, 0)], layout.SELECT_JOB)
    far.round(select_jobs=jobs, select_count=1, transmitting=np.zeros(1, np.int64))
    far.launch("project", 2, shared=2 << bits)
    blocks = range(low >> far.graph.bits, ((far.n - 1) >> far.graph.bits) + 1)
    posts = [(i, j) for i in firing for b in blocks for j in far.graph.block(i, b) if low <= j < far.n]
    posts = [(i, j) for i, j in posts if not (recurrent and i == j) and len(far.graph.thinned(i, np.array([j])))]
    expected = np.bincount([j - low for _, j in posts], minlength=size) * ONE
    expected -= thresholds * excitable
    assert far.read("State", "drive").tolist() == expected.tolist()
    assert far.read("State", "peaks").tolist() == [expected.max()]


def test_the_tag_depends_on_neurons_past_2_to_the_31() -> None:
    """The first tile of an area computes the key; more neurons fire than a thread block has threads."""
    far = Far()
    firing = np.sort(np.random.default_rng(1).choice(far.n, 700, replace=False))
    far.areas(winners=len(firing))
    far.firing(firing)
    far.state(drive=np.zeros(1 << 12, np.int64), peaks=np.zeros(1, np.int64), tile_bits=12)
    jobs = np.array([(1, 0, 0, 1, 0)], layout.SELECT_JOB)
    far.round(select_jobs=jobs, select_count=1, transmitting=np.zeros(1, np.int64))
    far.round(tie_keys=np.zeros(1, np.uint64), histograms=np.full(3 * DIGITS, 7, np.uint32), passes=3)
    far.launch("project", 2, shared=2 << 12)
    tag = input_tag([(far.graph.key, firing)])
    assert far.read("Round", "tie_keys").tolist() == [mix64(far.area_key ^ tag)]
    assert not far.read("Round", "histograms").any()


@pytest.mark.parametrize(("size", "width"), [(1, 3), (5, 2**20), (5, 2**31)])
def test_neurons_past_2_to_the_31_pass_a_gate(size: int, width: int) -> None:
    """More channels are open than a thread block has threads, or fewer."""
    far, rng = Far(), np.random.default_rng(6)
    count = far.n // width
    firing = np.unique(np.concatenate([rng.integers(0, far.n, 900), far.n - 1 - np.arange(900)])).astype(np.uint32)
    gating = np.unique(rng.integers(0, count * size, 700)).astype(np.uint32)
    gating = np.union1d(gating, count * size - 1 - np.arange(0, min(600, count), size))
    areas = np.zeros(2, layout.AREA)
    areas["n"], areas["winners"][1] = far.n, len(firing)
    far.state(areas=areas, sizes=np.array([len(firing), len(gating)], np.uint32))
    far.state(winners=np.concatenate([firing, gating]).astype(np.uint32))
    jobs = np.zeros(1, layout.GATE_JOB)
    jobs["used"], jobs["area"], jobs["size"], jobs["width"] = 1, 1, size, width
    far.round(gate_jobs=jobs, gate_count=1, passing=np.zeros(len(firing), np.uint32))
    far.round(passing_sizes=np.zeros(1, np.uint32))
    far.launch("pass_gates")
    expected = ChannelGate(1, size, width).passing(firing.astype(np.int64), gating.astype(np.int64))
    (passed,) = far.read("Round", "passing_sizes")
    assert far.read("Round", "passing")[:passed].tolist() == expected.tolist()
    assert len(expected) > 0


@pytest.mark.parametrize("size", [1 << 10, 5, 3])
def test_channels_past_2_to_the_31_are_summed(size: int) -> None:
    far, bits, lanes = Far(), 12, 2
    each = layout.THREADS // lanes
    rivals = far.n // size
    low = (rivals - 1) // each * each  # the first channel of the last thread block, which is not full
    drive = np.random.default_rng(7).integers(-(2**40), 2**40, (rivals - low) * size)
    tile = low >> bits
    far.areas(drive=-low * size, channel=size, rivals=rivals, sums=(rivals - low) * size - low, sum_tiles=-tile)
    far.state(drive=np.append(drive, np.zeros(rivals - low, np.int64)), peaks=np.zeros(1, np.int64), tile_bits=bits)
    far.round(channel_jobs=np.array([(1, -(low // each), lanes)], layout.CHANNEL_JOB), channel_count=1)
    far.launch("sum_channels")
    expected = np.maximum(drive, 0).reshape(-1, size).sum(axis=1)
    assert far.read("State", "drive")[len(drive) :].tolist() == expected.tolist()
    assert far.read("State", "peaks").tolist() == [expected.max()]


@pytest.mark.parametrize("remaining", [1, 2, 11])
def test_the_last_winner_is_found_among_hashes_with_equal_first_digits(remaining: int) -> None:
    """Hashes of some tied neurons begin with the same digit; only `count_winners` distinguishes them."""
    far, bits, n, tag, bar = Far(), 12, 30_000, 0x5555, 3 * ONE
    rng = np.random.default_rng(2)
    drive = rng.choice([-ONE, ONE, bar, bar, bar, 4 * ONE], n)
    tied = np.flatnonzero(drive == bar)
    hashes = tie_order(far.area_key, tag, tied)
    digits = (~hashes >> np.uint64(64 - layout.DIGIT_BITS)).astype(np.int64)
    histogram = np.bincount(digits, minlength=DIGITS)
    digit = int(np.flatnonzero(histogram > 11)[-1])
    expected = np.sort(hashes)[: int(histogram[digit + 1 :].sum()) + remaining]
    areas = np.zeros(2, layout.AREA)
    areas["n"], areas["k"], areas["key"] = n, n, far.area_key
    areas["channel"], areas["rivals"], areas["open"] = 1, n, n
    tiles = -(-n >> bits)
    peaks = np.array([drive[tile << bits : (tile + 1) << bits].max() for tile in range(tiles)])
    far.state(areas=areas, drive=drive, peaks=peaks, won=np.zeros(tiles, np.uint32), tile_bits=bits)
    far.state(next_winners=np.zeros(n, np.uint32), next_drives=np.zeros(n, np.int64), next_sizes=np.zeros(2, np.uint32))
    searches = np.zeros(2, layout.SEARCH)
    searches[0] = (bar, 0, 64, len(expected))
    far.round(select_jobs=np.array([(1, 0, 0, 0, 0)], layout.SELECT_JOB), select_count=1, passes=1, searches=searches)
    far.round(tie_keys=np.array([mix64(far.area_key ^ tag)], np.uint64), histograms=histogram.astype(np.uint32))
    far.launch("count_winners", tiles)
    far.launch("list_winners", tiles)
    won = np.union1d(np.flatnonzero(drive > bar), tied[np.isin(hashes, expected)])
    size = int(far.read("State", "next_sizes")[1])
    assert far.read("State", "next_winners")[:size].tolist() == won.tolist()
    assert far.read("State", "next_drives")[:size].tolist() == drive[won].tolist()
    assert far.read("State", "won").tolist() == np.bincount(won >> bits, minlength=tiles).tolist()


@pytest.mark.parametrize(("p", "width"), [(0.001, 0.0), (0.05, 0.0), (0.5, 0.0), (0.5, 0.2)])
def test_pairs_past_2_to_the_31_are_drawn(p: float, width: float) -> None:
    far = Far(p, recurrent=True, width=width)
    rng = np.random.default_rng(3)
    firing = np.unique(rng.integers(0, far.n, 20)).astype(np.uint32)
    near_end = far.n - 1 - np.arange(200, dtype=np.int64) * 7
    won = np.unique(np.concatenate([rng.integers(2**31, far.n, 400), near_end, firing])).astype(np.uint32)
    words = -(-len(won) // 32)
    starts = 1 + len(np.unique(won >> np.uint32(far.graph.bits)))
    far.areas()
    far.firing(firing)
    far.state(next_winners=won, next_sizes=np.array([0, len(won)], np.uint32))
    jobs = np.zeros(1, layout.LEARN_JOB)
    jobs["moved"], jobs["items"], jobs["starts"], jobs["words"] = 1, len(firing), starts, words
    far.round(learn_jobs=jobs, learn_count=1)
    far.round(starts=np.zeros(starts + 1, np.uint32), hits=np.zeros(len(firing) * words, np.uint32))
    far.round(learn_pairs=len(firing) * starts)
    far.launch("list_starts")
    far.launch("draw_pairs", -(-len(firing) * starts // layout.THREADS))
    bits = np.unpackbits(far.read("Round", "hits").view(np.uint8), bitorder="little").reshape(len(firing), -1)
    expected = [[far.graph.contains(int(i), int(j)) for j in won] for i in firing]
    assert bits[:, : len(won)].tolist() == np.array(expected, int).tolist()
    assert bits.sum() > 0
    assert not bits[:, len(won) :].any()


@pytest.mark.parametrize(("raises", "stalled"), [(1, 0), (0, 0), (1, 1)])
def test_thresholds_past_2_to_the_31_are_raised_unless_a_round_stalls(raises: int, stalled: int) -> None:
    far, rng = Far(), np.random.default_rng(4)
    low, rate = far.n - 2000, 3 * ONE // 2 + 1
    won = np.sort(rng.choice(2000, 300, replace=False))  # more than a thread block has threads
    before = rng.integers(-(2**61), 2**61, 2000)
    before[won[::9]] = rng.integers(-4 * ONE, 4 * ONE, len(won[::9]))
    before[won[-5:]] = THRESHOLD_LIMIT - np.array([1, 2, ONE, 2**40, 2**50])
    sums = rng.integers(0, 2**46, 2000)  # sums of weights; times the rate they stay below 2**63
    status = np.zeros(1, layout.STATUS)
    status["stalled"] = stalled
    far.areas(drive=-low, thresholds=-low, refraction=rate)
    far.state(status=status, thresholds=before, next_drives=(sums - before)[won])
    far.state(winners=np.zeros(300, np.uint32), sizes=np.zeros(2, np.uint32), drives=np.zeros(300, np.int64))
    far.state(next_winners=(low + won).astype(np.uint32), next_sizes=np.array([0, 300], np.uint32))
    far.state(changed=np.zeros(2, np.uint32), fired=np.zeros(2, np.uint32))
    far.round(select_jobs=np.array([(1, 0, 0, 1, raises)], layout.SELECT_JOB), select_count=1)
    far.launch("commit")
    expected = before.copy()
    if raises and not stalled:
        expected[won] = raised(before[won], sums[won], rate)
        assert (expected[won[:-5]] > before[won[:-5]]).all()
        assert (expected == THRESHOLD_LIMIT - 1).sum() == 4
    assert far.read("State", "thresholds").tolist() == expected.tolist()
    assert far.read("State", "drives").tolist() == ((sums - before)[won] * (not stalled)).tolist()
