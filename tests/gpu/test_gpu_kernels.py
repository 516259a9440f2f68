"""The CUDA C kernels: compiled by NVIDIA's compiler for every architecture, and what the host believes about them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import nvrtc
from brainsim.kernels.gpu import layout
from brainsim.kernels.gpu.device import check
from brainsim.kernels.gpu.source import ARCHITECTURES, FOLDER, UNITS, parse, signatures, source_of
from brainsim.kernels.law.gaps import gap_table
from brainsim.kernels.law.graph import BLOCK_STEP, FINE, GOLDEN, Graph
from brainsim.kernels.law.rules import RATE_BITS
from brainsim.kernels.law.selection import TAG_STREAM
from brainsim.kernels.law.weights import ONE, THRESHOLD_LIMIT, WEIGHT_BITS, raised
from emulator.device import EmulatedDevice

HEADERS = "".join((FOLDER / name).read_text() for name in ("types.cuh", "connectome.cuh", "ties.cuh"))
needs_nvrtc = pytest.mark.skipif(not nvrtc.available(), reason="there is no wheel of NVRTC for this platform")


@needs_nvrtc
@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("unit", UNITS)
def test_kernels_compile_without_a_warning_and_spill_nothing(unit: str, architecture: int) -> None:
    found, log = nvrtc.usage(unit, architecture)
    assert "warning" not in log, log
    assert {each.kernel for each in found} == {each.name for each in signatures().values() if each.unit == unit}
    assert all(each.spilled == each.stack == 0 for each in found), found
    assert all(each.registers <= 64 for each in found), found  # four blocks of 256 threads on a multiprocessor
    assert all(each.shared + (2 << 14) * (each.kernel == "project") <= 48 * 1024 for each in found), found


@needs_nvrtc
@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("int unused = 3; a[0] = 1u;", "warning #177"),
        ("a[0] = nothing;", "undefined"),
        ("atomicAdd(&a[0], a);", "no instance of overloaded function"),
    ],
)
def test_the_compiler_complains(body: str, complaint: str) -> None:
    text = f'#include "types.cuh"\nextern "C" __global__ void planted(u32* a) {{ {body} }}'
    assert complaint in nvrtc.compile_text(text, "planted", 90)[1]


def test_structures_are_the_same_on_both_sides() -> None:
    structures = dict(re.findall(r"struct (\w+) \{(.*?)\};", (FOLDER / "types.cuh").read_text(), re.DOTALL))
    assert set(structures) == {name for name in layout.C_TYPES if name[0].isupper()}
    for name, inside in structures.items():
        fields = re.findall(r"^\s*(\w+) (\w+);", inside, re.MULTILINE)
        dtype = layout.C_TYPES[name]
        assert [(field, layout.C_TYPES[kind]) for kind, field in fields] == [(f, dtype[f]) for f in dtype.names or ()]
        assert dtype.itemsize == 8 * len(fields)  # nothing is padded


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GOLDEN", GOLDEN),
        ("BLOCK_STEP", BLOCK_STEP),
        ("FINE_LOW", FINE[0]),
        ("FINE_HIGH", FINE[1]),
        ("TAG_STREAM", TAG_STREAM),
        ("ONE", ONE),
        ("WEIGHT_BITS", WEIGHT_BITS),
        ("RATE_BITS", RATE_BITS),
        ("THRESHOLD_LIMIT", THRESHOLD_LIMIT),
        ("PAGE", layout.PAGE),
        ("DIGIT_BITS", layout.DIGIT_BITS),
        ("THREADS", layout.THREADS),
    ],
)
def test_constants_are_the_same_on_both_sides(name: str, value: int) -> None:
    (text,) = re.findall(rf"constexpr \w+ {name} = ([^;]+);", HEADERS)
    assert eval(text.removesuffix("ull"), {"i64": int}) == value


def test_signatures_are_read() -> None:
    (found,) = parse('extern "C" __global__ void __launch_bounds__(THREADS, 4)\nf(const u32* a,\n  i64 b) {', "x")
    assert [(p.name, p.type, p.pointer) for p in found.parameters] == [("a", "u32", True), ("b", "i64", False)]
    for unit in UNITS:
        assert source_of(unit).count("__global__") == sum(each.unit == unit for each in signatures().values())


class TestArgumentsAreChecked:
    """What a kernel reads is what it was given: every argument has the very type of the C signature."""

    (signature,) = parse('extern "C" __global__ void f(const u32* a, i64 b) {', "x")

    @pytest.mark.parametrize("wrong", [3, 3.0, True, np.int32(3), np.float64(3), np.uint64(3), None, "3"])
    def test_wrong_scalars(self, wrong: Any) -> None:
        array = EmulatedDevice().empty(4, np.uint32, "a test")
        check(self.signature, [array, np.int64(3)])
        with pytest.raises(TypeError, match=r"kernel f, argument 'b': must be a NumPy scalar of int64"):
            check(self.signature, [array, wrong])

    @pytest.mark.parametrize("wrong", [np.uint64(1), 7, np.zeros(4, np.uint32)])
    def test_wrong_arrays(self, wrong: Any) -> None:
        with pytest.raises(TypeError, match=r"kernel f, argument 'a': must be an array of uint32"):
            check(self.signature, [wrong, np.int64(3)])

    def test_arrays_of_another_type_and_wrong_numbers_of_arguments(self) -> None:
        other = EmulatedDevice().empty(4, np.int32, "a test")
        with pytest.raises(TypeError, match=r"must be an array of uint32 \(got Array int32\)"):
            check(self.signature, [other, np.int64(3)])
        with pytest.raises(TypeError, match="takes 2 arguments"):
            check(self.signature, [other])

    def test_a_launch_checks(self) -> None:
        with pytest.raises(TypeError, match="kernel reserve"):
            EmulatedDevice().prepare("reserve", 1, [1, 2, 3, 4])  # type: ignore[list-item]


class Far:
    """One fiber into an area of 2**32 - 1 neurons, of which only a tile, or some winners, are looked at."""

    n = 2**32 - 1

    def __init__(self, p: float, recurrent: bool = False) -> None:
        self.device = EmulatedDevice()
        self.graph = Graph(key=0x0123456789ABCDEF, n_source=self.n, n_target=self.n, p=p, recurrent=recurrent)
        table = gap_table(p)
        fiber = np.zeros(1, layout.FIBER)
        fiber["key"], fiber["bits"], fiber["recurrent"] = self.graph.key, self.graph.bits, recurrent
        fiber["target"], fiber["shift"], fiber["last"] = 1, int(table.shift), int(table.last)
        self.fibers = self.upload(fiber)
        self.tables = [self.upload(each) for each in (table.guide, table.heads, table.thresholds)]
        self.status = self.upload(np.zeros(1, layout.STATUS))

    def upload(self, values: np.ndarray) -> Any:
        return self.device.upload(values, "a test")

    def areas(self, **fields: int) -> Any:
        areas = np.zeros(2, layout.AREA)
        areas["n"] = self.n
        for name, value in fields.items():
            areas[name][1] = value
        return self.upload(areas)


@pytest.mark.parametrize(("recurrent", "excitable"), [(False, False), (True, False), (False, True)])
@pytest.mark.parametrize("p", [0.001, 0.01, 0.3])
def test_targets_past_2_to_the_31_are_counted(p: float, recurrent: bool, excitable: bool) -> None:
    far, bits = Far(p, recurrent), 12
    tile = far.n >> bits  # the last one, which is not whole
    low, size = tile << bits, far.n - (tile << bits)
    firing = [5, 2**31 + 11, far.n - 2, far.n - 1]
    job = np.array([(1, -tile, 0, 1)], layout.JOB)
    areas = far.areas(drive=-low, tiles=-tile, winners=len(firing), amounts=-low if excitable else -1)
    amounts = np.random.default_rng(5).integers(-3 * ONE, 3 * ONE, size)
    drive, peaks = far.upload(np.full(size, -7, np.int64)), far.upload(np.zeros(1, np.int64))
    arguments = [far.status, far.upload(job), np.int64(1), far.upload(np.zeros(1, np.int64)), far.fibers, areas]
    arguments += [
        far.upload(np.array(firing, np.uint32)),
        far.upload(np.array([len(firing), 0], np.uint32)),
        *far.tables,
        far.upload(amounts),
    ]
    histogram, tie_key = far.upload(np.zeros(1, np.uint32)), far.upload(np.zeros(1, np.uint64))
    arguments += [drive, peaks, histogram, tie_key, np.int64(1), np.int64(bits)]
    far.device.launch(far.device.prepare("project", 1, arguments, shared=2 << bits))
    blocks = range(low >> far.graph.bits, ((far.n - 1) >> far.graph.bits) + 1)
    posts = [(i, j) for i in firing for b in blocks for j in far.graph.block(i, b) if low <= j < far.n]
    expected = np.bincount([j - low for i, j in posts if not (recurrent and i == j)], minlength=size) * ONE
    expected -= amounts * excitable
    assert far.device.read(drive).tolist() == expected.tolist()
    assert far.device.read(peaks).tolist() == [expected.max()]


@pytest.mark.parametrize("p", [0.001, 0.05, 0.5])
def test_pairs_past_2_to_the_31_are_drawn(p: float) -> None:
    far = Far(p, recurrent=True)
    rng = np.random.default_rng(3)
    firing = np.unique(rng.integers(0, far.n, 20)).astype(np.uint32)
    near_end = far.n - 1 - np.arange(200, dtype=np.int64) * 7
    won = np.unique(np.concatenate([rng.integers(2**31, far.n, 400), near_end, firing])).astype(np.uint32)
    words = -(-len(won) // 32)
    starts = 1 + len(np.unique(won >> np.uint32(far.graph.bits)))
    lesson = np.array([(0, 1, 0, len(firing), 0, 0, starts, 0, words)], layout.LESSON)
    hits = far.device.zeros(len(firing) * words, np.uint32, "a test")
    sizes, won_sizes = np.array([len(firing), 0], np.uint32), np.array([0, len(won)], np.uint32)
    pairs = len(firing) * starts
    lessons, listed = far.upload(lesson), far.device.empty(starts + 1, np.uint32, "a test")
    ends = [far.fibers, far.areas(), *(far.upload(each) for each in (firing, sizes, won, won_sizes))]
    far.device.launch(far.device.prepare("list_starts", 1, [far.status, lessons, *ends, listed]))
    arguments = [far.status, lessons, np.int64(1), np.int64(pairs), *ends, *far.tables, listed, hits]
    far.device.launch(far.device.prepare("draw_pairs", -(-pairs // layout.THREADS), arguments))
    bits = np.unpackbits(far.device.read(hits).view(np.uint8), bitorder="little").reshape(len(firing), -1)
    expected = [[far.graph.contains(int(i), int(j)) for j in won] for i in firing]
    assert bits[:, : len(won)].tolist() == np.array(expected, int).tolist()
    assert bits.sum() > 0
    assert not bits[:, len(won) :].any()


@pytest.mark.parametrize(("learn", "stalled"), [(1, 0), (0, 0), (1, 1)])
def test_thresholds_past_2_to_the_31_are_raised_in_rounds_that_happen(learn: int, stalled: int) -> None:
    far, rng = Far(0.01), np.random.default_rng(4)
    low, rate = far.n - 2000, 3 * ONE // 2 + 1
    won = np.sort(rng.choice(2000, 300, replace=False))  # more than a thread block has threads
    amounts = rng.integers(-(2**61), 2**61, 2000)
    amounts[won[::9]] = rng.integers(-4 * ONE, 4 * ONE, len(won[::9]))
    amounts[won[-5:]] = THRESHOLD_LIMIT - np.array([1, 2, ONE, 2**40, 2**50])
    sums = rng.integers(0, 2**46, 2000)  # of weights, which times the rate stay below 2**63
    there = far.upload(amounts)
    areas = far.areas(drive=-low, amounts=-low, refraction=rate)
    winners = [far.device.zeros(300, np.uint32, "a test"), far.device.zeros(2, np.uint32, "a test")]
    winners += [far.upload((low + won).astype(np.uint32)), far.upload(np.array([0, 300], np.uint32))]
    flags = [far.device.zeros(2, np.uint32, "a test") for _ in range(2)]
    status = np.zeros(1, layout.STATUS)
    status["stalled"] = stalled
    arguments = [far.upload(status), far.upload(np.array([(1, 0, 0, 1)], layout.JOB)), np.int64(1), areas, *winners]
    arguments += [*flags, far.upload(sums - amounts), there, np.int64(learn)]
    far.device.launch(far.device.prepare("commit", 1, arguments))
    expected = amounts.copy()
    if learn and not stalled:
        expected[won] = raised(amounts[won], sums[won], rate)
        assert (expected[won[:-5]] > amounts[won[:-5]]).all()
        assert (expected == THRESHOLD_LIMIT - 1).sum() == 4
    assert far.device.read(there).tolist() == expected.tolist()
